"""Task 6 in small: errors that can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from risk_model.evaluation.metrics import expected_calibration_error as ece

HALF = np.array([0.5])


def test_four_patients_in_two_bins() -> None:
    # below a half: .1 and .3, one event of two; above: .8 and .8, one event of two
    outcome, risk = np.array([0, 1, 1, 0]), np.array([0.1, 0.3, 0.8, 0.8])
    assert ece(outcome, risk, HALF) == pytest.approx(0.3)


def test_a_bin_of_three_counts_three_times_as_much_as_a_bin_of_one() -> None:
    outcome, risk = np.array([0, 0, 0, 1]), np.array([0.2, 0.2, 0.2, 0.6])
    assert ece(outcome, risk, HALF) == pytest.approx(0.25)


def test_a_risk_on_the_edge_is_below_it() -> None:
    assert ece(np.array([1, 0]), np.array([0.5, 0.3]), HALF) == pytest.approx(0.1)


def test_without_patients_there_is_no_error() -> None:
    assert math.isnan(ece(np.array([]), np.array([]), HALF))
