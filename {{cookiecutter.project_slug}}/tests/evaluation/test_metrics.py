"""Every metric equals scikit-learn's or an independent fit, on ties and certain risks too."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import mannwhitneyu
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score, roc_curve
from sklearn.metrics import log_loss as sklearn_log_loss

from risk_model.core.scores import auroc, log_loss, logit
from risk_model.evaluation import curves, metrics
from risk_model.evaluation.loess import Loess

Pair = tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]]


def cohort(
    seed: int, n: int = 400, digits: int | None = None, offset: float = 0.3, factor: float = 1.4
) -> Pair:
    """Outcome and risk of made-up patients; offset and factor distort the log odds."""
    rng = np.random.default_rng(seed)
    x = rng.normal(-1, 1.3, n)
    outcome = (rng.random(n) < 1 / (1 + np.exp(-x))).astype(np.int8)
    risk = 1 / (1 + np.exp(-offset - factor * x))
    return outcome, risk if digits is None else risk.round(digits)


@st.composite
def tied_cases(draw: st.DrawFn) -> Pair:
    """Few rows, risks from a coarse grid with 0 and 1 among them, both classes present."""
    n = draw(st.integers(2, 40))
    grid = st.sampled_from([0.0, 0.05, 0.1, 0.3, 0.5, 0.7, 0.95, 1.0])
    risk = np.array(draw(st.lists(grid, min_size=n, max_size=n)))
    outcome = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)), dtype=np.int8)
    outcome[:2] = 0, 1
    return outcome, risk


@given(tied_cases())
@settings(max_examples=150, deadline=None)
def test_discrimination_and_brier_equal_scikit_learn_on_ties_and_certain_risks(case: Pair) -> None:
    outcome, risk = case
    assert auroc(outcome, risk) == pytest.approx(roc_auc_score(outcome, risk), abs=1e-12)
    assert metrics.average_precision(outcome, risk) == pytest.approx(
        average_precision_score(outcome, risk), abs=1e-12
    )
    assert metrics.brier(outcome, risk) == pytest.approx(brier_score_loss(outcome, risk), abs=1e-12)
    assert log_loss(outcome, risk) == pytest.approx(sklearn_log_loss(outcome, risk), abs=1e-9)


@given(tied_cases(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_calibration_error_equals_the_one_from_scikit_learns_bins(
    case: Pair, equal_count: bool
) -> None:
    outcome, risk = case
    edges = metrics.equal_count_edges(risk) if equal_count else metrics.equal_width_edges()
    strategy = "quantile" if equal_count else "uniform"
    observed, predicted = calibration_curve(outcome, risk, n_bins=10, strategy=strategy)
    rows = np.bincount(np.searchsorted(edges, risk), minlength=10)
    expected = np.sum(np.abs(observed - predicted) * rows[rows > 0]) / len(risk)
    assert metrics.expected_calibration_error(outcome, risk, edges) == pytest.approx(
        expected, abs=1e-12
    )


def test_a_risk_of_exactly_one_falls_into_the_last_bin() -> None:
    outcome, risk = np.array([1, 1, 0]), np.array([1.0, 0.95, 0.0])
    error = metrics.expected_calibration_error(outcome, risk, metrics.equal_width_edges())
    assert error == pytest.approx(0.05 / 3)


def test_auroc_equals_the_mann_whitney_statistic() -> None:
    outcome, risk = cohort(0, digits=1)
    u = mannwhitneyu(risk[outcome == 1], risk[outcome == 0]).statistic
    assert auroc(outcome, risk) == pytest.approx(u / (outcome.sum() * (1 - outcome).sum()))


@pytest.mark.parametrize(
    ("seed", "offset", "factor"), [(0, 0.3, 1.4), (1, -2.0, 0.6), (2, 4.0, 3.0), (3, -6.0, 0.2)]
)
def test_slope_and_intercept_equal_an_independent_logistic_fit(
    seed: int, offset: float, factor: float
) -> None:
    outcome, risk = cohort(seed, offset=offset, factor=factor)
    x = logit(risk)
    line = LogisticRegression(C=np.inf, tol=1e-10, max_iter=2000).fit(x[:, None], outcome)
    assert metrics.calibration_slope(outcome, risk) == pytest.approx(line.coef_[0, 0], rel=1e-4)
    loss = minimize(lambda a: np.mean(np.logaddexp(0, a + x) - outcome * (a + x)), [0.0], tol=1e-12)
    assert metrics.calibration_in_the_large(outcome, risk) == pytest.approx(loss.x[0], abs=1e-4)


def test_an_overestimated_risk_has_a_negative_calibration_in_the_large() -> None:
    outcome, risk = cohort(0, n=4000, offset=1.0, factor=1.0)
    assert metrics.calibration_in_the_large(outcome, risk) == pytest.approx(-1.0, abs=0.15)


def test_weighting_events_doubles_the_odds_and_nothing_else() -> None:
    outcome, risk = cohort(0, n=4000, offset=0.0, factor=1.0)
    doubled = 1 / (1 + np.exp(-logit(risk) - math.log(2)))
    before, after = (metrics.calibration_in_the_large(outcome, p) for p in (risk, doubled))
    assert after - before == pytest.approx(-math.log(2))
    assert auroc(outcome, doubled) == auroc(outcome, risk)


DISCRIMINATION_AND_CALIBRATION = (
    auroc,
    metrics.average_precision,
    metrics.calibration_in_the_large,
    metrics.calibration_slope,
)


@pytest.mark.parametrize("metric", DISCRIMINATION_AND_CALIBRATION, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "outcome", [np.array([0, 0, 0]), np.array([], dtype=int)], ids=["one class", "no rows"]
)
def test_what_one_class_cannot_define_is_nan(
    metric: Callable[..., float], outcome: npt.NDArray[np.int64]
) -> None:
    assert math.isnan(metric(outcome, np.linspace(0.2, 0.4, len(outcome))))


def test_a_slope_without_a_finite_estimate_is_nan() -> None:
    assert math.isnan(
        metrics.calibration_slope(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.7, 0.8]))
    )
    assert math.isnan(metrics.calibration_slope(np.array([0, 1, 0, 1]), np.full(4, 0.3)))


def test_a_few_certain_risks_do_not_stop_the_calibration_figures() -> None:
    outcome, risk = cohort(0)
    risk[:2], outcome[:2] = (0.0, 1.0), (1, 0)
    assert 0 < metrics.calibration_slope(outcome, risk) < 1
    assert math.isfinite(metrics.calibration_in_the_large(outcome, risk))


def test_saturated_risks_far_from_the_truth_still_have_an_intercept() -> None:
    outcome = np.array([0, 1] * 50)
    intercept = metrics.calibration_in_the_large(outcome, np.full(100, 1e-6))
    assert intercept == pytest.approx(-logit(np.array([1e-6]))[0])


def test_net_benefit_follows_its_formula() -> None:
    outcome, risk = np.array([1, 1, 0, 0]), np.array([0.9, 0.1, 0.2, 0.05])
    assert metrics.net_benefit(outcome, risk, 0.2) == pytest.approx(1 / 4 - 1 / 4 * 0.25)
    assert metrics.net_benefit(outcome, np.ones(4), 0.2) == pytest.approx(
        float(metrics.treat_all(0.5, 0.2))
    )


def test_without_rows_there_is_no_net_benefit() -> None:
    nobody = np.array([])
    assert math.isnan(metrics.net_benefit(nobody, nobody, 0.2))
    assert metrics.net_benefit(np.array([0]), np.array([0.1]), 0.2) == 0.0


def test_the_drawn_roc_curve_has_the_area_of_the_auroc() -> None:
    outcome, risk = cohort(0, digits=2)
    false, true = curves.roc(outcome, risk, points=1000)
    assert np.trapezoid(true, false) == pytest.approx(auroc(outcome, risk))
    assert len(false) >= len(roc_curve(outcome, risk)[0])


def test_the_smooth_curve_is_a_weighted_line_around_each_point() -> None:
    outcome, risk = cohort(0, n=60)
    point = np.array([0.35])
    smooth = Loess(risk, np.ones(60), point)
    height = smooth(outcome[None].astype(float), np.ones((1, 60)))[0, 0]
    distance = np.abs(risk - 0.35)
    width = np.sort(distance)[math.ceil(0.75 * 60) - 1] * 1.0001
    weight = (1 - np.minimum(distance / width, 1) ** 3) ** 3
    line = np.polyfit(risk, outcome, 1, w=np.sqrt(weight))
    assert height == pytest.approx(np.polyval(line, 0.35), abs=1e-9)


def test_the_smooth_curve_of_right_risks_is_the_diagonal() -> None:
    outcome, risk = cohort(0, n=20_000, offset=0.0, factor=1.0)
    points = np.linspace(0.05, 0.8, 9)
    smooth = Loess(risk, np.ones(len(risk)), points)
    (curve,) = smooth(outcome[None].astype(float), np.ones((1, len(risk))))
    assert np.abs(curve - points).max() < 0.04


def smooth_curve(outcome: npt.NDArray[np.int8], risk: npt.NDArray[np.float64]) -> Any:
    """The line of weighted least squares around each row's risk, by numpy's own solver."""
    heights = []
    for point in risk:
        distance = np.abs(risk - point)
        reach = np.sort(distance)[math.ceil(0.75 * len(risk)) - 1] * 1.0001
        weight = np.sqrt((1 - np.minimum(distance / reach, 1) ** 3) ** 3)
        design = np.column_stack([np.ones(len(risk)), risk - point])
        line = np.linalg.lstsq(design * weight[:, None], outcome * weight, rcond=None)[0]
        heights.append(np.clip(line[0], 0, 1))
    return np.array(heights)


@pytest.mark.parametrize("digits", [None, 2])
def test_ici_e50_and_e90_are_distances_of_the_smooth_curve_from_the_risks(
    digits: int | None,
) -> None:
    outcome, risk = cohort(11, n=300, digits=digits)
    distance = np.abs(smooth_curve(outcome, risk) - risk)
    ici = metrics.integrated_calibration_index(outcome, risk)
    assert ici == pytest.approx(distance.mean(), abs=1e-9)
    for share in (0.5, 0.9):
        expected = np.sort(distance)[math.ceil(share * 300) - 1]
        quantile = metrics.calibration_error_quantile(outcome, risk, share)
        assert quantile == pytest.approx(expected, abs=1e-9)


def test_binning_many_risks_hardly_moves_the_ici(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, risk = cohort(12, n=3000)
    binned = metrics.integrated_calibration_index(outcome, risk)
    monkeypatch.setattr(metrics, "GRID", 3000)
    assert binned == pytest.approx(metrics.integrated_calibration_index(outcome, risk), rel=0.01)


def test_scaled_brier_and_observed_over_expected_on_four_patients() -> None:
    outcome, risk = np.array([1, 0, 0, 0]), np.array([0.7, 0.1, 0.1, 0.1])
    assert metrics.scaled_brier(outcome, risk) == pytest.approx(1 - 0.03 / 0.1875)
    assert metrics.scaled_brier(outcome, np.full(4, 0.25)) == pytest.approx(0)
    assert metrics.observed_expected_ratio(outcome, risk) == pytest.approx(1)
    assert metrics.observed_expected_ratio(outcome, 2 * risk / 2.8) == pytest.approx(1.4)
    assert math.isnan(metrics.scaled_brier(np.zeros(4), risk))
    assert math.isnan(metrics.observed_expected_ratio(outcome, np.zeros(4)))
    empty = np.empty(0)
    assert math.isnan(metrics.integrated_calibration_index(empty, empty))
    assert math.isnan(metrics.calibration_error_quantile(empty, empty, 0.5))
