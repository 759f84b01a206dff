"""Univariate association: what one column by itself says about the outcome.

The statistics behind the leakage check.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.cohort import Cohort, Outcome
from risk_model.core.schema import Field
from risk_model.core.scores import auroc

Counts = npt.NDArray[np.int64]

FOLDS = 5
EXPECTED_EVENTS = 20.0  # of a value that never has one: e^-20 by chance
CARRIED = 0.05  # share of the rows, or of the class it always has, that carry such a value


@dataclass(frozen=True)
class UnivariateAssociation:
    """The association of one column with the outcome.

    `auroc` is that of the column alone, a missing value counting as a value of its own: for numbers
    in the better direction, for categories of the out-of-fold event rate of each. `null_error` is
    its standard error were there no association, `largest_error` the most that its own can be
    (Birnbaum and Klose 1957). `largest_phi` is the highest absolute correlation of one value's
    presence with the outcome; `never` and `always` are the shares of rows with values that never,
    or always, have the outcome.
    """

    auroc: float
    null_error: float
    largest_error: float
    largest_phi: float
    never: float
    always: float


def univariate_association(field: Field, cohort: Cohort) -> UnivariateAssociation:
    """The association of an input of the cohort with its outcome."""
    column, labels = cohort.inputs[field.name], cohort.labels
    codes, values = pd.factorize(column, sort=field.kind != "category")
    codes = np.where(codes < 0, len(values), codes)  # missing is the last value
    area = (
        _auroc_of_category(codes, labels, cohort.subjects)
        if field.kind == "category"
        else _auroc_of_number(codes, labels, missing=len(values))
    )
    events, others = int(labels.sum()), int(len(labels) - labels.sum())
    null_error = np.sqrt((events + others + 1) / (12 * max(events, 1) * max(others, 1)))
    largest_error = np.sqrt(area * (1 - area) / max(min(events, others), 1))
    table = _by_value(codes, labels, len(values) + 1)
    return UnivariateAssociation(
        area,
        float(null_error),
        float(largest_error),
        _largest_phi(table),
        never=_never(table),
        always=_never(table[::-1]),
    )


def _by_value(codes: Counts, labels: Outcome, size: int) -> Counts:
    """Rows without and with the outcome for each value: int[2, size]."""
    return np.stack([np.bincount(codes[labels == c], minlength=size) for c in (0, 1)])


def _auroc_of_number(codes: Counts, labels: Outcome, missing: int) -> float:
    """The better direction, with the missing as the highest value or the lowest."""
    lowest = np.where(codes == missing, -1, codes)
    return max(max(area, 1 - area) for area in (auroc(labels, codes), auroc(labels, lowest)))


def _auroc_of_category(codes: Counts, labels: Outcome, subjects: npt.NDArray[Any]) -> float:
    """AUROC of each value's event rate in the other folds.

    Folds keep subjects whole, so that an identifier predicts nothing.
    """
    fold = pd.util.hash_array(subjects) % np.uint64(FOLDS)
    areas, pairs = np.zeros(FOLDS), np.zeros(FOLDS)
    for k in range(FOLDS):
        in_fold = fold == k
        others, events = _by_value(codes[~in_fold], labels[~in_fold], int(codes.max()) + 1)
        rate = (events + labels.mean()) / (others + events + 1)
        pairs[k] = labels[in_fold].sum() * (1 - labels[in_fold]).sum()
        if pairs[k]:
            areas[k] = auroc(labels[in_fold], rate[codes[in_fold]])
    return float(np.average(areas, weights=pairs)) if pairs.any() else 0.5


def _largest_phi(table: Counts) -> float:
    """Highest |phi| between "has this value" and the outcome."""
    others, events = table.astype(np.float64)
    n1, n0, size = events.sum(), others.sum(), events + others
    spread = np.sqrt(n1 * n0 * size * (n1 + n0 - size))
    phi = np.abs(events * n0 - others * n1) / np.maximum(spread, 1e-300) * (spread > 0)
    return float(np.max(phi, initial=0.0))


def _never(table: Counts) -> float:
    """Share of rows with values that never have the outcome, though events were to be expected."""
    others, events = table
    size, n = others + events, max(int(table.sum()), 1)
    expected = size * (events.sum() / n)
    carried = (size >= CARRIED * n) | (size >= 4 * CARRIED * others.sum())
    silent = (events == 0) & (expected >= EXPECTED_EVENTS) & carried
    return float(silent.astype(float) @ size / n)
