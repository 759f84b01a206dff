"""Training distributions, without a single patient: drift and explanations compare with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.cohort import Cohort, Rows
from risk_model.core.schema import Field

LEVELS = np.linspace(0, 1, 101)
FEWEST = 10  # rows behind any number told; counts below are suppressed


def reference(cohort: Cohort, rows: Rows) -> dict[str, Any]:
    """Distributions of the inputs over these rows (the train split), as JSON-able values.

    A number has 101 quantiles, those beyond the 1st and 99th percentile clipped to them, with
    FEWEST values or more between the levels they are interpolated from; a category and a boolean
    have the share of each value among the rows where it was recorded. `missing` is a share of all
    rows. What fewer than FEWEST rows show is left out or 0.
    """
    inputs = cohort.take(rows).inputs
    return {
        "rows": len(rows),
        "fields": {f.name: _field(f, inputs[f.name]) for f in cohort.schema.inputs},
    }


def _field(field: Field, column: pd.Series[Any]) -> dict[str, Any]:
    absent = int(column.isna().sum())
    missing = {"missing": absent / len(column) if absent >= FEWEST else 0.0}
    if field.kind == "number":
        return {**missing, "quantiles": _quantiles(column.dropna().to_numpy(dtype=np.float64))}
    if field.kind == "boolean":
        column = column.map({0.0: "false", 1.0: "true"})
    counts = column.value_counts()
    recorded = int(counts.sum())
    return {
        **missing,
        "shares": {str(v): int(n) / recorded for v, n in counts.items() if n >= FEWEST},
    }


def _quantiles(values: npt.NDArray[np.float64]) -> list[float]:
    if len(values) < 2 * FEWEST:
        return []
    levels = np.linspace(0, 1, min(len(LEVELS), len(values) // FEWEST))
    edge = max(0.01, FEWEST / len(values))
    quantiles = np.interp(LEVELS, levels, np.quantile(values, levels.clip(edge, 1 - edge)))
    return [float(value) for value in quantiles]
