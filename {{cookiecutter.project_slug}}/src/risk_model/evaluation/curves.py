"""The curves of one model: ROC, smooth calibration curve, decision curve, distribution of risks."""

from __future__ import annotations

import numpy as np

from risk_model.core.estimate import numbers
from risk_model.core.scores import NAN, Floats, Outcomes
from risk_model.evaluation import metrics
from risk_model.evaluation.resampled_metrics import EvaluationSettings, ResampledMetrics
from risk_model.evaluation.results import (
    Band,
    CalibrationCurve,
    Curves,
    DecisionCurve,
    RiskDistribution,
    RocCurve,
)

MIDDLE = (0.025, 0.975)


def roc(outcome: Outcomes, risk: Floats, points: int = 150) -> tuple[Floats, Floats]:
    """False- and true-positive rate from the strictest threshold to the laxest.

    At most `points` + 1 of each. Ties are one step, so the curve has the area of `auroc` before it
    is thinned. Empty with one class.
    """
    value, block = np.unique(-risk, return_inverse=True)
    events = np.cumsum(np.bincount(block, weights=outcome, minlength=len(value)))
    non_events = np.cumsum(np.bincount(block, minlength=len(value))) - events
    if not len(risk) or events[-1] == 0 or non_events[-1] == 0:
        return np.empty(0), np.empty(0)
    at = np.unique(np.linspace(0, len(value) - 1, min(points, len(value))).astype(int))
    false, true = (np.concatenate([[0.0], sums[at] / sums[-1]]) for sums in (non_events, events))
    return false, true


def curves(
    own: ResampledMetrics, comparator: ResampledMetrics, settings: EvaluationSettings
) -> Curves:
    """What the report draws of one model."""
    y, p = own.rows.outcome, own.rows.risk
    bins = np.linspace(0, 1, 41)
    shares = [np.histogram(risk, bins)[0] / max(len(risk), 1) for risk in (p[y == 1], p[y == 0])]
    return Curves(
        roc=RocCurve(*map(numbers, roc(y, p))),
        calibration=calibration_curve(own),
        risk_distribution=RiskDistribution(*map(numbers, (bins, *shares))),
        decision=_decision_curve(own, comparator, settings.curve) if len(settings.curve) else None,
    )


def calibration_curve(own: ResampledMetrics) -> CalibrationCurve:
    """The smooth calibration curve of rows that were resampled with it, and its 95 % band."""
    points, (curve,) = own.rows.curve_points, own.once["curve"]
    return CalibrationCurve(*map(numbers, (points, curve, *_band(own.draws["curve"]))))


def _decision_curve(
    own: ResampledMetrics, comparator: ResampledMetrics, thresholds: Floats
) -> DecisionCurve:
    """Net benefit at each threshold, in units of the prevalence too, and against the comparator."""
    estimates, draws, difference = _net_benefit(own, thresholds), _draws(own, thresholds), None
    if own is not comparator:
        gain = estimates - _net_benefit(comparator, thresholds)
        band = _band(draws - _draws(comparator, thresholds))
        difference = Band(*map(numbers, (gain, *band)))
    low, high = _band(draws)
    return DecisionCurve(
        threshold=numbers(thresholds),
        net_benefit=numbers(estimates),
        standardised=numbers(estimates / own.rows.prevalence),
        treat_all=numbers(metrics.treat_all(own.rows.prevalence, thresholds)),
        low=numbers(low),
        high=numbers(high),
        difference=difference,
    )


def _net_benefit(own: ResampledMetrics, thresholds: Floats) -> Floats:
    y, p = own.rows.outcome, own.rows.risk
    return np.array([metrics.net_benefit(y, p, threshold) for threshold in thresholds])


def _draws(own: ResampledMetrics, thresholds: Floats) -> Floats:
    """Net benefit of each draw at each threshold: float64[r, m]."""
    hits, flagged = own.draws["true_positives"][:, :-1], own.draws["flagged"][:, :-1]
    benefit = hits - (flagged - hits) * thresholds / (1 - thresholds)
    return np.asarray(benefit / own.draws["rows"][:, None])


def _band(draws: Floats) -> tuple[Floats, Floats]:
    finite = draws[np.isfinite(draws).all(axis=1)]
    finite = finite if len(finite) else np.full((1, draws.shape[1]), NAN)
    low, high = np.quantile(finite, MIDDLE, axis=0)
    return low, high
