"""What a setting may be: checked at the start, before a row is read or a model trained.

A number that makes no sense would otherwise stop a run after an hour, or be trained with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args

from risk_model.config.settings import LOSSES, Config, Split
from risk_model.core.decision import check_decision
from risk_model.core.errors import UserError
from risk_model.core.input_policy import Unusual
from risk_model.core.optional import required_module
from risk_model.core.package import check_name
from risk_model.core.person import person_and_reason
from risk_model.core.tracking import database_path

# What a number may be, and the settings of which that holds; below `data` and `model.network`
# whatever source or network is chosen.
RULES: dict[str, tuple[Callable[[float], bool], str]] = {
    "above 0": (
        lambda value: value > 0,
        "model.network.learning_rate training.learning_rate "
        "training.clip_norm evaluation.slope_high evaluation.intercept_bound "
        "evaluation.widths.auroc evaluation.widths.slope evaluation.widths.ratio "
        "evaluation.widths.net_benefit data.seconds data.rate",
    ),
    "at least 0": (
        lambda value: value >= 0,
        "model.logistic_regression.c model.xgboost.min_child_weight model.xgboost.l2 "
        "model.network.frozen training.focal_gamma training.weight_decay training.batch_size "
        "training.margin split.test_events evaluation.examples evaluation.slope_low "
        "data.set_aside data.decision.harm_ratio",
    ),
    "at least 1": (
        lambda value: value >= 1,
        "split.folds split.repeats model.network.folds model.xgboost.trees "
        "model.xgboost.depth model.xgboost.patience "
        "model.network.epochs model.network.patience model.network.members model.network.width "
        "model.network.blocks model.network.bins model.network.embedding model.network.pixels "
        "model.network.heads model.network.layers model.network.tuned "
        "model.network.copies training.epochs "
        "training.patience training.threads evaluation.minimum_events data.subjects data.records "
        "data.size data.windows data.tokens data.columns",
    ),
    "at least 2": (lambda value: value >= 2, "evaluation.resamples"),
    # with fewer, a 95 % range hangs on the single lowest and highest
    "at least 50": (lambda value: value >= 50, "evaluation.refits"),
    "above 0 and below 1": (lambda v: 0 < v < 1, "split.train split.validation split.calibration"),
    "above 0 and at most 1": (
        lambda value: 0 < value <= 1,
        "model.xgboost.learning_rate model.xgboost.subsample model.xgboost.colsample "
        "model.network.layer_decay",
    ),
    "at least 0 and below 1": (
        lambda value: 0 <= value < 1,
        "model.network.dropout data.held_out_period data.decision.threshold_low "
        "data.decision.threshold_high evaluation.minimum_auroc",
    ),
    # what NumPy, torch and XGBoost all take
    "at least 0 and at most 4294967295": (lambda value: 0 <= value < 2**32, "seed data.seed"),
}
RULE_OF = {name: rule for rule, (_, names) in RULES.items() for name in names.split()}


def check_settings(settings: Config) -> None:
    """Refuses settings that no cohort could make sense of.

    Raises:
        UserError: names the first such setting, and says what it may be.
    """
    for name, value in numbers(settings):
        rule = RULE_OF.get(name)
        if rule and not (math.isfinite(value) and RULES[rule][0](value)):
            raise UserError(f"{name}={value:.12g}: must be {rule}")
    _check_training(settings)
    check_shares(settings.split)
    if settings.evaluation.slope_low >= settings.evaluation.slope_high:
        raise UserError("evaluation.slope_low: must be below evaluation.slope_high")
    if (unusual := settings.deployment.unusual_inputs) not in get_args(Unusual):
        raise UserError(f"deployment.unusual_inputs: '{unusual}' is neither warn nor refuse")
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
    if shares.folds < 1:
        raise UserError(f"split.folds={shares.folds}: must be at least 1")
    parts = {name: getattr(shares, name) for name in ("train", "validation", "calibration")}
    for name, share in parts.items():
        if not 0 < share < 1:
            raise UserError(f"split.{name}={share:g}: must be above 0 and below 1")
    if sum(parts.values()) > 1 - 1e-9:
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
    device = settings.training.device
    if settings.model.network.name == "mlp":
        if device not in ("auto", "cpu") or settings.training.amp:
            raise UserError("training.device, training.amp: tables need no GPU; leave them out")
    elif device not in ("auto", "cpu"):
        required_module("training.device").chosen(device)
