"""What do the four core figures show? ROC curve, smooth calibration curve, decision curve,
distribution of risks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from risk_model.evaluation import metrics
from risk_model.evaluation.metrics import NAN, Floats, Outcomes

if TYPE_CHECKING:
    from risk_model.evaluation.resampled_metrics import Judged, Question

MIDDLE = (0.025, 0.975)


def roc(outcome: Outcomes, risk: Floats, points: int = 150) -> tuple[Floats, Floats]:
    """False- and true-positive rate from the strictest threshold to the laxest, at most `points` +
    1 of each.

    Ties are one step, so the curve has the area of `auroc` before it is thinned. Empty with one
    class.
    """
    value, block = np.unique(-risk, return_inverse=True)
    events = np.cumsum(np.bincount(block, weights=outcome, minlength=len(value)))
    others = np.cumsum(np.bincount(block, minlength=len(value))) - events
    if not len(risk) or events[-1] == 0 or others[-1] == 0:
        return np.empty(0), np.empty(0)
    shown = np.unique(np.linspace(0, len(value) - 1, min(points, len(value))).astype(int))
    false, true = (np.concatenate([[0.0], total[shown] / total[-1]]) for total in (others, events))
    return false, true


class Loess:
    """A straight line fitted around each of `points`, weighted towards them: the smooth calibration
    curve.

    Local linear regression of the outcome on the risk with tricube weights over the nearest `span`
    of the rows (Cleveland 1979; for calibration Austin and Steyerberg, Stat Med 2014). `risk` [n]
    holds `rows` [n] rows each.
    """

    def __init__(self, risk: Floats, rows: Floats, points: Floats, span: float = 0.75) -> None:
        distance = np.abs(risk - points[:, None])
        order = np.argsort(distance, axis=1)
        reach = np.argmax(np.cumsum(rows[order], axis=1) >= span * rows.sum(), axis=1)
        width = np.take_along_axis(distance, np.take_along_axis(order, reach[:, None], 1), 1)
        kernel = (1 - np.minimum(distance / np.maximum(width * 1.0001, 1e-9), 1) ** 3) ** 3
        self._moments = [kernel * (risk - points[:, None]) ** k for k in range(3)]

    def __call__(self, events: Floats, rows: Floats) -> Floats:
        """The curve's height at each point, between 0 and 1: events and rows [k, n] -> float64[k,
        points].
        """
        s0, s1, s2 = (rows @ m.T for m in self._moments)
        t0, t1 = (events @ m.T for m in self._moments[:2])
        determinant = s0 * s2 - s1 * s1
        flat = determinant <= 1e-12 * np.maximum(s0 * s2, 1e-300)
        with np.errstate(invalid="ignore", divide="ignore"):
            height = np.where(flat, t0 / s0, (s2 * t0 - s1 * t1) / determinant)
        return np.asarray(np.clip(height, 0, 1))


def drawn(own: Judged, reference: Judged, question: Question) -> dict[str, Any]:
    """What the report draws of one model; "decision" is empty where no range of thresholds was
    stated.
    """
    y, p, points = own.rows.outcome, own.rows.risk, own.rows.curve_points
    bins = np.linspace(0, 1, 41)
    shares = {"events": p[y == 1], "non_events": p[y == 0]}
    return {
        "roc": dict(zip(("false_positive_rate", "true_positive_rate"), roc(y, p), strict=True)),
        "calibration": {
            "risk": points,
            "observed": own.once["curve"][0],
            **_band(own.draws["curve"]),
        },
        "decision": _decision(own, reference, question.curve) if len(question.curve) else {},
        "risk_distribution": {
            "edges": bins,
            **{
                name: np.histogram(risks, bins)[0] / max(len(risks), 1)
                for name, risks in shares.items()
            },
        },
    }


def _decision(own: Judged, reference: Judged, thresholds: Floats) -> dict[str, Any]:
    """Net benefit at each threshold, in units of the prevalence as well, and how far it is from the
    reference's.
    """
    estimates, base = _benefit(own, thresholds), _benefit(reference, thresholds)
    benefits, difference = _benefits(own, thresholds), None
    if own is not reference:
        difference = {
            "estimate": estimates - base,
            **_band(benefits - _benefits(reference, thresholds)),
        }
    return {
        "threshold": thresholds,
        "net_benefit": estimates,
        "standardised": estimates / own.rows.prevalence,
        "treat_all": metrics.treat_all(own.rows.prevalence, thresholds),
        **_band(benefits),
        "difference": difference,
    }


def _benefit(judged: Judged, thresholds: Floats) -> Floats:
    return np.array(
        [metrics.net_benefit(judged.rows.outcome, judged.rows.risk, t) for t in thresholds]
    )


def _benefits(judged: Judged, thresholds: Floats) -> Floats:
    """Net benefit of each draw at each threshold: float64[r, m]."""
    found, flagged = judged.draws["found"][:, :-1], judged.draws["flagged"][:, :-1]
    return np.asarray(
        (found - (flagged - found) * thresholds / (1 - thresholds)) / judged.draws["rows"][:, None]
    )


def _band(draws: Floats) -> dict[str, Floats]:
    kept = draws[np.isfinite(draws).all(axis=1)]
    kept = kept if len(kept) else np.full((1, draws.shape[1]), NAN)
    low, high = np.quantile(kept, MIDDLE, axis=0)
    return {"low": low, "high": high}
