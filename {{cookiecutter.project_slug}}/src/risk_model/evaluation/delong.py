"""DeLong's interval of AUROC, for patients with one row or with many.

Does a formula agree with the bootstrap? DeLong, DeLong and Clarke-Pearson, Biometrics 1988; for
clusters Obuchowski, Biometrics 1997, which is the same where every subject has one row. A
cross-check: the intervals in the report and the gates are the bootstrap's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from risk_model.core.estimate import Estimate
from risk_model.core.scores import NAN, Floats, Outcomes, placements

if TYPE_CHECKING:
    from risk_model.evaluation.resampled_metrics import ScoredRows

NORMAL = 1.959963984540054  # of the middle 95 % of a normal distribution


def standard_error(outcome: Outcomes, placement: Floats, subject: npt.NDArray[np.integer]) -> float:
    """Standard error of the mean placement, all rows of a subject together.

    `subject` numbers the subjects from 0. Of the difference of two AUROCs, when `placement` is the
    difference of two models' placements. NaN with fewer than two subjects in either class.
    """
    if not len(placement):
        return NAN
    event = np.asarray(outcome) == 1
    centred = placement - placement[event].mean()
    sums = [
        np.bincount(subject[rows], weights=centred[rows], minlength=subject.max() + 1)
        for rows in (event, ~event)
    ]
    held = [len(np.unique(subject[rows])) for rows in (event, ~event)]
    rows, subjects = (int(event.sum()), int((~event).sum())), len(np.unique(subject))
    if min(held) < 2:
        return NAN
    own = sum(k / (k - 1) * float(s @ s) / n**2 for k, s, n in zip(held, sums, rows, strict=True))
    shared = 2 * subjects / (subjects - 1) * float(sums[0] @ sums[1]) / (rows[0] * rows[1])
    return float(np.sqrt(max(own + shared, 0.0)))


def auroc_interval(outcome: Outcomes, risk: Floats, subject: npt.NDArray[np.integer]) -> Estimate:
    """AUROC with DeLong's 95 % interval, cut at 0 and 1: estimate, low, high."""
    placement = placements(outcome, risk)
    if not len(placement):
        return Estimate(None)
    estimate = float(placement[np.asarray(outcome) == 1].mean())
    reach = NORMAL * standard_error(outcome, placement, subject)
    return Estimate.of(estimate, max(estimate - reach, 0.0), min(estimate + reach, 1.0))


def auroc_difference(own: ScoredRows, comparator: ScoredRows) -> Estimate:
    """Difference of two models' AUROC on the same rows with DeLong's interval."""
    places = placements(own.outcome, own.risk), placements(comparator.outcome, comparator.risk)
    if not len(places[0]):
        return Estimate(None)
    difference = places[0] - places[1]
    estimate = float(difference[np.asarray(own.outcome) == 1].mean())
    reach = NORMAL * standard_error(own.outcome, difference, own.subject)
    return Estimate.of(estimate, estimate - reach, estimate + reach)
