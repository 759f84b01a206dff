"""Do the baselines equal an independent reference, and their graphs the originals, at every
threshold and gap?
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression as Reference
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from risk_model import config
from risk_model.core.schema import Features
from risk_model.model import Sample, curve_rows
from risk_model.model.baseline import LogisticRegression, XGBoost, column_medians
from risk_model.model.export import checked_logits, run


def sample(n: int = 500, seed: int = 0) -> Sample:
    """A column on a scale of thousands, one with gaps, a rare flag and a constant."""
    rng = np.random.default_rng(seed)
    features = np.column_stack(
        [rng.normal(2000, 0.5, n), rng.lognormal(0, 2, n), rng.random(n) < 0.02, np.full(n, 7)]
    )
    labels = (
        rng.random(n) < 1 / (1 + np.exp(-(features[:, 0] - 2000) - np.log(features[:, 1])))
    ).astype(np.int8)
    features[rng.random(n) < 0.3, 1] = np.nan
    return Sample(features.astype(np.float32), labels, np.ones(n))


def trees(train: Sample, validation: Sample, **settings: Any) -> XGBoost:
    chosen = config.XGBoost(**{"trees": 60, "patience": 5, **settings})
    return XGBoost.fit(train, validation, chosen, 0, 1, lambda epoch, values: None)


def test_logistic_regression_equals_a_scikit_learn_pipeline() -> None:
    rows = sample()
    pipeline = make_pipeline(
        SimpleImputer(strategy="median"),
        StandardScaler(),
        Reference(C=0.3, tol=1e-8, max_iter=5000),
    )
    features = rows.features.astype(np.float64)
    expected = pipeline.fit(features, rows.labels).decision_function(features)
    logit = LogisticRegression.fit(rows, config.LogisticRegression(c=0.3)).logit(rows.features)
    np.testing.assert_allclose(logit, expected, atol=2e-4)


def test_a_constant_column_and_one_never_recorded_have_no_say() -> None:
    rows = sample()
    features = np.column_stack([rows.features, np.full(len(rows.labels), np.nan, dtype=np.float32)])
    model = LogisticRegression.fit(rows._replace(features=features), config.LogisticRegression())
    assert model.weight[3:].tolist() == [0, 0]


def test_the_median_of_a_column_is_that_of_its_recorded_values() -> None:
    nan = np.nan
    assert column_medians(np.array([[1, nan, nan], [3, nan, 5]], dtype=np.float32)).tolist() == [
        2,
        0,
        5,
    ]


def test_weighting_events_equals_repeating_them() -> None:
    rows = sample()
    times = np.where(rows.labels == 1, 3, 1)
    weighted = LogisticRegression.fit(
        rows._replace(weights=times.astype(np.float64)), config.LogisticRegression()
    )
    repeated = np.repeat(np.arange(len(times)), times)
    filled = np.where(np.isnan(rows.features), weighted.median, rows.features).astype(np.float64)
    scaled = (filled - weighted.mean) / weighted.scale
    reference = Reference(C=0.1, tol=1e-8, max_iter=5000).fit(
        scaled[repeated], rows.labels[repeated]
    )
    np.testing.assert_allclose(weighted.weight * weighted.scale, reference.coef_[0], atol=1e-4)


@pytest.mark.parametrize("far", [False, True])
def test_the_graph_of_logistic_regression_equals_it_near_and_far(far: bool) -> None:
    rows = sample()
    model = LogisticRegression.fit(rows, config.LogisticRegression())
    checked_logits(model, rows.features * np.float32(1e4 if far else 1))


def edges(model: XGBoost, width: int) -> Features:
    """Rows with each threshold of each tree, its two float neighbours and a gap, other columns at
    random.
    """
    rng = np.random.default_rng(0)
    rows = []
    for tree in json.loads(bytes(model.booster.save_raw("json")))["learner"]["gradient_booster"][
        "model"
    ]["trees"]:
        for column, value, child in zip(
            tree["split_indices"], tree["split_conditions"], tree["left_children"], strict=True
        ):
            at = np.float32(value)
            neighbours = (
                at,
                np.nextafter(at, np.float32(-np.inf)),
                np.nextafter(at, np.float32(np.inf)),
                np.nan,
            )
            for attack in neighbours if child != -1 else ():
                row = rng.choice(sample().features).copy()
                row[column] = attack
                rows.append(row)
    return np.array(rows, dtype=np.float32).reshape(-1, width)


def test_the_graph_of_the_trees_takes_the_same_turn_at_every_threshold_and_gap() -> None:
    rows = sample()
    model = trees(rows, sample(seed=1))
    attacks = edges(model, rows.features.shape[1])
    assert len(attacks) > 1000
    checked_logits(model, attacks)
    checked_logits(model, np.full((1, 4), np.nan, dtype=np.float32))


def test_only_the_trees_up_to_the_best_round_are_kept() -> None:
    history = []
    settings = config.XGBoost(trees=200, patience=10, learning_rate=0.5)
    model = XGBoost.fit(
        sample(),
        sample(seed=1),
        settings,
        0,
        1,
        lambda epoch, values: history.append(values["validation_loss"]),
    )
    best = int(np.argmin(history)) + 1
    assert model.booster.num_boosted_rounds() == best < len(history) == best + 10


def test_trees_that_never_split_still_leave_as_a_graph() -> None:
    rows = sample()
    model = trees(rows, rows, min_child_weight=1e6)
    assert np.ptp(run(model.graph(), rows.features)) == 0
    checked_logits(model, rows.features)


def test_a_training_curve_needs_only_so_many_rows_and_keeps_the_share_of_events() -> None:
    labels = np.arange(60_001) % 10 == 3
    rows = curve_rows(labels)
    assert len(set(rows)) == len(rows) <= 20_000
    assert labels[rows].mean() == pytest.approx(labels.mean(), abs=1e-3)
    assert curve_rows(labels[:50]).tolist() == list(range(50))


def test_a_training_curve_keeps_an_event_however_rare_they_are() -> None:
    labels = np.zeros(100_000, dtype=np.int8)
    labels[41_001] = 1
    assert labels[curve_rows(labels)].sum() == 1
