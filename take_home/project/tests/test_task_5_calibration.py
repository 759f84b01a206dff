"""Task 5 in small: twenty patients of two log odds, and a weight of three."""

from __future__ import annotations

import numpy as np
import pytest

from risk_model.training.calibration import platt, prior_correction

LOGIT = np.array([-1.0] * 10 + [1.0] * 10)
LABELS = np.array([1] * 2 + [0] * 8 + [1] * 6 + [0] * 4, dtype=np.int8)


def test_where_2_and_6_of_10_had_the_event_the_risks_are_near_that() -> None:
    risks = platt(LOGIT, LABELS)(np.array([-1.0, 1.0]))
    assert risks.tolist() == pytest.approx([0.2, 0.6], abs=0.05)


def test_separated_patients_give_finite_numbers() -> None:
    line = platt(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0, 0, 1, 1], dtype=np.int8))
    assert 0.5 < line(np.array([2.0]))[0] < 0.95


def test_the_order_of_patients_is_never_turned_round() -> None:
    low, high = platt(LOGIT, 1 - LABELS)(np.array([-1.0, 1.0]))
    assert low < high


def test_even_odds_of_a_model_whose_events_counted_three_times_are_one_to_three() -> None:
    risk = prior_correction(3.0, LOGIT, LABELS)(np.array([0.0]))[0]
    assert risk == pytest.approx(0.25)
