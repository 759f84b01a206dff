"""What is fitted, on which rows, in which order? Two baselines first, then the network."""

from __future__ import annotations

import numpy as np

from risk_model import config
from risk_model.core.cohort import Outcome, Rows, Splits
from risk_model.core.errors import UserError
from risk_model.core.schema import Features, Schema
from risk_model.model import RiskModel
from risk_model.model.baseline import LogisticRegression, Sample, XGBoost
from risk_model.model.feature_subset import FirstColumns
from risk_model.model.network import NetworkModel, build
from risk_model.training import loop
from risk_model.training.loss import choose_loss, positive_weight
from risk_model.training.monitor import Monitor


def fit_models(
    features: Features,
    labels: Outcome,
    splits: Splits,
    schema: Schema,
    settings: config.Config,
    monitor: Monitor,
) -> dict[str, RiskModel]:
    """The three models by name, the simplest first, all from the training rows of float32[n, d] and
    int8[n].

    Of a signal the baselines see what describes it, the network all of it.

    XGBoost and the network look at the validation rows to know when to stop. With loss=pos_weight
    all three weigh events; focal loss changes the network alone. UserError when either part holds a
    single class.
    """
    train, validation, pos_weight = _samples(features, labels, splits, settings)
    choose_loss(settings.training)
    baselines = fit_baselines(features, labels, splits, schema, settings, monitor)
    network = fit_network(train, validation, schema, settings, pos_weight, monitor)
    monitor.flush()
    return {**baselines, network.name: network}


def fit_baselines(
    features: Features,
    labels: Outcome,
    splits: Splits,
    schema: Schema,
    settings: config.Config,
    monitor: Monitor,
) -> dict[str, RiskModel]:
    """The two baselines by name, as `fit_models` fits them; of a signal the first `schema.simple`
    columns are enough.

    A training row may stand in `splits.train` more than once, and counts as often.
    """
    seen, stopping, _ = _samples(features[:, : schema.simple], labels, splits, settings)
    models: list[RiskModel] = [
        LogisticRegression.fit(seen, settings.model.logistic_regression),
        _fit_xgboost(seen, stopping, settings, monitor),
    ]
    if schema.signal:
        models = [FirstColumns(model, schema.simple, schema.width) for model in models]
    return {model.name: model for model in models}


def _samples(
    features: Features, labels: Outcome, splits: Splits, settings: config.Config
) -> tuple[Sample, Sample, float]:
    """The rows to learn from, those to stop by, and the weight of an event in both."""
    weight = positive_weight(labels[splits.train], settings.training)
    train = _sample(features, labels, splits.train, "train", weight)
    return train, _sample(features, labels, splits.validation, "validation", weight), weight


def _sample(
    features: Features, labels: Outcome, rows: Rows, part: str, pos_weight: float
) -> Sample:
    chosen, outcome = features[rows], labels[rows]
    if len(np.unique(outcome)) < 2:
        raise UserError(
            f"{part}: holds a single class of the outcome; enlarge split.{part} or use more rows"
        )
    if np.isinf(chosen).any():
        raise UserError(f"{part}: holds infinite values; mark them as missing in the data")
    return Sample(chosen, outcome, np.where(outcome == 1, pos_weight, 1.0))


def _fit_xgboost(
    train: Sample, validation: Sample, settings: config.Config, monitor: Monitor
) -> XGBoost:
    record, threads = monitor.of("xgboost"), settings.training.threads
    return XGBoost.fit(train, validation, settings.model.xgboost, settings.seed, threads, record)


def fit_network(
    train: Sample,
    validation: Sample,
    schema: Schema,
    settings: config.Config,
    pos_weight: float,
    monitor: Monitor,
) -> NetworkModel:
    """The network alone, with its statistics from `train` and its weights from the loop."""
    loss = choose_loss(settings.training, pos_weight)
    prevalence = float(np.average(train.labels, weights=train.weights))
    with loop.seeded(settings.seed), loop.threads(settings.training.threads):
        chosen = settings.model.network
        network = build(chosen.name, train.features, prevalence, chosen, schema)
        tables = (
            loop.table(train.features, train.labels),
            loop.table(validation.features, validation.labels),
        )
        loop.fit(network, *tables, loss, settings.training, settings.seed, monitor.of("network"))
    return NetworkModel(network, schema.width)
