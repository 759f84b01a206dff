"""Every metric equals its reference where it is hardest: ties, certain risks, a million rows."""

from __future__ import annotations

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
    precision_score,
    recall_score,
    roc_auc_score,
)

from risk_model.config import Evaluation
from risk_model.core.decision import Decision
from risk_model.core.scores import logit
from risk_model.evaluation import evaluate
from risk_model.evaluation.results import Metrics

from tests.estimates import width

STATED = Decision(harm_ratio=4.0, threshold_low=0.05, threshold_high=0.5, reason="to try")
THRESHOLD = 0.2
Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


def cohort(kind: str, n: int = 800) -> tuple[Whole, Floats, Whole]:
    """Outcome, risk and subject of a hard case."""
    rng = np.random.default_rng(sum(map(ord, kind)))
    x = rng.normal(-1, 1.3, n)
    outcome = (rng.random(n) < 1 / (1 + np.exp(-x))).astype(np.int64)
    risk = 1 / (1 + np.exp(-0.2 - 1.2 * x))
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


def evaluated(outcome: Whole, risk: Floats, subject: Whole) -> Metrics:
    """The metrics that `evaluate` reports of one model on one part."""
    table = pd.DataFrame(
        {
            "subject_id": subject.astype(str),
            "prediction_time": pd.NaT,
            "boolean_value": outcome.astype(bool),
            "predicted_boolean_probability": risk,
            "raw_probability": risk,
            "repeat": 0,
            "split": "test",
            "model": "logistic_regression",
        }
    )
    settings = Evaluation(resamples=100, classification=True)
    evaluation = evaluate(table, THRESHOLD, settings, STATED, seed=0)
    return evaluation.parts["test"].models["logistic_regression"].metrics


def estimates(outcome: Whole, risk: Floats, subject: Whole) -> dict[str, float | None]:
    """The same without their intervals."""
    metrics = evaluated(outcome, risk, subject)
    return {name: metric.estimate for name, metric in metrics.items()}


def reference(outcome: Whole, risk: Floats) -> dict[str, float]:
    """The same by scikit-learn and by the definitions."""
    flagged, step = risk >= THRESHOLD, np.finfo(float).eps
    true_negatives, false_positives, _, true_positives = (
        confusion_matrix(outcome, flagged, labels=[0, 1]).ravel().tolist()
    )
    benefit = (true_positives - false_positives * THRESHOLD / (1 - THRESHOLD)) / len(risk)
    return {
        "auroc": roc_auc_score(outcome, risk),
        "auprc": average_precision_score(outcome, risk),
        "brier": brier_score_loss(outcome, risk),
        "log_loss": log_loss(outcome, np.clip(risk, step, 1 - step)),
        "sensitivity": recall_score(outcome, flagged),
        "specificity": recall_score(outcome, flagged, pos_label=0),
        "false_positive_rate": false_positives / (false_positives + true_negatives),
        "ppv": precision_score(outcome, flagged),
        "npv": precision_score(outcome, flagged, pos_label=0),
        "alert_rate": float(flagged.mean()),
        "number_needed_to_evaluate": (true_positives + false_positives) / true_positives,
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
    reported = estimates(outcome, risk, subject)
    for name, expected in reference(outcome, risk).items():
        assert reported[name] == pytest.approx(expected, abs=1e-10), name


@pytest.mark.parametrize("event", [0, 1])
def test_one_class_leaves_undefined_what_it_cannot_define(event: int) -> None:
    _, risk, subject = cohort("plain", 60)
    reported = estimates(np.full(60, event), risk, subject)
    share = pytest.approx(np.mean(risk >= THRESHOLD))
    absent = ("specificity", "false_positive_rate") if event else ("sensitivity",)
    undefined = ("auroc", "citl", "slope", *absent)
    assert {name: reported[name] for name in undefined} == dict.fromkeys(undefined)
    assert reported["brier"] == pytest.approx(np.mean((risk - event) ** 2))
    assert reported["alert_rate"] == share
    assert reported["sensitivity" if event else "false_positive_rate"] == share
    assert (reported["ppv"], reported["npv"]) == (event, 1 - event)


def test_nobody_flagged_finds_nobody_and_needs_no_evaluation() -> None:
    outcome, risk, subject = cohort("plain")
    reported = estimates(outcome, risk * 0.1, subject)
    assert (reported["sensitivity"], reported["specificity"]) == (0.0, 1.0)
    assert reported["net_benefit"] == 0.0
    assert (reported["number_needed_to_evaluate"], reported["ppv"]) == (None, None)
    assert reported["npv"] == pytest.approx(1 - outcome.mean())


def test_everybody_flagged_leaves_nobody_for_the_negative_predictive_value() -> None:
    outcome, risk, subject = cohort("plain")
    reported = estimates(outcome, np.maximum(risk, THRESHOLD), subject)
    assert (reported["sensitivity"], reported["specificity"], reported["npv"]) == (1.0, 0.0, None)
    assert reported["ppv"] == pytest.approx(outcome.mean())


def test_rows_of_the_same_patients_make_intervals_wider() -> None:
    outcome, risk, subject = cohort("plain", 400)
    four, risks = np.repeat(outcome, 4), np.repeat(risk, 4)
    alone = evaluated(outcome, risk, subject)
    repeated = evaluated(four, risks, np.repeat(subject, 4))
    strangers = evaluated(four, risks, np.arange(1600))
    for name in ("auroc", "citl", "slope", "net_benefit"):
        # copies of a row add no certainty
        assert width(repeated[name]) == pytest.approx(width(alone[name]), rel=0.01), name
        assert width(strangers[name]) < 0.7 * width(alone[name]), name


@pytest.mark.slow
def test_a_million_rows_have_the_figures_of_scikit_learn_and_scipy() -> None:
    outcome, risk, subject = cohort("plain", 1_000_000)
    reported = estimates(outcome, risk, subject // 2)
    for name, expected in reference(outcome, risk).items():
        assert reported[name] == pytest.approx(expected, abs=1e-9), name
    wins = mannwhitneyu(risk[outcome == 1], risk[outcome == 0]).statistic
    area = wins / (outcome.sum() * (1 - outcome).sum())
    assert reported["auroc"] == pytest.approx(area, abs=1e-12)
    line = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(risk)[:, None], outcome)
    assert reported["slope"] == pytest.approx(line.coef_[0, 0], abs=1e-5)
