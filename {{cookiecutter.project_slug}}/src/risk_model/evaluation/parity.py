"""Parity of treatment: demographic parity, equal opportunity and equalised odds, by partition.

Do groups get the same treatment? The differences describe and decide nothing: where events are more
frequent in one group, an honest model flags more of it, so parity and calibration cannot both hold
(Kleinberg et al. 2016). Definitions as in fairlearn: Agarwal et al. 2018, Hardt et al. 2016.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from risk_model.core.scores import Floats
from risk_model.evaluation.bootstrap import interval
from risk_model.evaluation.resampled_metrics import ResampledMetrics
from risk_model.evaluation.results import Parity

RATES = ("alert_rate", "sensitivity", "false_positive_rate")


def differences(rates: Mapping[str, Floats]) -> dict[str, Floats]:
    """The three differences of the groups' rates, each float64[groups] or float64[groups, r]."""
    spread = {name: np.ptp(rates[name], axis=0) for name in RATES}
    return {
        "demographic_parity_difference": spread["alert_rate"],
        "equal_opportunity_difference": spread["sensitivity"],
        "equalised_odds_difference": np.maximum(
            spread["sensitivity"], spread["false_positive_rate"]
        ),
    }


def parity(groups: Sequence[ResampledMetrics]) -> Parity:
    """The largest difference between any two groups, with intervals, and the range of base rates.

    Noise alone makes a range wider than 0, in the resamples more so: the intervals lie above what a
    larger sample would show.
    """
    estimates = {name: np.array([group.estimates[name] for group in groups]) for name in RATES}
    draws = differences({n: np.stack([group.draws[n] for group in groups]) for n in RATES})
    prevalence = [group.rows.prevalence for group in groups]
    return Parity(
        groups=len(groups),
        base_rates=(min(prevalence), max(prevalence)),
        **{
            name: interval(float(value), draws[name])
            for name, value in differences(estimates).items()
        },
    )
