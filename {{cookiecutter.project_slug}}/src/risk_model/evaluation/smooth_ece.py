"""The smooth expected calibration error.

How far are the risks off on average, without bins? The residuals are smoothed by a Gaussian that is
reflected at 0 and 1, and what is left of them is added up; the width of the Gaussian is the one
that equals the error it shows (Blasiok and Nakkiran, ICLR 2024). Reflected smoothing is a product
in the cosine transform.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import dct, idct

from risk_model.core.scores import NAN, Floats, Outcomes

CELLS = 512  # of the risk scale, in which residuals are gathered
HALVINGS = 16  # of the interval that holds the width


def smooth_calibration_error(outcome: Outcomes, risk: Floats) -> float:
    """The smooth calibration error of these rows, 0 to 1; NaN without rows.

    >>> round(smooth_calibration_error(np.array([0, 1] * 500), np.full(1000, 0.8)), 2)
    0.3
    """
    if not len(risk):
        return NAN
    cell = np.minimum((risk * CELLS).astype(np.int64), CELLS - 1)
    waves = dct(
        np.bincount(cell, weights=outcome - risk, minlength=CELLS) / len(risk), norm="ortho"
    )
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):  # the error falls as the width grows
        width = (low + high) / 2
        low, high = (width, high) if smoothed_error(waves, width) > width else (low, width)
    return (low + high) / 2


def smoothed_error(waves: Floats, width: float) -> float:
    """What a Gaussian of that width leaves of the residuals, cosine waves float64[CELLS]."""
    damped = waves * np.exp(-((np.pi * np.arange(len(waves)) * width) ** 2) / 2)
    return float(np.abs(idct(damped, norm="ortho")).sum())
