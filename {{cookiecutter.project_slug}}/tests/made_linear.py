"""A linear model of one feature, whose logit is that feature."""

from __future__ import annotations

import numpy as np

from risk_model.model.linear import Terms


def one_straight_term() -> Terms:
    """A column that is taken as it is."""
    none, ends = np.empty(0, dtype=np.intp), np.full(1, np.inf, dtype=np.float32)
    return Terms(np.zeros(1, dtype=np.float32), -ends, ends, none, none, np.empty((0, 4)))
