"""Every figure that is told equals its reference where it is hardest: ties, certain risks, repeats,
a million rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    roc_auc_score,
)

from risk_model.config import Evaluation
from risk_model.core.decision import Decision
from risk_model.evaluation import evaluate
from risk_model.evaluation.metrics import logit

STATED = Decision(harm_ratio=4.0, threshold_low=0.05, threshold_high=0.5, reason="to try")
THRESHOLD = 0.2
Floats = npt.NDArray[np.float64]


def cohort(kind: str, n: int = 800) -> tuple[npt.NDArray[np.int64], Floats, npt.NDArray[np.int64]]:
    """Outcome, risk and subject of a hard case."""
    rng = np.random.default_rng(sum(map(ord, kind)))
    x = rng.normal(-1, 1.3, n)
    outcome, risk = (
        (rng.random(n) < 1 / (1 + np.exp(-x))).astype(np.int64),
        1 / (1 + np.exp(-0.2 - 1.2 * x)),
    )
    subject = np.arange(n)
    if kind == "ties":
        risk = risk.round(1)
    elif kind == "risks of 0 and 1":
        risk = np.where(rng.random(n) < 0.2, (risk > 0.5).astype(float), risk)
    elif kind == "one subject has half the rows":
        subject = np.where(subject < n // 2, 0, subject)
    elif kind == "a risk at the threshold":
        risk[rng.random(n) < 0.3] = THRESHOLD
    return outcome, risk, subject


def judged(
    outcome: npt.NDArray[np.int64], risk: Floats, subject: npt.NDArray[np.int64]
) -> dict[str, Any]:
    """The estimates that `evaluate` tells of one model on one part."""
    return {name: figure.estimate for name, figure in figures(outcome, risk, subject).items()}


def figures(
    outcome: npt.NDArray[np.int64], risk: Floats, subject: npt.NDArray[np.int64]
) -> dict[str, Any]:
    """The same with their intervals."""
    table = pd.DataFrame(
        {
            "subject_id": subject.astype(str),
            "prediction_time": pd.NaT,
            "boolean_value": outcome.astype(bool),
            "predicted_boolean_probability": risk,
            "raw_probability": risk,
            "split": "test",
            "model": "logistic_regression",
        }
    )
    settings = Evaluation(resamples=100, classification=True)
    found: dict[str, Any] = evaluate(table, THRESHOLD, settings, STATED, seed=0).parts["test"][
        "models"
    ]
    told: dict[str, Any] = found["logistic_regression"].metrics
    return told


def reference(outcome: npt.NDArray[np.int64], risk: Floats) -> dict[str, float]:
    """The same by scikit-learn and by the definitions."""
    flagged = risk >= THRESHOLD
    true_negative, false, missed, found = (
        confusion_matrix(outcome, flagged, labels=[0, 1]).ravel().tolist()
    )
    benefit = (found - false * THRESHOLD / (1 - THRESHOLD)) / len(risk)
    return {
        "auroc": roc_auc_score(outcome, risk),
        "auprc": average_precision_score(outcome, risk),
        "brier": brier_score_loss(outcome, risk),
        "log_loss": log_loss(outcome, np.clip(risk, np.finfo(float).eps, 1 - np.finfo(float).eps)),
        "sensitivity": found / (found + missed),
        "false_positive_rate": false / (false + true_negative),
        "alert_rate": (found + false) / len(risk),
        "number_needed_to_evaluate": (found + false) / found,
        "net_benefit": benefit,
        "standardised_net_benefit": benefit / outcome.mean(),
        "accuracy": accuracy_score(outcome, flagged),
        "f1": f1_score(outcome, flagged),
    }


HARD = [
    "plain",
    "ties",
    "risks of 0 and 1",
    "one subject has half the rows",
    "a risk at the threshold",
]


@pytest.mark.parametrize("kind", HARD)
def test_every_figure_equals_its_reference(kind: str) -> None:
    outcome, risk, subject = cohort(kind)
    found = judged(outcome, risk, subject)
    for name, value in reference(outcome, risk).items():
        assert found[name] == pytest.approx(value, abs=1e-10), name


@pytest.mark.parametrize("value", [0, 1])
def test_one_class_leaves_undefined_what_it_cannot_define(value: int) -> None:
    _, risk, subject = cohort("plain", 60)
    found = judged(np.full(60, value), risk, subject)
    assert [found[name] for name in ("auroc", "citl", "slope")] == [None, None, None]
    assert found["brier"] == pytest.approx(np.mean((risk - value) ** 2))
    assert found["alert_rate"] == pytest.approx(np.mean(risk >= THRESHOLD))
    assert found["sensitivity" if value else "false_positive_rate"] == pytest.approx(
        np.mean(risk >= THRESHOLD)
    )


def test_nobody_flagged_finds_nobody_and_needs_no_evaluation() -> None:
    outcome, risk, subject = cohort("plain")
    found = judged(outcome, risk * 0.1, subject)
    assert (found["sensitivity"], found.net_benefit, found["number_needed_to_evaluate"]) == (
        0.0,
        0.0,
        None,
    )


def test_rows_of_the_same_patients_make_intervals_wider() -> None:
    outcome, risk, subject = cohort("plain", 400)
    four, risks = np.repeat(outcome, 4), np.repeat(risk, 4)
    alone, repeated = figures(outcome, risk, subject), figures(four, risks, np.repeat(subject, 4))
    strangers = figures(four, risks, np.arange(1600))
    for name in ("auroc", "citl", "slope", "net_benefit"):
        width, same, less = (
            told[name].high - told[name].low for told in (alone, repeated, strangers)
        )
        assert same == pytest.approx(width, rel=0.01), name  # copies tell nothing new
        assert less < 0.7 * width, name


@pytest.mark.slow
def test_a_million_rows_have_the_figures_of_scikit_learn_and_scipy() -> None:
    outcome, risk, subject = cohort("plain", 1_000_000)
    found = judged(outcome, risk, subject // 2)
    for name, value in reference(outcome, risk).items():
        assert found[name] == pytest.approx(value, abs=1e-9), name
    wins = mannwhitneyu(risk[outcome == 1], risk[outcome == 0]).statistic
    assert found["auroc"] == pytest.approx(wins / (outcome.sum() * (1 - outcome).sum()), abs=1e-12)
    line = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(risk)[:, None], outcome)
    assert found.slope == pytest.approx(line.coef_[0, 0], abs=1e-5)
