"""Answered risks say no more than the evaluation supports, and never contradict the flag."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_model.core.risk_step import STEPS, risk_step, rounded, rounded_rows

risks = st.floats(0, 1)
thresholds = st.floats(0.01, 0.99)


@pytest.mark.parametrize(
    ("rows", "prevalence", "threshold", "step"),
    [
        (1822, 0.26, 0.26, 0.01),  # standard error .0103
        (1700, 0.26, 0.26, 0.01),  # .0106
        (2000, 0.26, 0.26, 0.005),  # .0098: half the step needs four times the patients
        (96, 0.5, 0.5, 0.05),  # .05
        (100, 0.5, 0.12, 0.01),  # a tenth of the threshold
        (100, 0.5, 0.95, 0.005),  # a tenth of what is left above it
        (10**7, 0.5, 0.5, 0.0001),
        (1822, 0.26, 0.003, 0.0002),
        (0, 0.5, 0.5, 0.05),
        (500, 0.0, 0.2, 0.002),  # nobody had the event: .0028
    ],
)
def test_the_step_is_what_the_standard_error_of_the_event_rate_supports(
    rows: int, prevalence: float, threshold: float, step: float
) -> None:
    assert risk_step(rows, prevalence, threshold) == step


@given(risks, st.sampled_from(STEPS), thresholds)
def test_a_rounded_risk_is_a_step_near_and_on_the_same_side_of_the_threshold(
    risk: float, step: float, threshold: float
) -> None:
    step = min(step, risk_step(1, 0.5, threshold))
    shown = rounded(risk, step, threshold)
    assert 0 < shown < 1
    assert abs(shown - risk) <= step * (1 + 1e-9)
    assert (shown >= threshold) == (risk >= threshold)
    assert shown == round(shown, 4)
    assert shown / step == pytest.approx(round(shown / step), abs=1e-6)


@given(st.lists(risks, min_size=2, max_size=2), st.sampled_from(STEPS), thresholds)
def test_rounding_keeps_the_order_and_is_the_same_for_one_and_for_many(
    both: list[float], step: float, threshold: float
) -> None:
    low, high = (rounded(risk, step, threshold) for risk in sorted(both))
    assert low <= high
    assert rounded_rows(np.array(sorted(both)), step, threshold).tolist() == [low, high]


def test_what_is_no_finite_number_stays() -> None:
    shown = rounded_rows(np.array([0.263, np.nan, np.inf]), 0.01, 0.5)
    np.testing.assert_array_equal(shown, [0.26, np.nan, np.inf])
