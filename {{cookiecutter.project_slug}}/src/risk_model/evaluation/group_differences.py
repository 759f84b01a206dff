"""A group beside its complement: how do AUROC and calibration-in-the-large differ?

The complement is every row outside the group, so that a group that is served badly is no part of
what the others are measured by. Standard errors come from each row's influence, summed over a
subject's rows: the limit of the bootstrap that draws subjects, without its draws (Efron and
Tibshirani 1993, chapter 21; of AUROC it is DeLong's, by clusters Obuchowski's, 1997).
"""

from __future__ import annotations

import numpy as np

from risk_model.core.estimate import NORMAL, Estimate
from risk_model.core.scores import NAN, Floats, logit, placements, sigmoid
from risk_model.evaluation.metric_table import BY_NAME
from risk_model.evaluation.resampled_metrics import ScoredRows
from risk_model.evaluation.results import Metrics


def group_differences(group: ScoredRows, others: ScoredRows) -> Metrics:
    """Group minus complement: AUROC and calibration-in-the-large, each with a Wald 95 % interval.

    Without bounds where either cannot be estimated or a side has fewer than two subjects. A subject
    with rows on both sides pairs them.
    """
    return {name: _difference(name, group, others) for name in INFLUENCE}


def _difference(name: str, group: ScoredRows, others: ScoredRows) -> Estimate:
    values = [BY_NAME[name].estimate(side.outcome, side.risk, NAN) for side in (group, others)]
    difference = values[0] - values[1]
    if not np.isfinite(difference):
        return Estimate(None)
    inside, outside = (
        _corrected(INFLUENCE[name](side, value), side)
        for side, value in zip((group, others), values, strict=True)
    )
    subject = np.concatenate([group.subject, others.subject])
    sums = np.bincount(subject, weights=np.concatenate([inside, -outside]))
    reach = NORMAL * float(np.sqrt(sums @ sums))
    return Estimate.of(difference, difference - reach, difference + reach)


def _corrected(influence: Floats, rows: ScoredRows) -> Floats:
    """For few subjects: the variance of k of them is divided by k − 1."""
    subjects = np.count_nonzero(np.bincount(rows.subject))
    return influence * (np.sqrt(subjects / (subjects - 1)) if subjects > 1 else NAN)


def citl_influence(rows: ScoredRows, citl: float) -> Floats:
    """How far each row moves calibration-in-the-large: residual by information, float64[n]."""
    fitted = sigmoid(logit(rows.risk) + citl)
    return np.asarray((rows.outcome - fitted) / np.sum(fitted * (1 - fitted)))


def auroc_influence(rows: ScoredRows, auroc: float) -> Floats:
    """How far each row moves AUROC: float64[n], its placement beside the mean over its class."""
    events = int(rows.outcome.sum())
    size = np.where(rows.outcome == 1, events, len(rows.outcome) - events)
    return np.asarray((placements(rows.outcome, rows.risk) - auroc) / size)


INFLUENCE = {"auroc": auroc_influence, "citl": citl_influence}
