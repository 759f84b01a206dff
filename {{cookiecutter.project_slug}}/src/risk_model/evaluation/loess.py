"""Local regression: the smooth calibration curve and its band."""

from __future__ import annotations

import numpy as np

from risk_model.core.scores import Floats


class Loess:
    """The smooth calibration curve: a line fitted around each of `points`, weighted towards it.

    Local linear regression of the outcome on the risk with tricube weights over the nearest `span`
    of the rows (Cleveland 1979; for calibration Austin and Steyerberg, Stat Med 2014). `risk` [n]
    holds `rows` [n] rows each.
    """

    def __init__(self, risk: Floats, rows: Floats, points: Floats, span: float = 0.75) -> None:
        distance = np.abs(risk - points[:, None])
        order = np.argsort(distance, axis=1)
        reach = np.argmax(np.cumsum(rows[order], axis=1) >= span * rows.sum(), axis=1)
        width = np.take_along_axis(distance, np.take_along_axis(order, reach[:, None], 1), 1)
        kernel = (1 - np.minimum(distance / np.maximum(width * 1.0001, 1e-9), 1) ** 3) ** 3
        self._moments = [kernel * (risk - points[:, None]) ** k for k in range(3)]

    def __call__(self, events: Floats, rows: Floats) -> Floats:
        """The curve at each point, 0 to 1: from events and rows [k, n] to float64[k, points]."""
        s0, s1, s2 = (rows @ m.T for m in self._moments)
        t0, t1 = (events @ m.T for m in self._moments[:2])
        determinant = s0 * s2 - s1 * s1
        flat = determinant <= 1e-12 * np.maximum(s0 * s2, 1e-300)
        with np.errstate(invalid="ignore", divide="ignore"):
            height = np.where(flat, t0 / s0, (s2 * t0 - s1 * t1) / determinant)
        return np.asarray(np.clip(height, 0, 1))
