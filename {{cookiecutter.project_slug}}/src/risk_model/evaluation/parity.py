"""Parity of treatment: demographic parity, equal opportunity and equalised odds, by partition.

Do groups get the same treatment? The differences describe and decide nothing: where events are more
frequent in one group, an honest model flags more of it, so parity and calibration cannot both hold
(Kleinberg et al. 2016). Definitions as in fairlearn: Agarwal et al. 2018, Hardt et al. 2016.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from risk_model.core.estimate import Estimate
from risk_model.core.scores import NAN
from risk_model.evaluation.resampled_metrics import ResampledMetrics
from risk_model.evaluation.results import Metrics, Parity, RateDifference

RATES = ("alert_rate", "sensitivity", "false_positive_rate")


def parity(groups: Mapping[str, ResampledMetrics]) -> Parity:
    """The largest difference between two of these groups, signed, and the range of base rates.

    The two groups are chosen by the estimates: of many groups the extreme two lie apart by chance
    alone, and their interval does not know of the choice.
    """
    rates = {name: group.metrics(RATES) for name, group in groups.items()}
    alerts, sensitivity, false_positives = (rate_difference(rates, name) for name in RATES)
    prevalence = [group.rows.prevalence for group in groups.values()]
    return Parity(
        groups=len(groups),
        base_rates=(min(prevalence), max(prevalence)),
        demographic_parity_difference=alerts,
        equal_opportunity_difference=sensitivity,
        equalised_odds_difference=max(
            sensitivity, false_positives, key=lambda rate: rate.difference.estimate or 0.0
        ),
    )


def rate_difference(groups: Mapping[str, Metrics], rate: str) -> RateDifference:
    """The rate of the group where it is highest minus that of the group where it is lowest."""

    def value(group: str) -> float:
        estimate = groups[group][rate].estimate
        return NAN if estimate is None else estimate

    highest, lowest = max(groups, key=value), min(groups, key=value)
    return RateDifference(rate, highest, lowest, minus(groups[highest][rate], groups[lowest][rate]))


def minus(one: Estimate, other: Estimate) -> Estimate:
    """The difference of two independent estimates, its interval from theirs (MOVER).

    The squared distances of the ends from their estimates add up, so that the interval holds the
    difference: Newcombe, Statistics in Medicine 1998;17:873-890, method 10; Zou and Donner 2008.
    Too wide where the same subjects have rows in both.

    >>> minus(Estimate(1.0, 0.7, 1.0), Estimate(0.5, 0.25, 0.9))
    Estimate(estimate=0.5, low=0.0, high=0.75)
    """
    if one.estimate is None or other.estimate is None:
        return Estimate(None)
    difference = one.estimate - other.estimate
    if one.interval is None or other.interval is None:
        return Estimate(difference)
    below = np.hypot(one.estimate - one.interval[0], other.interval[1] - other.estimate)
    above = np.hypot(one.interval[1] - one.estimate, other.estimate - other.interval[0])
    return Estimate.of(difference, difference - below, difference + above)
