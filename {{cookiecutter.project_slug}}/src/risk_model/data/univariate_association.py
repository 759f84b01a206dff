"""How much does one column know about the outcome, all by itself? The statistics behind the leakage
check.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.cohort import Outcome
from risk_model.core.schema import Field

Counts = npt.NDArray[np.int64]

SILENT = 20.0  # events expected where none is seen: e^-20 by chance
CARRIED = 0.05  # share of the rows, or of the class it always has, that carry such a value


@dataclass(frozen=True)
class Knowledge:
    """What one column tells about the outcome.

    `auroc` is that of the column alone, a missing value counting as a value of its own: for numbers
    in the better direction, for categories of the out-of-fold event rate of each. `chance` is its
    standard error if the column knew nothing, `doubt` the most that its own can be (Birnbaum and
    Klose 1957). `copy` is the highest absolute correlation (phi) of one value's presence with the
    outcome; `silent` and `telling` are the shares of rows with values that never, or always, have
    the outcome.
    """

    auroc: float
    chance: float
    doubt: float
    copy: float
    silent: float
    telling: float


def knowledge(
    field: Field, column: pd.Series[Any], labels: Outcome, subjects: npt.NDArray[Any]
) -> Knowledge:
    """What a column of n values tells about n outcomes."""
    codes, values = pd.factorize(column, sort=field.kind != "category")
    codes = np.where(codes < 0, len(values), codes)  # missing is the last value
    table = _by_value(codes, labels, len(values) + 1)
    auroc = (
        _auroc_of_category(codes, labels, subjects)
        if field.kind == "category"
        else _auroc_of_number(table)
    )
    events, others = int(labels.sum()), int(len(labels) - labels.sum())
    chance = np.sqrt((events + others + 1) / (12 * max(events, 1) * max(others, 1)))
    doubt = np.sqrt(auroc * (1 - auroc) / max(min(events, others), 1))
    return Knowledge(
        auroc, float(chance), float(doubt), _copy(table), _never(table), _never(table[::-1])
    )


def _by_value(codes: Counts, labels: Outcome, size: int) -> Counts:
    """Rows without and with the outcome for each value: int[2, size]."""
    return np.stack([np.bincount(codes[labels == c], minlength=size) for c in (0, 1)])


def _auroc(table: Counts) -> float:
    """Area under the ROC curve of values in increasing order, ties counting half; from counts as
    `_by_value`'s.
    """
    others, events = table.astype(np.float64)
    below = np.cumsum(others) - others / 2
    return float((events * below).sum() / max(events.sum() * others.sum(), 1.0))


def _auroc_of_number(table: Counts) -> float:
    """The better direction, with the missing as the highest value or the lowest."""
    areas = [_auroc(table), _auroc(np.roll(table, 1, axis=1))]
    return max(max(area, 1 - area) for area in areas)


def _auroc_of_category(codes: Counts, labels: Outcome, subjects: npt.NDArray[Any]) -> float:
    """Of each value's event rate in the other folds; folds keep subjects whole, so an identifier
    learns nothing.
    """
    fold = pd.util.hash_array(subjects) % np.uint64(5)
    areas, weights = np.zeros(5), np.zeros(5)
    for k in range(5):
        table = _by_value(codes[fold == k], labels[fold == k], int(codes.max()) + 1)
        others, events = _by_value(codes[fold != k], labels[fold != k], int(codes.max()) + 1)
        order = np.unique((events + labels.mean()) / (others + events + 1), return_inverse=True)[1]
        pooled = np.stack([np.bincount(order, row) for row in table])  # values of the same rate tie
        areas[k], weights[k] = _auroc(pooled), np.prod(table.sum(axis=1))
    return float(np.average(areas, weights=weights)) if weights.any() else 0.5


def _copy(table: Counts) -> float:
    """Highest |phi| between "has this value" and the outcome."""
    others, events = table.astype(np.float64)
    n1, n0, size = events.sum(), others.sum(), events + others
    spread = np.sqrt(n1 * n0 * size * (n1 + n0 - size))
    return float(
        np.max(
            np.abs(events * n0 - others * n1) / np.maximum(spread, 1e-300) * (spread > 0),
            initial=0.0,
        )
    )


def _never(table: Counts) -> float:
    """Share of rows with values that never have the outcome, though SILENT events were to be
    expected of each.
    """
    others, events = table
    size, n = others + events, max(int(table.sum()), 1)
    missed = (events == 0) & (size * (events.sum() / n) >= SILENT)
    carried = (missed & ((size >= CARRIED * n) | (size >= 4 * CARRIED * others.sum()))).astype(
        float
    ) * size
    return float(carried.sum() / n)
