"""An estimate with its 95 % interval: the one shape in which a number with uncertainty crosses
files.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from risk_model.core.json_record import JsonRecord

NORMAL = 1.959963984540054  # standard errors to either side that hold 95 % of a normal distribution


@dataclass(frozen=True)
class Estimate(JsonRecord):
    """A number and the ends of its 95 % interval; None stands for what cannot be estimated."""

    estimate: float | None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, estimate: float, low: float = math.nan, high: float = math.nan) -> Estimate:
        """From plain numbers, in which NaN and infinity mean "cannot be estimated"."""
        return cls(*(float(v) if math.isfinite(v) else None for v in (estimate, low, high)))

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends of the interval; None where there is none."""
        return None if self.low is None or self.high is None else (self.low, self.high)


def numbers(values: Iterable[float]) -> list[float | None]:
    """The points of a curve as plain numbers; None for NaN and infinity."""
    return [float(value) if math.isfinite(value) else None for value in values]
