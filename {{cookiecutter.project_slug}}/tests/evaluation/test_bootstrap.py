"""The kernel equals plain numpy on the resampled rows; whole subjects are drawn, in pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from risk_model.core.estimate import Estimate
from risk_model.core.scores import log_loss, logit
from risk_model.evaluation import metrics
from risk_model.evaluation.bootstrap import Sample, draw_counts, interval, resample, statistics

from tests.estimates import ends, value

THRESHOLDS = np.array([0.1, 0.25, 0.5])


class Cohort:
    """Outcomes, risks and subjects of a cohort with several rows a subject."""

    def __init__(
        self, n: int = 600, digits: int | None = None, seed: int = 0, subjects: int = 200
    ) -> None:
        rng = np.random.default_rng(seed)
        x = rng.normal(-1.3, 1.5, n)
        self.outcome = (rng.random(n) < 1 / (1 + np.exp(-x))).astype(np.int8)
        risk = 1 / (1 + np.exp(-1.2 * x - 0.2))
        self.risk = risk if digits is None else risk.round(digits)
        self.subject = rng.integers(0, subjects, n)
        self.subjects = subjects

    def sample(self, **options: Any) -> Sample:
        return Sample.of(self.outcome, self.risk, self.subject, **options)

    def rows(self, counts: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
        """The rows of one resample, each as often as its subject was drawn."""
        return np.repeat(np.arange(len(self.risk)), counts[self.subject])


def reference(cohort: Cohort, counts: npt.NDArray[np.uint8]) -> dict[str, float]:
    """The metrics of one resample the slow way: the rows repeated, scikit-learn and plain numpy."""
    rows = cohort.rows(counts)
    y, p = cohort.outcome[rows], cohort.risk[rows]
    return {
        "auroc": roc_auc_score(y, p),
        "auprc": average_precision_score(y, p),
        "brier": brier_score_loss(y, p),
        "scaled_brier": metrics.scaled_brier(y, p),
        "log_loss": log_loss(y, p),
    }


@pytest.mark.parametrize(
    "digits", [None, 2, 1, 0], ids=["no ties", "some ties", "many ties", "risks of 0 and 1 only"]
)
def test_kernel_equals_plain_numpy_to_the_twelfth_digit(digits: int | None) -> None:
    cohort = Cohort(digits=digits)
    counts = np.concatenate(list(draw_counts(cohort.subjects, 40, seed=3)))
    draws = statistics(cohort.sample(bins=0), counts)
    for k in range(40):
        for name, expected in reference(cohort, counts[k]).items():
            assert draws[name][k] == pytest.approx(expected, abs=1e-12), name


def test_counts_at_each_threshold_are_those_of_the_drawn_rows() -> None:
    cohort = Cohort(digits=2)
    counts = next(draw_counts(cohort.subjects, 5, seed=0))
    draws = statistics(cohort.sample(thresholds=THRESHOLDS, bins=0), counts)
    for k in range(5):
        y, p = cohort.outcome[cohort.rows(counts[k])], cohort.risk[cohort.rows(counts[k])]
        assert draws["flagged"][k].tolist() == [float((p >= t).sum()) for t in THRESHOLDS]
        assert draws["true_positives"][k].tolist() == [float(y[p >= t].sum()) for t in THRESHOLDS]


def test_with_every_row_once_the_kernel_gives_the_metrics_themselves() -> None:
    cohort = Cohort()
    everybody = np.ones((1, cohort.subjects), np.uint8)
    once = statistics(cohort.sample(bins=len(cohort.risk)), everybody)
    for name, metric, digits in (
        ("log_loss", log_loss, 12),
        ("slope", metrics.calibration_slope, 9),
        ("citl", metrics.calibration_in_the_large, 9),
    ):
        expected = metric(cohort.outcome, cohort.risk)
        assert once[name][0] == pytest.approx(expected, abs=10.0**-digits), name


@pytest.mark.parametrize("n", [1500, 20_000])
def test_slopes_fitted_to_bins_are_within_a_twentieth_of_their_standard_error(n: int) -> None:
    cohort = Cohort(n=n, subjects=n)
    counts = np.concatenate(list(draw_counts(n, 20, seed=0)))
    binned = statistics(cohort.sample(), counts)["slope"]
    exact = []
    for k in range(20):
        rows = cohort.rows(counts[k])
        line = LogisticRegression(C=np.inf, tol=1e-10).fit(
            logit(cohort.risk[rows])[:, None], cohort.outcome[rows]
        )
        exact.append(line.coef_[0, 0])
    assert np.abs(binned - exact).max() < 0.05 * np.std(exact)


def test_rows_of_one_subject_are_drawn_together() -> None:
    once = Cohort(n=400, subjects=400)
    once.subject = np.arange(400)
    twice = Cohort(n=400, subjects=400)
    twice.outcome, twice.risk = np.tile(once.outcome, 2), np.tile(once.risk, 2)
    twice.subject = np.tile(once.subject, 2)
    one, two = (resample([c.sample(bins=0)], 400, 50, seed=1)[0] for c in (once, twice))
    # copies of a row add no information
    np.testing.assert_allclose(one["auroc"], two["auroc"], atol=1e-12)
    assert (two["rows"] == 2 * one["rows"]).all()


def test_models_are_paired_and_the_seed_decides() -> None:
    cohort = Cohort()
    sample = cohort.sample(thresholds=THRESHOLDS)
    first, second = resample([sample, sample], cohort.subjects, 30, seed=7)
    again = resample([sample], cohort.subjects, 30, seed=7)[0]
    other = resample([sample], cohort.subjects, 30, seed=8)[0]
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
        np.testing.assert_array_equal(first[name], again[name])
    assert (first["auroc"] != other["auroc"]).any()


def test_draws_without_an_event_are_dropped_and_can_be_counted() -> None:
    outcome, risk = np.array([1] + [0] * 9), np.linspace(0.9, 0.1, 10)
    draws = resample([Sample.of(outcome, risk, np.arange(10))], 10, 400, seed=0)[0]
    dropped = np.isnan(draws["events"])
    assert 0.25 < dropped.mean() < 0.45  # (1 - 1/10) ** 10 = .35
    assert np.isnan(draws["auroc"][dropped]).all()
    assert np.isfinite(draws["auroc"][~dropped]).all()


def test_a_separated_resample_has_no_slope_and_does_not_stop_the_rest() -> None:
    outcome, risk = np.array([0, 0, 0, 1, 1, 1]), np.array([0.1, 0.2, 0.3, 0.6, 0.7, 0.8])
    draws = resample([Sample.of(outcome, risk, np.arange(6))], 6, 50, seed=0)[0]
    assert np.isnan(draws["slope"]).all()
    assert np.isfinite(draws["auroc"]).sum() > 40


def test_interval_is_the_middle_95_percent_of_what_is_defined() -> None:
    draws = np.append(np.arange(1000.0), [np.nan] * 10)
    assert value(interval(500.0, draws)) == 500.0
    assert ends(interval(500.0, draws)) == pytest.approx((24.975, 974.025))
    assert interval(1.0, np.array([1.0, np.nan, np.nan])) == Estimate(1.0)
    assert interval(np.nan, draws) == Estimate(None)


def test_auroc_interval_agrees_with_delong() -> None:
    cohort = Cohort(n=1500, subjects=1500)
    cohort.subject = np.arange(1500)
    draws = resample([cohort.sample(bins=0)], 1500, 1000, seed=0)[0]["auroc"]
    y, p = cohort.outcome, cohort.risk
    wins = (p[y == 1][:, None] > p[y == 0]) + 0.5 * (p[y == 1][:, None] == p[y == 0])
    # DeLong et al. 1988
    variance = wins.mean(1).var(ddof=1) / y.sum() + wins.mean(0).var(ddof=1) / (1 - y).sum()
    assert draws.std() == pytest.approx(np.sqrt(variance), rel=0.08)
