"""The choice of the champion: the simplest model surely within a margin of the best.

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
from risk_model.core.subject_folds import subject_folds
from risk_model.model import Floats, Logits
from risk_model.model.table import MODELS, simplest_first
from risk_model.training.calibration import Calibrator, choose_calibrator, cross_fitted
from risk_model.training.folds import (
    Interval,
    Subjects,
    null_log_loss,
    simplest_as_good,
)
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
    best lies below the margin, else the best, unless `model.champion` names one of these.

    Args:
        logits: float64[n] by model, of rows that it was made without.
        labels: their outcomes, int8[n].
        subjects: whose rows they are, [n].
        seed: of the folds.
        settings: `model.champion`, the margin, and the loss, which rules calibrators out.
        pos_weight: the weight that events had in training.

    Raises:
        UserError: `model.champion` names no model of the table.
    """
    losses_of = {
        name: _losses(logits[name], labels, subjects, seed, settings.training, pos_weight)
        for name in simplest_first(logits)
    }
    margin = settings.training.margin * null_log_loss(labels)
    chosen, intervals = simplest_as_good(losses_of, subjects, margin)
    table = [
        ModelComparison(name, float(losses_of[name].mean()), Estimate.of(*interval))
        for name, interval in intervals.items()
    ]
    forced = settings.model.champion
    check_champion(forced, [row.name for row in MODELS])
    if forced in losses_of:
        reason = f"model.champion asks for {forced}; the data would have chosen {chosen}"
        return ChampionChoice(forced, reason, table, margin)
    return ChampionChoice(chosen, _reason(chosen, intervals, margin), table, margin)


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


def _reason(chosen: str, intervals: dict[str, Interval], margin: float) -> str:
    best = next(name for name, interval in intervals.items() if interval == Interval(0.0, 0.0, 0.0))
    if chosen == best:
        lowest = f"{chosen} has the lowest log loss"
        simplest = chosen == next(iter(intervals))
        within = f", and no simpler model is surely within {margin:.4f} of it"
        return lowest if simplest else f"{lowest}{within}"
    mean, low, high = intervals[chosen]
    return (
        f"{chosen} is the simplest model whose log loss is surely within {margin:.4f} of the best "
        f"({best}): difference {mean:.4f}, 95 % interval {low:.4f} to {high:.4f}"
    )
