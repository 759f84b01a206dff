"""A table as people read it: rows of cells, the keys of the first row its headings."""

from __future__ import annotations

from risk_model.core.estimate import Estimate

Cell = str | int | float | bool | Estimate | None
Row = dict[str, Cell]
