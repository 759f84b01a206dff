"""Folds and paired intervals that keep the rows of a subject together.

Is one better than the other, or was it luck?
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from risk_model.core.cohort import Outcome
from risk_model.model import Floats

Subjects = npt.NDArray[Any]


def subject_folds(
    subjects: Subjects, labels: Outcome, seed: int, folds: int = 5
) -> npt.NDArray[np.int64]:
    """The fold of each row: int[n] in 0..folds-1, the same for all rows of a subject.

    It does not depend on the order of the rows. Subjects with an event are dealt first, so that
    every fold gets its share of them.
    """
    names, who = np.unique(subjects, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    has_event = np.bincount(who, weights=labels, minlength=len(names)) > 0
    dealt = shuffled[np.argsort(~has_event[shuffled], kind="stable")]
    fold = np.empty(len(names), dtype=np.int64)
    fold[dealt] = np.arange(len(names)) % folds
    return fold[who]


class Interval(NamedTuple):
    """A mean and its 95 % confidence interval."""

    mean: float
    low: float
    high: float


def paired_interval(differences: Floats, subjects: Subjects) -> Interval:
    """Mean of paired differences of rows, the rows of a subject counted as one observation.

    Cluster-robust standard error sqrt(G / (G - 1) · Σ_g (Σ_i d_gi - d̄)²) / n over G subjects
    (Liang and Zeger 1986).
    """
    _, who = np.unique(subjects, return_inverse=True)
    mean = float(differences.mean())
    sums = np.bincount(who, weights=differences - mean)
    groups = len(sums)
    error = float(np.sqrt(groups / max(groups - 1, 1) * np.sum(sums**2))) / len(differences)
    return Interval(mean, mean - 1.96 * error, mean + 1.96 * error)


def simplest_as_good(
    losses: dict[str, Floats], subjects: Subjects
) -> tuple[str, dict[str, Interval]]:
    """The first name whose loss cannot be told from the best, and each interval against the best.

    `losses` maps names, the simplest first, to float64[n] losses of the same rows.
    """
    best = min(losses, key=lambda name: float(losses[name].mean()))
    intervals = {
        name: paired_interval(loss - losses[best], subjects) for name, loss in losses.items()
    }
    return next(name for name in losses if intervals[name].low <= 0), intervals
