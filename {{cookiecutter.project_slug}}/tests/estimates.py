"""The numbers of an estimate that a test needs: it fails where one of them is undefined."""

from __future__ import annotations

from risk_model.core.estimate import Estimate


def value(estimate: Estimate) -> float:
    """The estimate itself."""
    assert estimate.estimate is not None
    return estimate.estimate


def ends(estimate: Estimate) -> tuple[float, float]:
    """Both ends of its interval."""
    assert estimate.interval is not None
    return estimate.interval


def width(estimate: Estimate) -> float:
    """How wide its interval is."""
    low, high = ends(estimate)
    return high - low
