"""Do the scores that every layer uses agree with their definitions and with scikit-learn?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import roc_auc_score

from risk_model.core.scores import auroc, holm, log_loss, logit, placements, sigmoid


@given(seed=st.integers(0, 1000), digits=st.integers(1, 6))
def test_auroc_is_that_of_scikit_learn_with_ties_and_of_any_rising_score(
    seed: int, digits: int
) -> None:
    rng = np.random.default_rng(seed)
    risk = rng.random(60).round(digits)
    outcome = np.append(rng.random(58) < 0.4, [True, False]).astype(np.int8)
    assert auroc(outcome, risk) == pytest.approx(roc_auc_score(outcome, risk), abs=1e-12)
    assert auroc(outcome, 3 * risk - 7) == auroc(outcome, risk)
    for rows in (outcome == 1, outcome == 0):
        assert placements(outcome, risk)[rows].mean() == pytest.approx(auroc(outcome, risk))


def test_one_class_has_no_auroc_and_no_placements() -> None:
    assert np.isnan(auroc(np.ones(3), np.array([0.1, 0.2, 0.3])))
    assert len(placements(np.ones(3), np.array([0.1, 0.2, 0.3]))) == 0


def test_log_loss_is_that_of_scikit_learn_and_finite_for_a_certain_error() -> None:
    outcome, risk = np.array([0, 1, 1, 0]), np.array([0.1, 0.4, 0.9, 0.7])
    assert log_loss(outcome, risk) == pytest.approx(sklearn_log_loss(outcome, risk))
    assert np.isfinite(log_loss(np.array([1]), np.array([0.0])))
    assert np.isnan(log_loss(np.empty(0), np.empty(0)))


def test_sigmoid_undoes_logit_without_overflow() -> None:
    risk = np.array([0.0, 1e-6, 0.3, 0.5, 1.0])
    assert sigmoid(logit(risk)) == pytest.approx(risk, abs=2e-8)
    with np.errstate(all="raise"):
        assert sigmoid(np.array([-1e6, 0.0, 1e6])).tolist() == [0.0, 0.5, 1.0]


def test_holm_multiplies_as_published() -> None:
    assert holm(np.array([0.01, 0.02, 0.03, 0.005])).tolist() == pytest.approx(
        [0.03, 0.04, 0.04, 0.02]
    )
    assert holm(np.array([0.01, np.nan, 0.02, 0.9]))[::2].tolist() == pytest.approx([0.03, 0.04])
    assert np.isnan(holm(np.array([np.nan, 0.5]))[0])
