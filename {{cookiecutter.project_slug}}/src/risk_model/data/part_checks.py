"""Whether each part of a split, and each fold, can do its work."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from risk_model.core.cohort import Rows, Splits
from risk_model.core.errors import UserError
from risk_model.core.parts import PARTS


def check_parts(splits: Splits, labels: npt.NDArray[np.int8]) -> None:
    """UserError where a part is empty or holds one class only."""
    for name in PARTS:
        rows = getattr(splits, name)
        remedy = f"make split.{name} larger" if name != "test" else "make split.train smaller"
        if len(rows) == 0:
            raise UserError(
                f"split: no row falls in {name}; {remedy}, hold out less, or bring more data"
            )
        if labels[rows].min() == labels[rows].max():
            lacks = "event" if labels[rows[0]] == 0 else "row without the event"
            raise UserError(
                f"split: {name} holds no {lacks} among {len(rows)} rows; {remedy}, or bring more "
                "data"
            )


def check_folds(development: Rows, labels: npt.NDArray[np.int8], folds: int) -> None:
    """UserError where a fold, or what stops the training beside it, would hold one class only."""
    rarer = int(min(labels[development].sum(), (1 - labels[development]).sum()))
    if rarer < 2 * folds:
        raise UserError(
            f"split: the {len(development):,} development rows hold {rarer} of the rarer class, "
            f"too few to cross-fit in {folds} folds, which needs {2 * folds}; make split.folds "
            "smaller, hold out less, or bring more data"
        )
