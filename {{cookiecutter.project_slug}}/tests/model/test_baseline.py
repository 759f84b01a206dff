"""Do the baselines equal an independent reference, and their graphs the originals, at every
threshold and gap?
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression as Reference
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from risk_model import config
from risk_model.core.schema import Features
from risk_model.core.scorer import Scorer
from risk_model.model import Sample, curve_rows
from risk_model.model.baseline import LogisticRegression, XGBoost
from risk_model.model.export import checked_logits, run
from risk_model.model.linear import LinearModel, Terms, column_medians
from risk_model.training.calibration import Calibrator
from risk_model.training.onnx_calibration import append_calibrator


class Straight(LinearModel):
    """A linear model without splines."""

    name: ClassVar[str] = "straight"


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


MANY_SPLITS = {"trees": 60, "patience": 5, "learning_rate": 0.05, "depth": 4, "colsample": 1.0}
MANY_SPLITS["l2"] = 1.0


def trees(train: Sample, validation: Sample, **settings: Any) -> XGBoost:
    chosen = config.XGBoost(**{**MANY_SPLITS, **settings})
    return XGBoost.fit(train, validation, chosen, 0, 1, lambda epoch, values: None)


def clipped(features: Features) -> npt.NDArray[np.float64]:
    """Two numbers cut at their 1st and 99th percentile; a flag and a constant as they are."""
    low, high = np.nanquantile(features[:, :2], [0.01, 0.99], axis=0).astype(np.float32)
    return np.hstack([np.clip(features[:, :2], low, high), features[:, 2:]]).astype(np.float64)


def test_straight_terms_equal_a_scikit_learn_pipeline() -> None:
    rows = sample()
    pipeline = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler(),
        Reference(C=0.3, tol=1e-8, max_iter=5000),
    )
    features = clipped(rows.features)
    expected = pipeline.fit(features, rows.labels).decision_function(features)
    model = Straight.fit_solver(rows, Reference(C=0.3, tol=1e-8, max_iter=5000))
    np.testing.assert_allclose(model.logit(rows.features), expected, atol=2e-4)


def test_splines_are_those_of_an_independent_implementation() -> None:
    """R's Hmisc::rcspline.eval(x, knots, norm=2) gives these of the knots -1.6, -.4, .4 and 1.6."""
    x = np.array([-2.0, -1.0, 0.0, 0.7, 1.2, 2.0, 3.0], dtype=np.float32)
    none = np.empty(0, dtype=np.intp)
    ends = np.full(1, 9, dtype=np.float32)
    knots = np.array([[-1.6, -0.4, 0.4, 1.6]])
    terms = Terms(0 * ends, -ends, ends, none, np.zeros(1, dtype=np.intp), knots)
    values = terms.columns(x[:, None])[:, 1:]
    # By hand: (x + 1.6)³₊ - (x - .4)³₊ · 3.2 / 1.2 + (x - 1.6)³₊ · 2 / 1.2, over 3.2².
    first = (
        np.maximum(x + 1.6, 0) ** 3
        - np.maximum(x - 0.4, 0) ** 3 * 3.2 / 1.2
        + np.maximum(x - 1.6, 0) ** 3 * 2 / 1.2
    ) / 3.2**2
    np.testing.assert_allclose(values[:, 0], first, atol=1e-5)
    # Straight beyond the last knot: a step twice as long changes twice as much.
    far = terms.columns(np.array([[2.0], [3.0], [5.0]], dtype=np.float32))[:, 1:]
    np.testing.assert_allclose(far[2] - far[0], 3 * (far[1] - far[0]))
    assert (terms.columns(np.array([[-3.0]], dtype=np.float32))[0, 1:] == 0).all()


def test_a_risk_that_is_worst_in_the_middle_gets_a_spline_and_a_line_gets_none() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (3000, 2)).astype(np.float32)
    for z, curved in ((1.5 - 1.5 * x[:, 0] ** 2, True), (1.5 * x[:, 0], False)):
        labels = (rng.random(3000) < 1 / (1 + np.exp(-z))).astype(np.int8)
        rows = Sample(x, labels, np.ones(3000))
        model = LogisticRegression.fit(rows, config.LogisticRegression())
        assert bool(len(model.terms.curved)) == curved
        checked_logits(model, x)
        if curved:
            middle, end = model.logit(np.array([[0, 0], [2, 0]], dtype=np.float32))
            assert middle > end + 2


def test_a_typing_error_moves_no_weight_and_a_rare_word_keeps_its_own() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (2000, 1))
    word = np.where(rng.random((2000, 1)) < 0.005, rng.random((2000, 1)), 0.0)
    features = np.hstack([x, word]).astype(np.float32)
    labels = (rng.random(2000) < 1 / (1 + np.exp(-x[:, 0]))).astype(np.int8)
    labels[word[:, 0] > 0] = 1
    rows = Sample(features, labels, np.ones(2000))
    mistaken = features.copy()
    mistaken[0, 0] *= 1e4
    models = [
        LogisticRegression.fit(rows._replace(features=f), config.LogisticRegression(c=0.1))
        for f in (features, mistaken)
    ]
    np.testing.assert_allclose(models[0].weight, models[1].weight, rtol=0.02)
    assert models[0].weight[1] > 0


def test_a_value_that_is_missing_has_a_term_of_its_own() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (4000, 1)).astype(np.float32)
    missing = rng.random(4000) < 0.3
    labels = (rng.random(4000) < np.where(missing, 0.6, 0.2)).astype(np.int8)
    x[missing] = np.nan
    rows = Sample(x, labels, np.ones(4000))
    model = LogisticRegression.fit(rows, config.LogisticRegression())
    said = 1 / (1 + np.exp(-model.logit(np.array([[np.nan], [0.0]], dtype=np.float32))))
    np.testing.assert_allclose(said, [0.6, 0.2], atol=0.04)


def test_copies_of_a_row_make_the_penalty_no_weaker() -> None:
    """Bootstrap samples hold rows twice: both copies must stand in one fold."""
    rng = np.random.default_rng(1)
    features = rng.normal(0, 1, (150, 40)).astype(np.float32)
    labels = (rng.random(150) < 0.5).astype(np.int8)
    once = Sample(features, labels, np.ones(150), np.arange(150))
    twice = once.take(np.repeat(np.arange(150), 2))
    strangers = twice._replace(subjects=np.arange(300))
    noise = [
        np.abs(LogisticRegression.fit(rows, config.LogisticRegression()).weight).sum()
        for rows in (once, twice, strangers)
    ]
    assert noise[1] < 2 * noise[0]
    assert noise[2] > 3 * noise[0]


def test_a_constant_column_and_one_never_recorded_have_no_say() -> None:
    rows = sample()
    features = np.column_stack([rows.features, np.full(len(rows.labels), np.nan, dtype=np.float32)])
    model = LogisticRegression.fit(rows._replace(features=features), config.LogisticRegression())
    assert np.abs(model.weight[3:5]).max() < 1e-12


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
        rows._replace(weights=times.astype(np.float64)), config.LogisticRegression(c=0.1)
    )
    repeated = np.repeat(np.arange(len(times)), times)
    scaled = (weighted.terms.columns(rows.features) - weighted.mean) / weighted.scale
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


def test_no_rows_get_no_risk_from_any_baseline() -> None:
    """A cohort without a test split and without another site asks for nobody."""
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1, (3000, 3)).astype(np.float32)
    z = 1.5 - 1.5 * features[:, 0] ** 2
    features[:300, 1] = np.nan
    rows = Sample(
        features, (rng.random(3000) < 1 / (1 + np.exp(-z))).astype(np.int8), np.ones(3000)
    )
    straight = LogisticRegression.fit(rows, config.LogisticRegression(c=0.1))
    curved = LogisticRegression.fit(rows, config.LogisticRegression())
    assert len(curved.terms.curved)
    for model in (straight, curved, trees(rows, rows)):
        packaged = Scorer(append_calibrator(model.graph(), Calibrator("platt", 0.9, 0.1)))
        assert [len(output) for output in packaged(features[:0])] == [0, 0]
        np.testing.assert_allclose(packaged(features[:5])[1], model.logit(features[:5]), atol=1e-4)
