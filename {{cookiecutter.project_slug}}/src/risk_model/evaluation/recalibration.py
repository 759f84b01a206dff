"""Logistic recalibration, for thousands of resamples at once.

Which line through the log odds would mend the risks?
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# of Newton's method; what has not converged by then is separated, and has no finite estimate
STEPS = 30


@numba.njit(cache=True, nogil=True)
def recalibration(events: Floats, rows: Floats, x: Floats, slope: bool) -> Floats:
    """Maximum-likelihood intercept and slope of events on log odds x [n]: float64[k, 2].

    Of k tables of counts, each [k, n]. Without `slope` it stays 1. Newton's method, that is
    iteratively reweighted least squares; each table starts from the solution before it. NaN where
    there is no finite solution.
    """
    lines = np.full((len(rows), 2), np.nan)
    a, b = 0.0, 1.0
    for k in range(len(rows)):
        total, happened = rows[k].sum(), events[k].sum()
        if happened <= 0 or happened >= total:
            continue
        a, b = _newton(events[k], rows[k], x, slope, a, b)
        if slope and np.isnan(a):  # too far away to start from there
            a, b = _newton(events[k], rows[k], x, slope, np.log(happened / (total - happened)), 0.0)
        lines[k] = a, b
        if np.isnan(a):
            a, b = 0.0, 1.0
    return lines


@numba.njit(cache=True, nogil=True)
def _newton(
    events: Floats, rows: Floats, x: Floats, slope: bool, a: float, b: float
) -> tuple[float, float]:
    for _ in range(STEPS):
        g0, g1, h0, h1, h2 = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(len(x)):
            p = 1 / (1 + np.exp(-a - b * x[i]))
            residual, weight = events[i] - rows[i] * p, rows[i] * p * (1 - p)
            g0, g1 = g0 + residual, g1 + residual * x[i]
            h0, h1, h2 = h0 + weight, h1 + weight * x[i], h2 + weight * x[i] * x[i]
        if not slope:
            # Newton overshoots where p is flat
            step_a, step_b = min(max(g0 / max(h0, 1e-300), -2.0), 2.0), 0.0
        else:
            determinant = h0 * h2 - h1 * h1
            # one distinct risk, or a step to where the likelihood is flat
            if not determinant > 1e-12 * h0 * h2:
                break
            step_a, step_b = (h2 * g0 - h1 * g1) / determinant, (h0 * g1 - h1 * g0) / determinant
        a, b = a + step_a, b + step_b
        if max(abs(step_a), abs(step_b)) < 1e-10 * (1 + abs(a) + abs(b)):
            return a, b
    return np.nan, np.nan
