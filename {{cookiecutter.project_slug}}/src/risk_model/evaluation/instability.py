"""How far do a patient's risks scatter over models that were developed on other samples of the same
size?

Measures of Riley and Collins, Biometrical Journal 2023;65:2200302 (doi 10.1002/bimj.202200302):
each patient's risk from the model in hand is set against that from models refitted on bootstrap
samples. They judge the patients that the model was developed on; here the rows are those of a split
that no refit has learnt from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from risk_model.evaluation import plain
from risk_model.evaluation.bootstrap import LEVEL, interval
from risk_model.evaluation.curves import Loess
from risk_model.evaluation.metrics import Floats, Outcomes, calibration_slope

POINTS = 50  # of the smoothed band
SPAN = 0.15  # share of the rows that each of them is smoothed over


def instability(
    original: Floats, refits: Floats, threshold: float, outcome: Outcomes | None = None
) -> dict[str, Any]:
    """How far the risks of `refits` float64[B, n] lie from `original` float64[n], row by row and in
    sum, JSON-able.

    "range": each row's 2.5th and 97.5th percentile over the refits, and the mean width between
    them. "mape": mean absolute prediction error, a row's mean of |refit - original| over the
    refits, with its mean and 95th percentile over the rows. "classification": the classification
    instability index, the share of refits that put a row on the other side of `threshold` (flagged
    is at or above it), with its mean and its worst row. "slope": calibration slope of the original,
    and the median and middle 95 % of the refits' on these rows; None without `outcome`, int[n], or
    where it has no finite value. "band": the two percentiles, smoothed over the original risk as in
    the source's plot. ValueError when shapes disagree, nothing is there to judge, or a risk is no
    probability.
    """
    _check(original, refits, threshold)
    low, high = np.quantile(refits, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    mape = np.abs(refits - original).mean(axis=0)
    crossed = ((refits >= threshold) != (original >= threshold)).mean(axis=0)
    found: dict[str, Any] = plain(
        {
            "rows": len(original),
            "refits": len(refits),
            "threshold": threshold,
            "original": original,
            "range": {"low": low, "high": high, "mean_width": np.mean(high - low)},
            "mape": {"rows": mape, "mean": mape.mean(), "percentile_95": np.quantile(mape, 0.95)},
            "classification": {"rows": crossed, "mean": crossed.mean(), "worst": crossed.max()},
            "slope": None if outcome is None else _slopes(outcome, original, refits),
            "band": _band(original, low, high),
        }
    )
    return found


def _check(original: Floats, refits: Floats, threshold: float) -> None:
    if (
        original.ndim != 1
        or refits.ndim != 2
        or refits.shape[1] != len(original)
        or not refits.size
    ):
        raise ValueError(
            f"stability: refits {refits.shape} are no table of {original.shape} risks each"
        )
    if not all(np.all((risks >= 0) & (risks <= 1)) for risks in (original, refits)):
        raise ValueError("stability: a risk is no probability")
    if not 0 < threshold < 1:
        raise ValueError("stability: the threshold must lie between 0 and 1")


def _slopes(outcome: Outcomes, original: Floats, refits: Floats) -> dict[str, float]:
    """Estimate, low and high as of an interval, and the median of the refits that have a slope."""
    slopes = np.array([calibration_slope(outcome, risk) for risk in refits])
    found = interval(calibration_slope(outcome, original), slopes)
    return {
        **found,
        "median": float(np.median(slopes[np.isfinite(slopes)]))
        if np.isfinite(found["low"])
        else np.nan,
    }


def _band(original: Floats, low: Floats, high: Floats) -> dict[str, npt.NDArray[np.float64]]:
    points = np.linspace(original.min(), original.max(), POINTS)
    smooth = Loess(original, np.ones_like(original), points, SPAN)
    below, above = smooth(np.stack([low, high]), np.ones((2, len(original))))
    return {"risk": points, "low": below, "high": above}
