"""Instability: how far a patient's risks scatter over models developed on other samples.

Measures of Riley and Collins, Biometrical Journal 2023;65:2200302 (doi 10.1002/bimj.202200302):
each patient's risk from the model in hand is set against that from models refitted on bootstrap
samples. They study the patients that the model was developed on; here the rows are those of a split
that no refit has learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from risk_model.core.estimate import numbers
from risk_model.core.json_record import JsonRecord
from risk_model.core.scores import Floats, Outcomes
from risk_model.evaluation.bootstrap import LEVEL, interval
from risk_model.evaluation.loess import Loess
from risk_model.evaluation.metrics import calibration_slope

POINTS = 50  # of the smoothed band
SPAN = 0.15  # share of the rows that each of them is smoothed over


@dataclass(frozen=True)
class RiskRange(JsonRecord):
    """Each row's 2.5th and 97.5th percentile over the refits, and the mean width between them."""

    low: list[float]
    high: list[float]
    mean_width: float


@dataclass(frozen=True)
class PredictionError(JsonRecord):
    """Mean absolute prediction error: a row's mean of |refit - original| over the refits."""

    rows: list[float]
    mean: float
    percentile_95: float


@dataclass(frozen=True)
class ClassificationInstability(JsonRecord):
    """The share of refits that put a row on the other side of the threshold."""

    rows: list[float]
    mean: float
    worst: float


@dataclass(frozen=True)
class SlopeInstability(JsonRecord):
    """Calibration slope of the original, and the median and middle 95 % of the refits'."""

    estimate: float | None
    low: float | None
    high: float | None
    median: float | None


@dataclass(frozen=True)
class InstabilityBand(JsonRecord):
    """The two percentiles, smoothed over the original risk as in the source's plot."""

    risk: list[float]
    low: list[float | None]
    high: list[float | None]


@dataclass(frozen=True)
class Instability(JsonRecord):
    """How far the risks of refitted models lie from the original, row by row and in sum.

    `slope` is None without an outcome.
    """

    rows: int
    refits: int
    threshold: float
    original: list[float]
    range: RiskRange
    mape: PredictionError
    classification: ClassificationInstability
    slope: SlopeInstability | None
    band: InstabilityBand


@dataclass(frozen=True)
class StabilityRecord(JsonRecord):
    """The content of stability.json: what refits on other samples of the subjects showed.

    `part` names the rows whose risks were asked for, `unit` what was drawn: subjects, or rows by
    their name where nothing tells whose they are.
    """

    part: str
    refits: int
    seed: int
    subjects: int
    threshold: float
    champion: str
    models: dict[str, Instability]
    unit: str = "subjects"


def instability(
    original: Floats, refits: Floats, threshold: float, outcome: Outcomes | None = None
) -> Instability:
    """The measures of `refits` float64[B, n] against `original` float64[n]; `outcome` is int[n].

    Raises:
        ValueError: shapes disagree, there is nothing to evaluate, or a risk is no probability.
    """
    _check(original, refits, threshold)
    low, high = np.quantile(refits, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    error = np.abs(refits - original).mean(axis=0)
    crossed = ((refits >= threshold) != (original >= threshold)).mean(axis=0)
    return Instability(
        rows=len(original),
        refits=len(refits),
        threshold=threshold,
        original=original.tolist(),
        range=RiskRange(low.tolist(), high.tolist(), float(np.mean(high - low))),
        mape=PredictionError(error.tolist(), float(error.mean()), float(np.quantile(error, 0.95))),
        classification=ClassificationInstability(
            crossed.tolist(), float(crossed.mean()), float(crossed.max())
        ),
        slope=None if outcome is None else _slopes(outcome, original, refits),
        band=_band(original, low, high),
    )


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


def _slopes(outcome: Outcomes, original: Floats, refits: Floats) -> SlopeInstability:
    """The median is over the refits that have a slope."""
    slopes = np.array([calibration_slope(outcome, risk) for risk in refits])
    estimate = interval(calibration_slope(outcome, original), slopes)
    finite = slopes[np.isfinite(slopes)]
    median = None if estimate.interval is None else float(np.median(finite))
    return SlopeInstability(estimate.estimate, estimate.low, estimate.high, median)


def _band(original: Floats, low: Floats, high: Floats) -> InstabilityBand:
    points = np.linspace(original.min(), original.max(), POINTS)
    smooth = Loess(original, np.ones_like(original), points, SPAN)
    below, above = smooth(np.stack([low, high]), np.ones((2, len(original))))
    return InstabilityBand(points.tolist(), numbers(below), numbers(above))
