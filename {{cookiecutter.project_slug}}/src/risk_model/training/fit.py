"""Fitting of the models on the training rows: the baselines first, then the network."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from risk_model import config
from risk_model.config.settings import LOSSES
from risk_model.core.cohort import Outcome, Rows
from risk_model.core.errors import UserError
from risk_model.core.inputs import Inputs
from risk_model.core.optional import required_module
from risk_model.core.schema import Schema
from risk_model.model import FitInputs, RiskModel, Sample, table
from risk_model.training.folds import Subjects
from risk_model.training.monitor import Monitor


def fit_models(
    inputs: Inputs,
    labels: Outcome,
    subjects: Subjects,
    train: Rows,
    validation: Rows,
    schema: Schema,
    settings: config.Config,
    monitor: Monitor,
    only: Collection[str] | None = None,
    rounds: Mapping[str, int] | None = None,
) -> dict[str, RiskModel]:
    """Fits the models of the table, the simplest first, on the training rows alone.

    XGBoost and the network look at the validation rows to know when to stop; where there are none,
    they take `rounds`. With loss=pos_weight all models weigh events; focal loss changes the network
    alone.

    Args:
        inputs: what models see of n rows; for baselines the simple columns are enough.
        labels: int8[n].
        subjects: whose rows they are, [n].
        train: the rows that teach; one that stands there twice counts twice.
        validation: the rows to stop by, or none.
        schema: what the columns mean; beside a signal the baselines see its simple columns alone.
        settings: of the model and the training.
        monitor: gets what is measured after each epoch and each tree, and how long each model took.
        only: the models to fit, by name; None for all of them.
        rounds: epochs or trees by model, where there are no validation rows.

    Returns:
        The models by name.

    Raises:
        UserError: the loss is unknown, or a part holds a single class or infinite values.
    """
    if settings.training.loss not in LOSSES:
        raise UserError(
            f"training.loss: no loss '{settings.training.loss}'; choose one of {', '.join(LOSSES)}"
        )
    weight = positive_weight(labels[train], settings.training)
    weights = np.where(labels == 1, weight, 1.0)
    everybody = Sample(inputs.simple, labels, weights, subjects, inputs.arrays)
    taught = _part(everybody, train, "train")
    stopped = _part(everybody, validation, "validation") if len(validation) else None
    models: dict[str, RiskModel] = {}
    for row in table.MODELS:
        if only is None or row.name in only:
            given = FitInputs(
                taught,
                stopped,
                schema,
                settings,
                weight,
                monitor.of(row.name),
                (rounds or {}).get(row.name, 0),
                monitor.curves,
            )
            with monitor.timed(row.name):
                models[row.name] = _fit_baseline(row, given) if row.baseline else row.fit(given)
    monitor.flush()
    return models


def positive_weight(labels: Outcome, settings: config.Training) -> float:
    """Weight of an event: non-events / events of the training rows with loss=pos_weight, else 1."""
    if settings.loss != "pos_weight":
        return 1.0
    events = int(labels.sum())
    return (len(labels) - events) / events


def _fit_baseline(row: table.ModelRow, inputs: FitInputs) -> RiskModel:
    """The model of the simple columns; beside a signal it takes whole rows all the same."""
    schema = inputs.schema
    if schema.simple == schema.width:
        return row.fit(inputs)
    subset = required_module("model.feature_subset").FeatureSubset
    model: RiskModel = subset(row.fit(inputs), schema.simple, schema.width)
    return model


def _part(everybody: Sample, rows: Rows, part: str) -> Sample:
    taken = everybody.take(rows)
    if len(np.unique(taken.labels)) < 2:
        raise UserError(
            f"{part}: holds a single class of the outcome; enlarge split.{part} or use more rows"
        )
    if np.isinf(taken.features).any():
        raise UserError(f"{part}: holds infinite values; mark them as missing in the data")
    return taken
