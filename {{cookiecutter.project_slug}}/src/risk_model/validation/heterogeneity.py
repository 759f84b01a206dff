"""Heterogeneity: how much performance varies between sites, and what a new site may expect.

Each site that was left out gives an estimate and its standard error; a random-effects meta-analysis
pools them. Variance between sites by restricted maximum likelihood, the interval of the mean after
Hartung and Knapp, and a prediction interval for a new site like these (Higgins et al., JRSS A 2009;
Riley et al., BMJ 2011;342:d549). AUROC is pooled on the scale of its log odds, observed to expected
events on the log scale (Debray et al., BMJ 2017;356:i6460).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import t

from risk_model.core.estimate import Estimate
from risk_model.core.scores import NAN, Floats, logit, placements, sigmoid
from risk_model.evaluation.bootstrap import LEVEL
from risk_model.evaluation.delong import standard_error
from risk_model.evaluation.metric_table import label
from risk_model.evaluation.recalibration import recalibration
from risk_model.evaluation.resampled_metrics import ScoredRows
from risk_model.evaluation.results import (
    FEWEST_SITES,
    LeftOutEvaluation,
    PooledPerformance,
    SiteEffect,
)

STEPS, CLOSE = 100, 1e-10  # of Fisher scoring
Transform = Callable[[Floats], Floats]


class Measure(NamedTuple):
    """A measure that is pooled: its name for a reader, its scale, and the way back from there."""

    label: str
    scale: str
    back: Transform


def _same(values: Floats) -> Floats:
    return values


MEASURES = {
    "auroc": Measure(label("auroc"), "log odds", sigmoid),
    "citl": Measure(label("citl"), "as it is", _same),
    "slope": Measure(label("slope"), "as it is", _same),
    "observed_expected": Measure("observed/expected events", "log", np.exp),
}


class RandomEffects(NamedTuple):
    """The mean over sites with its Hartung-Knapp standard error, and tau, the SD between sites."""

    mean: float
    error: float
    tau: float
    sites: int

    def interval(self) -> tuple[float, float]:
        """95 % interval of the mean: t with k - 1 degrees of freedom."""
        reach = float(t.ppf((1 + LEVEL) / 2, self.sites - 1)) * self.error
        return self.mean - reach, self.mean + reach

    def prediction(self) -> tuple[float, float]:
        """95 % prediction interval of a new site: t with k - 2 degrees of freedom.

        Where sites differ by less than their own errors it holds fewer new sites than stated: 85 to
        90 % with 8 to 20 sites, tau .1 and errors of .2 (Partlett and Riley, Stat Med 2017).
        """
        spread = float(np.hypot(self.tau, self.error))
        reach = float(t.ppf((1 + LEVEL) / 2, self.sites - 2)) * spread
        return self.mean - reach, self.mean + reach


def pool(estimates: Floats, errors: Floats) -> RandomEffects:
    """Random-effects meta-analysis of estimates and their standard errors, both [k], k >= 3.

    The Hartung-Knapp factor is at least 1, as Knapp and Hartung (Stat Med 2003) advise and Röver et
    al. (BMC Med Res Methodol 2015) find needed with few sites: estimates that happen to agree must
    not make the interval narrower than that of a common effect.
    """
    variances = errors**2
    tau2 = _reml(estimates, variances)
    weights, mean = _weighted(estimates, variances, tau2)
    factor = float(np.sum(weights * (estimates - mean) ** 2)) / (len(estimates) - 1)
    error = np.sqrt(max(factor, 1.0) / weights.sum())
    return RandomEffects(mean, float(error), float(np.sqrt(tau2)), len(estimates))


def _weighted(estimates: Floats, variances: Floats, tau2: float) -> tuple[Floats, float]:
    weights = 1 / (variances + tau2)
    return weights, float(np.sum(weights * estimates) / weights.sum())


def _restricted_log_likelihood(estimates: Floats, variances: Floats, tau2: float) -> float:
    weights, mean = _weighted(estimates, variances, tau2)
    squares = np.sum(weights * (estimates - mean) ** 2)
    return float(-0.5 * (squares + np.log(weights.sum()) - np.log(weights).sum()))


def _reml(estimates: Floats, variances: Floats) -> float:
    """The variance between sites: Fisher scoring, halved where it overshoots, never below 0.

    Viechtbauer, J Educ Behav Stat 2005;30:261-293.
    """
    tau2 = max(float(np.var(estimates, ddof=1) - variances.mean()), 0.0)
    for _ in range(STEPS):
        weights, mean = _weighted(estimates, variances, tau2)
        total, squares = weights.sum(), np.sum(weights**2)
        score = np.sum((weights * (estimates - mean)) ** 2) - (total - squares / total)
        information = squares - 2 * np.sum(weights**3) / total + (squares / total) ** 2
        step = max(float(score / information), -tau2)
        before = _restricted_log_likelihood(estimates, variances, tau2)
        while _restricted_log_likelihood(estimates, variances, tau2 + step) < before - CLOSE:
            step /= 2
        tau2 += step
        if abs(step) < CLOSE * (1 + tau2):
            break
    return tau2


def site_effects(rows: ScoredRows) -> dict[str, SiteEffect]:
    """Each measure of one model at one site, on the scale of MEASURES, with its standard error.

    The errors are those of subjects drawn anew, all rows of a subject together: DeLong's for AUROC,
    the sandwich for the calibration line, the linearised ratio for observed to expected events.
    """
    area, error = _auroc(rows)
    inside = area * (1 - area)
    effects = {
        "auroc": (float(logit(np.array(area))), error / inside) if inside > 0 else (NAN, NAN),
        "citl": _calibration_line(rows, slope=False),
        "slope": _calibration_line(rows, slope=True),
        "observed_expected": _observed_expected(rows),
    }
    return {name: SiteEffect.of(*effect) for name, effect in effects.items()}


def _auroc(rows: ScoredRows) -> tuple[float, float]:
    placement = placements(rows.outcome, rows.risk)
    if not len(placement):
        return NAN, NAN
    own = float(placement[np.asarray(rows.outcome) == 1].mean())
    return own, standard_error(rows.outcome, placement, rows.subject)


def _calibration_line(rows: ScoredRows, slope: bool) -> tuple[float, float]:
    """Intercept at slope 1, or slope: maximum likelihood with the error of the sandwich."""
    x, once = logit(rows.risk), np.ones((1, len(rows.risk)))
    intercept, steepness = recalibration(once * rows.outcome, once, x, slope=slope)[0]
    if not np.isfinite(intercept):
        return NAN, NAN
    risk = sigmoid(intercept + steepness * x)
    design = np.stack([once[0], x], axis=1) if slope else once.T
    bread = np.linalg.inv(design.T @ (design * (risk * (1 - risk))[:, None]))
    sums = _by_subject(design * (rows.outcome - risk)[:, None], rows.subject)
    variance = (bread @ (sums.T @ sums) @ bread)[-1, -1] * _few(len(sums))
    return float(steepness if slope else intercept), float(np.sqrt(variance))


def _observed_expected(rows: ScoredRows) -> tuple[float, float]:
    observed, expected = float(rows.outcome.sum()), float(rows.risk.sum())
    if not observed or not expected:
        return NAN, NAN
    ratio = observed / expected
    sums = _by_subject((rows.outcome - ratio * rows.risk)[:, None], rows.subject)
    return float(np.log(ratio)), float(np.sqrt(np.sum(sums**2) * _few(len(sums)))) / observed


def _by_subject(values: Floats, subject: npt.NDArray[np.intp]) -> Floats:
    """Sums of the rows of each subject: float64[subjects, columns]."""
    codes = np.unique(subject, return_inverse=True)[1]
    return np.stack([np.bincount(codes, weights=column) for column in values.T], axis=1)


def _few(subjects: int) -> float:
    """What a variance over so many subjects is multiplied by."""
    return subjects / (subjects - 1) if subjects > 1 else NAN


def heterogeneity(left_out: Sequence[LeftOutEvaluation]) -> list[PooledPerformance]:
    """Each measure of each refitted model over the sites that were left out; none without sites.

    A site at which a measure has no finite estimate (one class, AUROC 1, separated) does not count.
    """
    sites = [turn for turn in left_out if turn.kind == "site"]
    models = dict.fromkeys(model for turn in sites for model in turn.effects)
    return [
        _pooled(model, measure, [turn.effects[model][measure] for turn in sites if turn.effects])
        for model in models
        for measure in MEASURES
    ]


def _pooled(model: str, measure: str, effects: Sequence[SiteEffect]) -> PooledPerformance:
    known = [(e.estimate, e.standard_error) for e in effects if e.estimate is not None]
    pairs = [(estimate, error) for estimate, error in known if error]
    own = MEASURES[measure]
    if len(pairs) < FEWEST_SITES:
        return PooledPerformance(model, own.label, own.scale, len(pairs))
    pooled = pool(*np.array(pairs, dtype=np.float64).T)
    mean, *ends = (float(own.back(np.array(value))) for value in (pooled.mean, *pooled.interval()))
    low, high = (float(own.back(np.array(end))) for end in pooled.prediction())
    estimate = Estimate(mean, *ends)
    return PooledPerformance(
        model, own.label, own.scale, len(pairs), estimate, pooled.tau, (low, high)
    )
