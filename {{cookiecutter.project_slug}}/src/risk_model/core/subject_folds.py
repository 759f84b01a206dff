"""Folds that keep the rows of a subject together."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from risk_model.core.scores import Outcomes


def subject_folds(
    subjects: npt.NDArray[Any], labels: Outcomes, seed: int, folds: int = 5
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
