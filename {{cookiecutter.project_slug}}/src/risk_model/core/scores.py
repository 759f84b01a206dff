"""AUROC, log loss, logit, sigmoid and Holm's adjustment: each defined once, for every layer.

Throughout, `outcome` is 0 or 1 and `risk` a probability, both [n]; where a number is not defined
(one class, no rows) it is NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Outcomes = npt.NDArray[Any]
NAN = float("nan")
# logits need 0 < p < 1: a risk of 0 or 1 counts as this close to it, as in the R package
# CalibrationCurves
CLIP = 1e-8


def auroc(outcome: Outcomes, risk: Floats | npt.NDArray[np.int64]) -> float:
    """Chance that a patient with the event has a higher risk than one without; ties count half.

    Mann and Whitney 1947. Any score that rises with the risk will do, a logit included.

    >>> auroc(np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.4, 0.8]))
    0.875
    """
    value, block = np.unique(risk, return_inverse=True)
    events = np.bincount(block, weights=outcome, minlength=len(value))
    others = np.bincount(block, minlength=len(value)) - events
    pairs = events.sum() * others.sum()
    below = np.cumsum(others) - others
    return float(np.sum(events * (below + others / 2)) / pairs) if pairs else NAN


def placements(outcome: Outcomes, risk: Floats) -> Floats:
    """The share of the other class that each row is ranked right against: float64[n].

    Of each event the share of non-events below it, of each non-event the share of events above it;
    equal risks count half. The mean over events, as that over non-events, is AUROC (DeLong et al.,
    Biometrics 1988). Empty with one class.
    """
    from scipy.stats import rankdata

    event = np.asarray(outcome) == 1
    events, others = int(event.sum()), int((~event).sum())
    if not events or not others:
        return np.empty(0)
    rank, share = rankdata(risk), np.empty(len(risk))
    share[event] = (rank[event] - rankdata(risk[event])) / others
    share[~event] = 1 - (rank[~event] - rankdata(risk[~event])) / events
    return share


def row_log_loss(outcome: Outcomes, risk: Floats) -> Floats:
    """Minus the log of the probability given to what happened, per row: float64[n].

    A probability of 0 counts as the smallest double step, so that the loss stays finite.
    """
    given = np.where(outcome == 1, risk, 1 - risk)
    return np.asarray(-np.log(np.clip(given, np.finfo(np.float64).eps, 1)))


def log_loss(outcome: Outcomes, risk: Floats) -> float:
    """Mean log loss (cross-entropy), in nats."""
    return float(np.mean(row_log_loss(outcome, risk))) if len(risk) else NAN


def logit(risk: Floats) -> Floats:
    """Log odds of a risk, in nats; 0 and 1 are moved inwards by CLIP."""
    inside = np.clip(risk, CLIP, 1 - CLIP)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def sigmoid(logits: Floats) -> Floats:
    """The risk of log odds, 1 / (1 + exp(-logit)), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * np.asarray(logits))))


def holm(p: Floats) -> Floats:
    """Holm's step-down adjustment of p-values, in the order given; NaN stays and does not count.

    Holm, Scandinavian Journal of Statistics 1979;6:65-70.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p)[: int(np.sum(~np.isnan(p)))]  # NaN is sorted last
    steps = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(steps, 1)
    return adjusted
