"""Task 2 in small: a fit whose numbers are written here, and medians."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as Solver

from risk_model.model import Sample
from risk_model.model.baseline import LogisticRegression
from risk_model.model.linear import column_medians

NAN = float("nan")
X = [[1, 5], [2, NAN], [3, 4], [4, 8], [5, NAN], [6, 7], [7, 1], [8, 9]]
Y = [0, 0, 1, 0, 1, 1, 0, 1]
LOG_ODDS = [-0.46435, 0.59131]  # of the two patients asked about, with C = 0.5


def fitted(weights: list[float]) -> LogisticRegression:
    rows = Sample(
        np.array(X, dtype=np.float32), np.array(Y, dtype=np.int8), np.array(weights, dtype=float)
    )
    return LogisticRegression.fit_solver(rows, Solver(C=0.5, tol=1e-10, max_iter=10_000))


def test_the_log_odds_of_two_other_patients() -> None:
    logits = fitted([1.0] * 8).logit(np.array([[2, 6], [7, NAN]], dtype=np.float32))
    assert logits == pytest.approx(LOG_ODDS, abs=1e-3)


def test_a_median_leaves_gaps_out() -> None:
    medians = column_medians(np.array([[1, NAN], [3, 7], [8, NAN]], dtype=np.float32))
    assert medians.tolist() == [3, 7]


def test_a_column_of_gaps_has_the_median_0() -> None:
    assert column_medians(np.full((3, 1), NAN, dtype=np.float32)).tolist() == [0]


def test_a_patient_who_counts_five_times_pulls() -> None:
    asked = np.array([[7, 1]], dtype=np.float32)
    once, five_times = fitted([1.0] * 8), fitted([1.0] * 6 + [5.0, 1.0])
    assert five_times.logit(asked)[0] < once.logit(asked)[0] - 0.3
