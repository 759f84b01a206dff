"""Pooled sites: the published values, the likelihood maximised by another way, and the coverage."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.optimize import minimize_scalar
from scipy.stats import multivariate_normal

from risk_model.core.estimate import NORMAL
from risk_model.core.scores import Floats, logit, sigmoid
from risk_model.evaluation import delong
from risk_model.evaluation.resampled_metrics import ScoredRows
from risk_model.evaluation.results import LeftOutEvaluation, SiteEffect
from risk_model.validation.heterogeneity import MEASURES, heterogeneity, pool, site_effects

from tests.estimates import ends, value

# Thirteen trials of BCG vaccine: Colditz et al., JAMA 1994;271:698-702, `dat.bcg` of the R package
# metafor (Viechtbauer, J Stat Softw 2010;36(3)): cases and others, vaccinated and not.
VACCINATED = [4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27]
VACCINATED_WELL = [119, 300, 228, 13536, 5036, 1361, 2537, 87886, 7470, 1699, 50448, 2493, 16886]
CONTROL = [11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29]
CONTROL_WELL = [128, 274, 209, 12619, 5761, 1079, 619, 87892, 7232, 1600, 27197, 2338, 17825]


def test_the_bcg_trials_are_pooled_as_published() -> None:
    a, b, c, d = (np.array(x, float) for x in (VACCINATED, VACCINATED_WELL, CONTROL, CONTROL_WELL))
    log_ratio = np.log(a / (a + b)) - np.log(c / (c + d))
    pooled = pool(log_ratio, np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)))
    # metafor: rma(yi, vi, method = "REML", test = "knha"), as its documentation prints it
    assert pooled.tau**2 == pytest.approx(0.3132, abs=5e-5)
    assert pooled.mean == pytest.approx(-0.7145, abs=5e-5)
    assert pooled.error == pytest.approx(0.1808, abs=5e-5)
    assert pooled.interval() == pytest.approx((-1.1084, -0.3206), abs=5e-5)
    # predict() of the same with t of k - 2: -0.7145 -+ 2.2010 * sqrt(0.3132 + 0.1808 ** 2)
    reach = 2.2010 * math.sqrt(0.3132 + 0.1808**2)
    assert pooled.prediction() == pytest.approx((-0.7145 - reach, -0.7145 + reach), abs=5e-4)


@pytest.mark.parametrize("seed", range(8))
def test_tau_maximises_the_likelihood_of_error_contrasts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sites = int(rng.integers(3, 12))
    errors = rng.uniform(0.05, 0.6, sites)
    estimates = rng.normal(0.3, rng.choice([0.0, 0.2, 1.0]), sites) + rng.normal(0, errors)
    contrasts = null_space(np.ones((1, sites)))

    def loss(tau2: float) -> float:
        covariance = contrasts.T @ np.diag(errors**2 + tau2) @ contrasts
        return -float(multivariate_normal(cov=covariance).logpdf(contrasts.T @ estimates))

    grid = np.linspace(0, 6, 601)
    start = grid[np.argmin([loss(tau2) for tau2 in grid])]
    bounds = (max(start - 0.01, 0.0), start + 0.01)
    best = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-9}).x
    pooled = pool(estimates, errors)
    assert pooled.tau**2 == pytest.approx(best, abs=1e-4)
    assert pooled.error**2 >= 1 / np.sum(1 / (errors**2 + best)) - 1e-6  # the factor is at least 1


@pytest.mark.parametrize("sites", [5, 10])
def test_mean_and_new_site_lie_within_their_intervals_as_often_as_stated(sites: int) -> None:
    # Where sites differ clearly; docs/evaluation.md has the figures for those that hardly do.
    rng, inside = np.random.default_rng(1), []
    for _ in range(600):
        errors = rng.uniform(0.1, 0.3, sites)
        estimates = rng.normal(1.0, 0.6, sites) + rng.normal(0, errors)
        pooled, new = pool(estimates, errors), rng.normal(1.0, 0.6)
        (low, high), (lowest, highest) = pooled.interval(), pooled.prediction()
        inside.append((low < 1 < high, lowest < new < highest))
    mean, prediction = np.mean(inside, axis=0)
    assert 0.92 < mean < 0.98
    assert 0.92 < prediction < 0.98


def rows(n: int, seed: int = 0, shift: float = 0.0) -> ScoredRows:
    """A row a subject, whose risks are right but for `shift` on the log odds."""
    rng = np.random.default_rng(seed)
    risk = sigmoid(rng.normal(-1, 1.2, n))
    outcome = (rng.random(n) < sigmoid(logit(risk) + shift)).astype(np.int8)
    return ScoredRows(outcome, risk, np.arange(n))


def pairs(effects: dict[str, SiteEffect]) -> dict[str, tuple[float, float]]:
    """Estimate and standard error of each measure, all of them finite."""
    return {n: (e.estimate or math.nan, e.standard_error or math.nan) for n, e in effects.items()}


def test_effects_and_errors_are_those_of_formulas_for_one_row_a_subject() -> None:
    own = rows(20_000)
    effects, x = pairs(site_effects(own)), logit(own.risk)
    area = value(delong.auroc_interval(own.outcome, own.risk, own.subject))
    assert sigmoid(np.array(effects["auroc"][0])) == pytest.approx(area)
    low, high = ends(delong.auroc_interval(own.outcome, own.risk, own.subject))
    error = float(logit(np.array(high)) - logit(np.array(low))) / 2 / NORMAL
    assert effects["auroc"][1] == pytest.approx(error, rel=0.02)  # the interval's t is a bit wider
    weight = own.risk * (1 - own.risk)  # inverse information at the true line
    assert effects["citl"][1] == pytest.approx(weight.sum() ** -0.5, rel=0.03)
    line = np.array([[weight.sum(), (weight * x).sum()], [0, (weight * x * x).sum()]])
    line[1, 0] = line[0, 1]
    assert effects["slope"][1] == pytest.approx(np.linalg.inv(line)[1, 1] ** 0.5, rel=0.03)
    ratio = own.events / own.risk.sum()
    assert effects["observed_expected"][0] == pytest.approx(math.log(ratio))
    draws = np.random.default_rng(2).integers(0, 20_000, (200, 20_000))
    ratios = [own.outcome[d].sum() / own.risk[d].sum() for d in draws]
    assert effects["observed_expected"][1] == pytest.approx(np.std(np.log(ratios)), rel=0.15)


def test_a_subject_with_two_equal_rows_is_no_more_certain_than_with_one() -> None:
    own = rows(600)
    outcome, risk, subject = (np.repeat(c, 2) for c in (own.outcome, own.risk, own.subject))
    twice = ScoredRows(outcome, risk, subject)
    strangers = ScoredRows(twice.outcome, twice.risk, np.arange(1200))
    once, as_one, as_two = (pairs(site_effects(r)) for r in (own, twice, strangers))
    for measure in MEASURES:
        assert as_one[measure] == pytest.approx(once[measure], rel=1e-6)
        assert as_two[measure][1] < 0.75 * once[measure][1]


def left_out(effects: Sequence[dict[str, SiteEffect]]) -> list[LeftOutEvaluation]:
    return [
        LeftOutEvaluation("site", str(k), 100, 20, "", {}, {"xgboost": own})
        for k, own in enumerate(effects)
    ]


def test_sites_that_differ_by_chance_alone_have_no_tau_and_unlike_sites_have_one() -> None:
    alike = heterogeneity(left_out([site_effects(rows(3000, seed)) for seed in range(5)]))
    unlike = [site_effects(rows(3000, seed, shift)) for seed, shift in enumerate([-1, -0.5, 0, 1])]
    names = [own.label for own in MEASURES.values()]
    assert [row.measure for row in alike] == names
    (one,) = [row for row in alike if row.measure == "calibration-in-the-large"]
    (other,) = [r for r in heterogeneity(left_out(unlike)) if r.measure == one.measure]
    assert one.tau is not None
    assert other.tau is not None
    assert one.tau < 0.1
    assert other.tau == pytest.approx(np.std([-1, -0.5, 0, 1], ddof=1), rel=0.15)
    assert other.prediction is not None
    assert other.prediction[0] < -1
    assert other.prediction[1] > 1


def test_auroc_and_ratio_return_to_their_own_scale() -> None:
    pooled = heterogeneity(left_out([site_effects(rows(3000, seed)) for seed in range(5)]))
    by_name = {row.measure: row for row in pooled}
    area, ratio = by_name["AUROC"], by_name["observed/expected events"]
    assert area.pooled is not None
    assert ratio.pooled is not None
    assert 0.7 < value(area.pooled) < 0.85
    assert value(ratio.pooled) == pytest.approx(1, abs=0.05)
    for row in (area, ratio):
        assert row.pooled is not None
        assert row.prediction is not None
        (low, high), (lowest, highest) = ends(row.pooled), row.prediction
        assert 0 < lowest < low < value(row.pooled) < high < highest


def test_two_sites_or_a_site_without_a_finite_estimate_are_counted_and_not_pooled() -> None:
    one_class = ScoredRows(np.zeros(50, np.int8), np.full(50, 0.2), np.arange(50))
    sites = [site_effects(rows(500, 0)), site_effects(rows(500, 1)), site_effects(one_class)]
    for row in heterogeneity(left_out(sites)):
        assert row.sites == 2
        assert (row.pooled, row.tau, row.prediction) == (None, None, None)
    unjudged = LeftOutEvaluation("site", "Tiny", 30, 4, "fewer than 10 events", {})
    assert heterogeneity([unjudged]) == []
    period = LeftOutEvaluation("time", "1990", 9, 4, "", {}, {"xgboost": sites[0]})
    assert heterogeneity([period] * 3) == []


def test_estimates_that_happen_to_agree_give_no_narrower_interval_than_a_common_effect() -> None:
    estimates: Floats = np.array([1.0, 1.0, 1.0001])
    pooled = pool(estimates, np.full(3, 0.2))
    assert pooled.tau == 0
    assert pooled.error == pytest.approx(0.2 / math.sqrt(3))
