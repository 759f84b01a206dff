"""The step of answered risks: no finer than what the evaluation can tell apart.

A risk of .2637 promises more than 1,822 patients can show: the standard error of their event rate
is .010. More digits would only tell the model's weights to whoever asks often enough.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

STEPS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
PER_THRESHOLD = 10  # steps below the threshold, and above it, at the least


def risk_step(rows: int, prevalence: float, threshold: float) -> float:
    """The largest of STEPS that is no larger than what the data support, or the smallest.

    They support the standard error of the event rate among `rows` evaluated patients, with two
    events and two non-events added (Agresti and Coull 1998), so that no events are not certainty.
    The threshold, and 1 - threshold, must hold PER_THRESHOLD steps.

    >>> risk_step(1822, 0.26, 0.26), risk_step(100, 0.2, 0.1)
    (0.01, 0.01)
    """
    rate, count = (prevalence * rows + 2) / (rows + 4), rows + 4
    error = (rate * (1 - rate) / count) ** 0.5
    most = min(error, threshold / PER_THRESHOLD, (1 - threshold) / PER_THRESHOLD)
    return max((step for step in STEPS if step <= most), default=STEPS[0])


def rounded(risk: float, step: float, threshold: float) -> float:
    """A risk as a multiple of `step`, on its own side of the threshold, and never 0 or 1.

    Whether a patient is flagged is decided before: a risk just below the threshold must not be
    shown above it. What is no finite number stays.

    >>> [rounded(0.2637, 0.01, threshold) for threshold in (0.26, 0.265, 0.2636)]
    [0.26, 0.26, 0.27]
    """
    if not math.isfinite(risk):
        return risk
    steps = round(1 / step)
    count = min(max(round(risk * steps), 1), steps - 1)
    side = (risk >= threshold) - (count / steps >= threshold)
    return (count + side) / steps


def rounded_rows(
    risks: npt.NDArray[np.float64], step: float, threshold: float
) -> npt.NDArray[np.float64]:
    """The same for each of float64[n]."""
    return np.array([rounded(risk, step, threshold) for risk in risks.tolist()], dtype=np.float64)
