"""Which model is used? The simplest that cannot be told from the best, before any test row is
looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from risk_model import config
from risk_model.core.cohort import Outcome
from risk_model.core.errors import UserError
from risk_model.model import SIMPLEST_FIRST, Logits
from risk_model.training.calibration import Calibrator, choose_calibrator, cross_fitted, log_losses
from risk_model.training.folds import Floats, Interval, Subjects, simplest_as_good, subject_folds


@dataclass(frozen=True)
class Champion:
    """The model chosen, the sentence why, and a row a model: log loss and its 95 % interval against
    the best.
    """

    name: str
    reason: str
    table: list[dict[str, Any]]


def choose_champion(
    logits: Mapping[str, Logits],
    labels: Outcome,
    subjects: Subjects,
    seed: int,
    settings: config.Config,
    pos_weight: float = 1.0,
) -> Champion:
    """Compares float64[n] logits of the calibration split by log loss, each behind a cross-fitted
    calibrator.

    The champion is the simplest model whose subject-clustered, paired 95 % interval of log loss
    against the best includes 0, unless `model.champion` forces one. UserError when it forces a
    model that was not fitted.
    """
    fold = subject_folds(subjects, labels, seed)

    def losses(logit: Logits) -> Floats:
        def fit(rows: npt.NDArray[np.bool_]) -> Calibrator:
            choice = partial(choose_calibrator, settings=settings.training, pos_weight=pos_weight)
            return choice(logit[rows], labels[rows], subjects[rows], seed)

        return log_losses(cross_fitted(fit, logit, fold), labels)

    judged = {name: losses(logits[name]) for name in SIMPLEST_FIRST if name in logits}
    chosen, intervals = simplest_as_good(judged, subjects)
    table = [
        _row(name, float(judged[name].mean()), interval) for name, interval in intervals.items()
    ]
    forced = settings.model.champion
    if forced not in ("auto", *judged):
        raise UserError(f"model.champion: no model '{forced}'; choose auto, {', '.join(judged)}")
    if forced != "auto":
        return Champion(
            forced, f"model.champion asks for {forced}; the data would have chosen {chosen}", table
        )
    return Champion(chosen, _reason(chosen, intervals), table)


def _row(name: str, log_loss: float, against_best: Interval) -> dict[str, Any]:
    return {"model": name, "log_loss": log_loss, **against_best._asdict()}


def _reason(chosen: str, intervals: dict[str, Interval]) -> str:
    best = next(name for name, interval in intervals.items() if interval == Interval(0.0, 0.0, 0.0))
    low, high = intervals[chosen].low, intervals[chosen].high
    if chosen == best:
        return (
            f"{chosen} has the lowest log loss, and no simpler model comes within its 95 % interval"
        )
    return (
        f"{chosen} is the simplest model whose log loss cannot be told from the best ({best}): "
        f"difference {intervals[chosen].mean:.4f}, 95 % interval {low:.4f} to {high:.4f}"
    )
