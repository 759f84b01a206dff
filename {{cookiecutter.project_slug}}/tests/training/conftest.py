"""A small ward: 600 made-up rows with missing values, a category and a known risk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from risk_model import config
from risk_model.core.cohort import Outcome, Splits
from risk_model.core.inputs import Inputs
from risk_model.core.schema import Features, Field, Schema
from risk_model.model import RiskModel
from risk_model.training.fit import fit_models
from risk_model.training.monitor import Monitor


@dataclass(frozen=True)
class Ward:
    """Rows, their split, and how to fit on them."""

    features: Features
    labels: Outcome
    splits: Splits
    schema: Schema
    settings: config.Config

    def fit(self, monitor: Monitor | None = None) -> dict[str, RiskModel]:
        parts = self.splits.train, self.splits.validation
        args = Inputs(self.features), self.labels, np.arange(len(self.labels)), *parts
        return fit_models(*args, self.schema, self.settings, monitor or Monitor())

    def perturbed(self, *parts: str) -> Ward:
        """The ward with other features and labels in these parts."""
        features, labels = self.features.copy(), self.labels.copy()
        for part, rows in self.splits.items():
            if part in parts:
                features[rows] = features[rows][::-1] * 3 + 1
                labels[rows] = 1 - labels[rows]
        return replace(self, features=features, labels=labels)


def small_settings() -> config.Config:
    """Minutes shorter than the defaults, otherwise the same."""
    settings = config.Config(seed=3)
    settings.training.epochs, settings.training.patience = 4, 4
    settings.model.xgboost.trees, settings.model.xgboost.patience = 30, 5
    settings.model.network.width, settings.model.network.embedding = 8, 4
    return settings


def made_up(n: int, seed: int) -> tuple[Features, Outcome]:
    """Two numbers, one of them often missing, and a three-valued category; the log odds are
    known.
    """
    rng = np.random.default_rng(seed)
    age, lab, group = rng.normal(60, 15, n), rng.lognormal(0, 1, n), rng.integers(0, 3, n)
    logit = 0.05 * (age - 60) + 0.8 * (lab > 1.5) - 0.7 * (group == 1) - 0.5
    lab[rng.random(n) < 0.2] = np.nan
    features = np.column_stack([age, lab, np.isnan(lab), *(group == g for g in range(3))]).astype(
        np.float32
    )
    return features, (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int8)


@pytest.fixture(scope="session")
def ward() -> Ward:
    features, labels = made_up(600, seed=1)
    train, validation, calibration, test, external = np.split(np.arange(600), [300, 380, 460, 540])
    fields = (
        Field("age", "number"),
        Field("lab", "number", missing_flag=True),
        Field("group", "category", categories=("a", "b", "c")),
    )
    splits = Splits(train, validation, calibration, test, {"elsewhere": external})
    return Ward(features, labels, splits, Schema("ward", "death", fields), small_settings())


@pytest.fixture(scope="session")
def models(ward: Ward) -> dict[str, RiskModel]:
    return ward.fit()


@pytest.fixture
def refit(ward: Ward) -> Callable[..., dict[str, RiskModel]]:
    """Fits the ward with other training settings."""

    def fit(**training: Any) -> dict[str, RiskModel]:
        changed = replace(ward.settings, training=replace(ward.settings.training, **training))
        return replace(ward, settings=changed).fit()

    return fit
