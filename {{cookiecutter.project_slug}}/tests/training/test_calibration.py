"""Does a calibrator undo what is wrong with a probability, and nothing else?"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from risk_model import config
from risk_model.core.cohort import Outcome
from risk_model.core.scorer import Scorer
from risk_model.core.scores import sigmoid
from risk_model.model import Sample
from risk_model.model.baseline import LogisticRegression
from risk_model.training import calibration
from risk_model.training.calibration import Calibrator, choose_calibrator
from risk_model.training.onnx_calibration import append_calibrator

from tests.made_linear import one_straight_term

Floats = npt.NDArray[np.float64]


def patients(
    n: int, seed: int = 0, prevalence_logit: float = -1.0
) -> tuple[Floats, Outcome, npt.NDArray[Any]]:
    """True log odds, outcomes drawn from them, and a subject for each row."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(prevalence_logit, 1.5, n)
    return (
        logit,
        (rng.random(n) < sigmoid(logit)).astype(np.int8),
        np.arange(n).astype(str).astype(object),
    )


def chosen(
    logit: Floats,
    labels: Outcome,
    subjects: npt.NDArray[Any],
    loss: str = "bce",
    weight: float = 1.0,
) -> Calibrator:
    return choose_calibrator(
        logit, labels, subjects, 0, settings=config.Training(loss=loss), pos_weight=weight
    )


def test_a_calibrated_model_is_left_alone_in_at_least_19_of_20_cohorts() -> None:
    kinds = [chosen(*patients(900, seed)).kind for seed in range(20)]
    assert kinds.count("identity") >= 19


def test_an_overconfident_model_is_tempered() -> None:
    logit, labels, subjects = patients(3000)
    calibrator = chosen(2 * logit, labels, subjects)
    assert calibrator.kind == "temperature"
    assert calibrator.slope == pytest.approx(0.5, abs=0.05)


def test_a_model_with_the_wrong_event_rate_and_spread_gets_a_slope_and_an_intercept() -> None:
    logit, labels, subjects = patients(3000)
    calibrator = chosen(2 * logit + 3, labels, subjects)
    assert calibrator.kind == "platt"
    assert (calibrator.slope, calibrator.intercept) == pytest.approx((0.5, -1.5), abs=0.15)


def test_pos_weight_is_taken_back_exactly_and_never_served_raw() -> None:
    logit, labels, subjects = patients(1500)
    calibrator = chosen(logit + np.log(3.0), labels, subjects, "pos_weight", 3.0)
    correction = Calibrator("prior_correction", intercept=-float(np.log(3.0)))
    assert calibrator.record == correction.record


@pytest.mark.parametrize("loss", ["pos_weight", "focal"])
def test_after_pos_weight_or_focal_loss_the_raw_sigmoid_is_no_candidate(loss: str) -> None:
    assert "identity" not in calibration.candidates(loss, 1.0, events=5000)
    assert chosen(*patients(600), loss).kind != "identity"


def test_a_bent_relation_takes_the_curve_only_with_a_thousand_events() -> None:
    rng = np.random.default_rng(0)
    logit = rng.uniform(-4, 4, 12_000)
    labels = (rng.random(12_000) < np.where(np.abs(logit) < 2, 0.3, sigmoid(logit))).astype(np.int8)
    subjects = np.arange(12_000)
    assert chosen(logit, labels, subjects).kind == "centred_isotonic"
    assert chosen(logit[:900], labels[:900], subjects[:900]).kind != "centred_isotonic"


def test_the_choice_does_not_depend_on_the_order_of_the_rows() -> None:
    logit, labels, subjects = patients(500)
    order = np.random.default_rng(1).permutation(500)
    one, other = (
        chosen(1.7 * logit, labels, subjects),
        chosen(1.7 * logit[order], labels[order], subjects[order]),
    )
    assert one.kind == other.kind
    assert one.slope == pytest.approx(other.slope, abs=1e-9)


def test_slope_and_intercept_are_the_maximum_likelihood_on_platts_targets() -> None:
    logit, labels, _ = patients(400)
    events = labels.sum()
    target = np.where(labels == 1, (events + 1) / (events + 2), 1 / (400 - events + 2))

    def loss(p: Floats) -> float:
        z = p[0] * logit + p[1]
        return float(np.sum(np.logaddexp(0, z) - target * z))

    fitted = calibration.platt(logit, labels)
    assert [fitted.slope, fitted.intercept] == pytest.approx(
        minimize(loss, [1, 0], tol=1e-12).x, abs=1e-5
    )
    tempered = minimize(lambda p: loss(np.array([p[0], 0.0])), [1.0], tol=1e-12).x
    assert calibration.temperature(logit, labels).slope == pytest.approx(tempered[0], abs=1e-5)


@pytest.mark.parametrize("fit", [calibration.platt, calibration.temperature])
def test_perfect_separation_and_extreme_or_equal_logits_give_finite_parameters(
    fit: calibration.Fit,
) -> None:
    labels = np.array([0, 0, 0, 1, 1], dtype=np.int8)
    for logit in ([-2.0, -1, -1, 1, 3], [-900.0, -5, -1e3, 40, 1e4], [0.0] * 5, [7.0] * 5):
        calibrator = fit(np.array(logit), labels)
        assert np.isfinite([calibrator.slope, calibrator.intercept]).all()
        assert calibrator.slope > 0


@pytest.mark.parametrize("fit", [calibration.platt, calibration.temperature])
def test_no_calibrator_turns_the_order_of_patients_round(fit: calibration.Fit) -> None:
    logit, labels, _ = patients(300)
    assert fit(-logit, labels).slope == calibration.SMALLEST_SLOPE


def test_the_curve_passes_through_each_isotonic_block_at_its_mean_logit() -> None:
    logit, labels, _ = patients(500)
    blocks = IsotonicRegression().fit_transform(logit, labels)
    curve = calibration.centred_isotonic(logit, labels)
    levels = np.unique(blocks)
    centres = [logit[blocks == level].mean() for level in levels]
    np.testing.assert_allclose(curve.knots, centres)
    np.testing.assert_allclose(curve.risks, np.clip(levels, 1 / 1000, 1 - 1 / 1000))


@given(st.lists(st.tuples(st.floats(-30, 30), st.booleans()), min_size=1, max_size=40))
def test_the_curve_never_falls_and_never_promises_certainty(rows: list[tuple[float, bool]]) -> None:
    logit, labels = np.array([r[0] for r in rows]), np.array([r[1] for r in rows], dtype=np.int8)
    risk = calibration.centred_isotonic(logit, labels)(np.linspace(-40, 40, 200))
    assert (np.diff(risk) >= -1e-12).all()
    assert risk.min() >= 1 / (2 * len(rows)) - 1e-12
    assert risk.max() <= 1 - 1 / (2 * len(rows)) + 1e-12


def identity_model() -> LogisticRegression:
    """A graph whose logit is its only feature."""
    one = np.ones(1)
    return LogisticRegression(one_straight_term(), 0 * one, one, one, 0.0)


CURVE = calibration.centred_isotonic(*patients(2000)[:2])


@pytest.mark.parametrize(
    "calibrator",
    [
        Calibrator("identity"),
        Calibrator("temperature", slope=0.4),
        Calibrator("platt", slope=1.3, intercept=-2.0),
        Calibrator("prior_correction", intercept=-3.0),
        CURVE,
        Calibrator("centred_isotonic", knots=np.array([0.5]), risks=np.array([0.2])),
    ],
    ids=lambda c: f"{c.kind}-{len(c.knots)}",
)
def test_the_graph_and_the_calibrator_agree_everywhere(calibrator: Calibrator) -> None:
    knots = np.concatenate(
        [np.nextafter(CURVE.knots.astype(np.float32), np.float32(s)) for s in (-9, 9)]
    )
    raw = np.concatenate(
        [np.linspace(-60, 60, 2001), [-1e30, 1e30, 0.0], CURVE.knots, knots]
    ).astype(np.float32)
    risk, logit = Scorer(append_calibrator(identity_model().graph(), calibrator))(raw[:, None])
    np.testing.assert_array_equal(logit, raw.astype(np.float64))
    np.testing.assert_allclose(risk, calibrator(logit), rtol=0, atol=1e-7)


def test_attaching_leaves_the_models_own_graph_as_it_was_and_gives_the_same_bytes_twice() -> None:
    graph = identity_model().graph()
    before = graph.SerializeToString(deterministic=True)
    assert append_calibrator(graph, CURVE) == append_calibrator(graph, CURVE)
    assert graph.SerializeToString(deterministic=True) == before


def test_a_calibrator_as_a_dictionary_names_its_kind_and_parameters() -> None:
    expected = {"kind": "platt", "parameters": {"slope": 2.0, "intercept": 1.0}}
    assert Calibrator("platt", 2.0, 1.0).record.to_json() == expected
    assert set(CURVE.record.to_json()["parameters"]) == {"knots", "risks"}


def test_a_curve_behind_splines_takes_none_of_their_names() -> None:
    """Both have knots: one name for two arrays would be one array."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (3000, 2)).astype(np.float32)
    z = 1.5 - 1.5 * x[:, 0] ** 2
    labels = (rng.random(3000) < 1 / (1 + np.exp(-z))).astype(np.int8)
    model = LogisticRegression.fit(Sample(x, labels, np.ones(3000)), config.LogisticRegression())
    assert len(model.terms.curved)
    risk, _ = Scorer(append_calibrator(model.graph(), CURVE))(x)
    np.testing.assert_allclose(risk, CURVE(model.logit(x)), atol=1e-5)
