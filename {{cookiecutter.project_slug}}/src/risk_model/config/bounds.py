"""What a setting may be: checked at the start, before a row is read or a model trained.

A number that makes no sense would otherwise stop a run after an hour, or be trained with.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from risk_model.config.settings import LOSSES, Config, Split
from risk_model.core.decision import check_decision
from risk_model.core.errors import UserError
from risk_model.core.package import check_name, person_and_reason
from risk_model.core.tracking import database_path


@dataclass(frozen=True)
class Bound:
    """The numbers from `low` to `high`; without the two themselves where it is `open`."""

    low: float
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    def holds(self, value: float) -> bool:
        """Whether the number lies within; NaN and infinities never do."""
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open else value <= self.high
        return math.isfinite(value) and above and below

    def __str__(self) -> str:
        low = f"above {self.low:g}" if self.low_open else f"at least {self.low:g}"
        if self.high == math.inf:
            return low
        high = f"below {self.high:.12g}" if self.high_open else f"at most {self.high:.12g}"
        return f"{low} and {high}"


ZERO, ONE = Bound(0), Bound(1)
POSITIVE = Bound(0, low_open=True)
SHARE = Bound(0, 1, low_open=True, high_open=True)
FRACTION = Bound(0, 1, low_open=True)  # all of it is allowed
PROBABILITY = Bound(0, 1)
DROPPED = Bound(0, 1, high_open=True)
SEED = Bound(0, 2**32 - 1)  # what NumPy, torch and XGBoost all take

# By the setting's name; below `data` and `model.network` whatever source or network is chosen.
BOUNDS = {
    "seed": SEED,
    "split.train": SHARE,
    "split.validation": SHARE,
    "split.calibration": SHARE,
    "split.folds": ONE,
    "model.logistic_regression.c": POSITIVE,
    "model.xgboost.trees": ONE,
    "model.xgboost.depth": ONE,
    "model.xgboost.learning_rate": FRACTION,
    "model.xgboost.subsample": FRACTION,
    "model.xgboost.colsample": FRACTION,
    "model.xgboost.min_child_weight": ZERO,
    "model.xgboost.patience": ONE,
    **{
        f"model.network.{name}": ONE
        for name in "epochs patience members width blocks bins embedding pixels heads layers "
        "tuned".split()
    },
    "model.network.learning_rate": POSITIVE,
    "model.network.dropout": DROPPED,
    "model.network.frozen": ZERO,
    "training.focal_gamma": ZERO,
    "training.learning_rate": POSITIVE,
    "training.weight_decay": ZERO,
    "training.batch_size": ZERO,
    "training.epochs": ONE,
    "training.patience": ONE,
    "training.clip_norm": POSITIVE,
    "training.threads": ONE,
    "evaluation.resamples": Bound(2),
    "evaluation.minimum_events": ONE,
    "evaluation.examples": ZERO,
    "evaluation.minimum_auroc": PROBABILITY,
    "evaluation.slope_low": ZERO,
    "evaluation.slope_high": POSITIVE,
    "evaluation.intercept_bound": POSITIVE,
    "evaluation.widths.auroc": POSITIVE,
    "evaluation.widths.slope": POSITIVE,
    "evaluation.widths.ratio": POSITIVE,
    "evaluation.widths.net_benefit": POSITIVE,
    # with fewer, a 95 % range hangs on the single lowest and highest
    "evaluation.refits": Bound(50),
    "data.held_out_period": DROPPED,
    "data.seed": SEED,
    "data.set_aside": ZERO,
    **{f"data.{name}": ONE for name in "subjects records size windows tokens columns".split()},
    "data.seconds": POSITIVE,
    "data.rate": POSITIVE,
    "data.decision.harm_ratio": ZERO,
    "data.decision.threshold_low": DROPPED,
    "data.decision.threshold_high": DROPPED,
}


def check_settings(settings: Config) -> None:
    """Refuses settings that no cohort could make sense of.

    Raises:
        UserError: names the first such setting, and says what it may be.
    """
    for name, value in numbers(settings):
        if name in BOUNDS and not BOUNDS[name].holds(value):
            raise UserError(f"{name}={value:.12g}: must be {BOUNDS[name]}")
    _check_training(settings)
    check_shares(settings.split)
    if settings.evaluation.slope_low >= settings.evaluation.slope_high:
        raise UserError("evaluation.slope_low: must be below evaluation.slope_high")
    check_decision(settings.data.decision)
    unexplained = [name for name, reason in settings.data.accept.items() if not reason.strip()]
    if unexplained:
        raise UserError(f"data.accept: {', '.join(unexplained)} needs a reason, for the model card")
    if settings.accept:
        person_and_reason(settings.accept, "register accept='your name: your reason'")
    if settings.deployment.registered_name:
        check_name(settings.deployment.registered_name, "deployment.registered_name")
    database_path(settings.deployment.tracking_uri)


def numbers(section: Any, prefix: str = "") -> Iterator[tuple[str, float]]:
    """Every setting that is a number, by its dotted name."""
    for field in fields(section):
        value = getattr(section, field.name)
        if is_dataclass(value):
            yield from numbers(value, f"{prefix}{field.name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{field.name}", value


def check_shares(shares: Split) -> None:
    """UserError when train, validation and calibration leave nothing to test on."""
    parts = {name: getattr(shares, name) for name in ("train", "validation", "calibration")}
    for name, share in parts.items():
        if not SHARE.holds(share):
            raise UserError(f"split.{name}={share:g}: must be {SHARE}")
    if shares.folds == 1 and sum(parts.values()) > 1 - 1e-9:
        raise UserError(
            f"split: {' + '.join(parts)} must leave a share for the test split; make split.train "
            "smaller"
        )


def _check_training(settings: Config) -> None:
    if settings.training.loss not in LOSSES:
        raise UserError(
            f"training.loss: no loss '{settings.training.loss}'; choose one of {', '.join(LOSSES)}"
        )
    if settings.training.batch_size == 1:
        raise UserError(
            "training.batch_size: batch norm needs at least 2 rows a batch; use 0 (automatic) or 2 "
            "and more"
        )
