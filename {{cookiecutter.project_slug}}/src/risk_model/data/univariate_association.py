"""Univariate association: what one column by itself says about the outcome.

The statistics behind the leakage check.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import xlogy
from scipy.stats import chi2

from risk_model.core.cohort import Cohort, Outcome
from risk_model.core.schema import Field
from risk_model.core.scores import auroc
from risk_model.data.pure_values import never, piled_at_the_end

Counts = npt.NDArray[np.int64]

FOLDS = 5
BINS = 10
BAND = re.compile(
    r"(?:aged?|ages)?[^\w<]*(?P<under>under|below|less than|younger than|<)?"
    r"(?:over|above|more than|older than)?\W*(?P<start>\d+)",
    re.IGNORECASE,
)
BEYOND_CHANCE = 4.0  # standard errors above .5: once in 30,000 columns without any association


@dataclass(frozen=True)
class UnivariateAssociation:
    """The association of one column with the outcome.

    `auroc` is that of the column alone, a missing value counting as a value of its own: for numbers
    in the better direction, for categories of the out-of-fold event rate of each. `null_error` is
    its standard error were there no association, `largest_error` the most that its own can be
    (Birnbaum and Klose 1957). `largest_phi` is the highest absolute correlation of one value's
    presence with the outcome; `never` and `always` are the shares of rows with values that never,
    or always, have the outcome (see `pure_values`). `shorter` is how often the value of a row with
    the outcome is the smaller, `piled` the share of rows without the outcome at a highest value
    that hardly any row with it has; .5 and 0 where the column is no number. `p` and `strength` (the
    V of Cramér) are those of its tenths, or categories, against the outcome, missing values being a
    group.
    """

    auroc: float
    null_error: float
    largest_error: float
    largest_phi: float
    never: float
    always: float
    shorter: float
    piled: float
    p: float
    strength: float


def univariate_association(field: Field, cohort: Cohort) -> UnivariateAssociation:
    """The association of an input of the cohort with its outcome."""
    column, labels = cohort.inputs[field.name], cohort.labels
    codes, ordered = _codes(column, field.kind)
    missing = int(codes.max(initial=-1)) + 1
    filled = np.where(codes < 0, missing, codes)
    number = field.kind == "number"
    area = (
        _auroc_of_category(filled, labels, cohort.subjects)
        if field.kind == "category"
        else _auroc_of_number(filled, labels, missing)
    )
    events, others = int(labels.sum()), int(len(labels) - labels.sum())
    null_error = np.sqrt((events + others + 1) / (12 * max(events, 1) * max(others, 1)))
    largest_error = np.sqrt(area * (1 - area) / max(min(events, others), 1))
    table = _by_value(filled, labels, missing + 1)
    p, strength = _independence(filled, labels, cohort.subjects, missing if number else 0)
    return UnivariateAssociation(
        area,
        float(null_error),
        float(largest_error),
        _largest_phi(table),
        never=never(table, ordered),
        always=never(table[::-1], ordered),
        shorter=_shorter(codes, labels) if number else 0.5,
        piled=piled_at_the_end(table[:, :-1]) if number else 0.0,
        p=p,
        strength=strength,
    )


def beyond_chance(association: UnivariateAssociation, labels: Outcome) -> bool:
    """Whether no column without any association would separate the classes so well.

    By the normal approximation, or, where a few events stand all on one side, by the number of ways
    to choose them, which the approximation cannot tell from chance.
    """
    if association.auroc - 0.5 > BEYOND_CHANCE * association.null_error:
        return True
    ways = math.comb(len(labels), int(labels.sum()))
    return association.auroc == 1 and ways > 2 / math.erfc(BEYOND_CHANCE / math.sqrt(2))


def _codes(column: pd.Series[Any], kind: str) -> tuple[Counts, bool]:
    """Values as numbers from 0, missing as -1, and whether their order means anything.

    That of numbers does, and that of bands: under 18, 18-24, Age 25 to 34, 80+.
    """
    codes, values = pd.factorize(column, sort=kind != "category")
    if kind != "category":
        return np.asarray(codes), len(values) > 2
    bands = [BAND.match(str(value)) for value in values]
    starts = [float(b["start"]) - 0.5 * bool(b["under"]) for b in bands if b]
    if len(starts) < max(len(values), 3) or len(set(starts)) < len(starts):
        return np.asarray(codes), False
    rank = np.append(np.argsort(np.argsort(starts)), -1)
    return np.asarray(rank[codes]), True


def _by_value(codes: Counts, labels: Outcome, size: int) -> Counts:
    """Rows without and with the outcome for each value: int[2, size]."""
    return np.stack([np.bincount(codes[labels == c], minlength=size) for c in (0, 1)])


def _auroc_of_number(codes: Counts, labels: Outcome, missing: int) -> float:
    """The better direction, with the missing as the highest value or the lowest."""
    lowest = np.where(codes == missing, -1, codes)
    return max(max(area, 1 - area) for area in (auroc(labels, codes), auroc(labels, lowest)))


def _shorter(codes: Counts, labels: Outcome) -> float:
    """How often, of two recorded numbers, the smaller is that of the row with the outcome."""
    recorded = codes >= 0
    if len(np.unique(labels[recorded])) < 2:
        return 0.5
    return 1 - auroc(labels[recorded], codes[recorded])


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


def _independence(
    codes: Counts, labels: Outcome, subjects: npt.NDArray[Any], missing: int
) -> tuple[float, float]:
    """The p-value of the likelihood ratio test of independence, and Cramér's V.

    Numbers (`missing` above 0, their code of the missing) by tenths. Subjects, not rows, are the
    sample.
    """
    group = _tenths(codes, missing) if missing else codes
    table = _by_value(group, labels, int(group.max()) + 1).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(len(labels), 1)
    if table.shape[1] < 2 or not expected.all():
        return 1.0, 0.0
    g = 2 * float((xlogy(table, table) - xlogy(table, expected)).sum())
    people = len(set(subjects)) / len(labels)
    chi_squared = float(((table - expected) ** 2 / expected).sum())
    return float(chi2.sf(g * people, table.shape[1] - 1)), math.sqrt(chi_squared / len(labels))


def _tenths(codes: Counts, missing: int) -> Counts:
    """The tenth of each value, the missing apart."""
    recorded = np.sort(codes[codes < missing])
    edges = np.unique(recorded[len(recorded) * np.arange(1, BINS) // BINS])
    tenth = np.searchsorted(edges, codes, side="right")
    return np.where(codes == missing, len(edges) + 1, tenth).astype(np.int64)
