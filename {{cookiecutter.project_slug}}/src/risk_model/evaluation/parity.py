"""Do groups get the same treatment? Demographic parity, equal opportunity and equalised odds,
beside the base rates.

They describe and decide nothing: where events are more frequent in one group, an honest model flags
more of it, so parity and calibration cannot both hold (Kleinberg et al. 2016). Definitions as in
fairlearn: Agarwal et al. 2018, Hardt et al. 2016.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from risk_model.evaluation.bootstrap import interval
from risk_model.evaluation.metrics import Floats

RATES = ("alert_rate", "sensitivity", "false_alert_rate")
Draws = Mapping[str, Floats]


def differences(rates: Mapping[str, Floats]) -> dict[str, Floats]:
    """The three differences of the groups' rates, each float64[groups] or float64[groups, r],
    between 0 and 1.
    """
    spread = {name: np.ptp(rates[name], axis=0) for name in RATES}
    return {
        "demographic_parity_difference": spread["alert_rate"],
        "equal_opportunity_difference": spread["sensitivity"],
        "equalised_odds_difference": np.maximum(spread["sensitivity"], spread["false_alert_rate"]),
    }


def parity(
    estimates: Sequence[Mapping[str, float]], draws: Sequence[Draws], prevalence: list[float]
) -> dict[str, Any]:
    """Each difference over the groups of one partition with its interval, and the range of the
    groups' base rates.

    `estimates` and `draws` hold RATES of each group. Noise alone makes a range wider than 0, in the
    resamples more so: the intervals lie above what a larger sample would show.
    """
    shown = differences({name: np.array([group[name] for group in estimates]) for name in RATES})
    drawn = differences({name: np.stack([group[name] for group in draws]) for name in RATES})
    figures = {name: interval(float(value), drawn[name]) for name, value in shown.items()}
    return {"groups": len(estimates), "base_rates": [min(prevalence), max(prevalence)], **figures}
