"""Folds and paired intervals that keep the rows of a subject together.

Is one better than the other, or was it luck?

A model is asked for rows that it was made without, and stopped by rows that are neither: asked for
those that stopped it, it would look better than it is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from risk_model.core.cohort import Outcome, Rows, Splits
from risk_model.core.subject_folds import subject_folds
from risk_model.model import Floats

Subjects = npt.NDArray[Any]
NORMAL = 1.96
STOPPING = 10  # one row in so many of those beside a fold stops the training


class Turn(NamedTuple):
    """Rows that models learn from, rows that stop them, and rows that they are then asked for."""

    train: Rows
    validation: Rows
    held_out: Rows


def turns(splits: Splits, subjects: Subjects, labels: Outcome, seed: int, folds: int) -> list[Turn]:
    """A turn for each fold of the development rows, or the one that the split itself states.

    `subjects` and `labels` are those of all rows. A subject's rows, and the copies of a row that a
    bootstrap sample holds twice, have one place in each turn.
    """
    if folds == 1:
        return [Turn(splits.train, splits.validation, splits.calibration)]
    rows, result = splits.learning, []
    fold = subject_folds(subjects[rows], labels[rows], seed, folds)
    for k in range(folds):
        others = rows[fold != k]
        stops = subject_folds(subjects[others], labels[others], seed + k, STOPPING) == 0
        result.append(Turn(others[~stops], others[stops], rows[fold == k]))
    return result


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
    return Interval(mean, mean - NORMAL * error, mean + NORMAL * error)


def simplest_near_best(losses: dict[str, Floats], subjects: Subjects) -> str:
    """The first name whose mean loss is within one standard error of the best (Breiman 1984).

    `losses` are float64[n] losses of the same rows by name, the simplest first; the error is that
    of the paired difference.
    """
    best = min(losses, key=lambda name: float(losses[name].mean()))
    return next(
        name
        for name, loss in losses.items()
        if (between := paired_interval(loss - losses[best], subjects)).mean
        <= (between.high - between.mean) / NORMAL
    )


def simplest_as_good(
    losses: dict[str, Floats], subjects: Subjects, margin: float
) -> tuple[str, dict[str, Interval]]:
    """The first name whose loss is surely within `margin` of the best, or the best itself.

    That two cannot be told apart is no reason to call them equal: with few rows nothing can.

    Args:
        losses: float64[n] losses of the same rows by name, the simplest first.
        subjects: whose rows they are, [n].
        margin: by how much the upper end of a 95 % interval may exceed the best; 0: nothing may.

    Returns:
        The name, and each one's interval against the best.
    """
    best = min(losses, key=lambda name: float(losses[name].mean()))
    intervals = {
        name: paired_interval(loss - losses[best], subjects) for name, loss in losses.items()
    }
    good = (name for name in losses if name == best or intervals[name].high < margin)
    return next(good), intervals


def null_log_loss(labels: Outcome) -> float:
    """The log loss of the prevalence as everybody's risk; NaN where there is one class."""
    share = float(labels.mean())
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(-share * np.log(share) - (1 - share) * np.log(1 - share))
