"""The choice of the champion: the simplest model that cannot be told from the best.

Which model is used? That is decided before any test row is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt

from risk_model import config
from risk_model.core.cohort import Outcome
from risk_model.core.errors import UserError
from risk_model.core.estimate import Estimate
from risk_model.core.scores import row_log_loss
from risk_model.model import Floats, Logits
from risk_model.model.table import simplest_first
from risk_model.training.calibration import Calibrator, choose_calibrator, cross_fitted
from risk_model.training.folds import Interval, Subjects, simplest_as_good, subject_folds
from risk_model.training.record import ChampionChoice, ModelComparison


def check_champion(forced: str, names: Collection[str]) -> None:
    """UserError when `model.champion` names none of these models."""
    if forced not in ("auto", *names):
        raise UserError(f"model.champion: no model '{forced}'; choose auto, {', '.join(names)}")


def choose_champion(
    logits: Mapping[str, Logits],
    labels: Outcome,
    subjects: Subjects,
    seed: int,
    settings: config.Config,
    pos_weight: float = 1.0,
) -> ChampionChoice:
    """Chooses the model that is served, by the log loss of cross-fitted, calibrated risks.

    It is the simplest model whose subject-clustered, paired 95 % interval of log loss against the
    best includes 0, unless `model.champion` names one.

    Args:
        logits: float64[n] of the rows of the calibration split, by model.
        labels: their outcomes, int8[n].
        subjects: whose rows they are, [n].
        seed: of the folds.
        settings: `model.champion`, and the loss, which rules calibrators out.
        pos_weight: the weight that events had in training.

    Raises:
        UserError: `model.champion` names a model that was not fitted.
    """
    losses_of = {
        name: _losses(logits[name], labels, subjects, seed, settings.training, pos_weight)
        for name in simplest_first(logits)
    }
    chosen, intervals = simplest_as_good(losses_of, subjects)
    table = [
        ModelComparison(name, float(losses_of[name].mean()), Estimate.of(*interval))
        for name, interval in intervals.items()
    ]
    forced = settings.model.champion
    check_champion(forced, losses_of)
    if forced != "auto":
        reason = f"model.champion asks for {forced}; the data would have chosen {chosen}"
        return ChampionChoice(forced, reason, table)
    return ChampionChoice(chosen, _reason(chosen, intervals), table)


def _losses(
    logit: Logits,
    labels: Outcome,
    subjects: Subjects,
    seed: int,
    settings: config.Training,
    pos_weight: float,
) -> Floats:
    """Each row's log loss behind a calibrator that was chosen and fitted on the other folds."""

    def fit(rows: npt.NDArray[np.bool_]) -> Calibrator:
        inputs = logit[rows], labels[rows], subjects[rows], seed
        return choose_calibrator(*inputs, settings=settings, pos_weight=pos_weight)

    fold = subject_folds(subjects, labels, seed)
    return row_log_loss(labels, cross_fitted(fit, logit, fold))


def _reason(chosen: str, intervals: dict[str, Interval]) -> str:
    best = next(name for name, interval in intervals.items() if interval == Interval(0.0, 0.0, 0.0))
    if chosen == best:
        return (
            f"{chosen} has the lowest log loss, and no simpler model comes within its 95 % interval"
        )
    mean, low, high = intervals[chosen]
    return (
        f"{chosen} is the simplest model whose log loss cannot be told from the best ({best}): "
        f"difference {mean:.4f}, 95 % interval {low:.4f} to {high:.4f}"
    )
