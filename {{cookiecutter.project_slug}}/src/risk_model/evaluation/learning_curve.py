"""The learning curve: how well models do that were made from a share of the patients.

Figueroa et al., BMC Med Inform Decis Mak 2012;12:8; Christodoulou et al., Diagn Progn Res 2021;5:6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from risk_model.core.cohort import Outcome
from risk_model.core.estimate import Estimate
from risk_model.core.json_record import JsonRecord
from risk_model.core.scores import Floats, auroc, row_log_loss
from risk_model.core.subject_folds import subject_folds
from risk_model.training.calibration import cross_fitted, platt
from risk_model.training.folds import Subjects, paired_interval

FILE = "learning_curve.json"  # in a run's directory


@dataclass(frozen=True)
class TeachingSize(JsonRecord):
    """How many rows teach at one share: means over all fits, rounded.

    `subjects` is None where nothing tells whose row each is.
    """

    share: float
    subjects: int | None
    rows: int
    events: int


@dataclass(frozen=True)
class SharePerformance(JsonRecord):
    """How well a model does that was made from a share of the patients.

    `excess` is its log loss minus that of the model made from all of them, paired by row, with the
    rows of a subject together; without an interval for all of them.
    """

    log_loss: float
    auroc: float
    excess: Estimate


@dataclass(frozen=True)
class LearningCurve(JsonRecord):
    """The content of learning_curve.json.

    `sizes` holds the shares, ascending, and `models` a performance for each of them by name, judged
    on `rows` rows held out in `turns` turns. A log loss that differs by less than `margin` counts
    as equally good. `not_made_anew` are the other candidates of the run. `row_name` is what a row
    is called, see `Cohort.row_name`.
    """

    seed: int
    turns: int
    rows: int
    margin: float
    sizes: list[TeachingSize]
    models: dict[str, list[SharePerformance]]
    not_made_anew: list[str]
    row_name: str = "rows"


def share_performances(
    logits: Sequence[Floats], outcome: Outcome, subjects: Subjects, seed: int
) -> list[SharePerformance]:
    """A model's performance at each share, the last being all patients.

    Logits are judged behind a line that was fitted on the other folds of the same rows (Platt
    1999), as they are in use: risks from few patients are too extreme, which a calibrator mends
    whatever their number, and without it the curve would show little else.

    Args:
        logits: for each share float64[fits, n], of rows that the fits were made without.
        outcome: int8[n].
        subjects: whose rows they are, [n].
        seed: of the folds.
    """
    fold = subject_folds(subjects, outcome, seed)
    risks = [[_calibrated(fit, outcome, fold) for fit in share] for share in logits]
    losses = [np.mean([row_log_loss(outcome, risk) for risk in share], axis=0) for share in risks]
    excess = [Estimate.of(*paired_interval(loss - losses[-1], subjects)) for loss in losses[:-1]]
    return [
        SharePerformance(
            float(loss.mean()), float(np.mean([auroc(outcome, risk) for risk in share])), difference
        )
        for share, loss, difference in zip(risks, losses, [*excess, Estimate(0.0)], strict=True)
    ]


def _calibrated(logit: Floats, outcome: Outcome, fold: npt.NDArray[np.int64]) -> Floats:
    return cross_fitted(lambda rows: platt(logit[rows], outcome[rows]), logit, fold)
