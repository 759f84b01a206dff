"""Trap 1 of the lesson: accuracy on rare events is no metric of the evaluation or the report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from risk_model.config import Evaluation
from risk_model.core.decision import Decision
from risk_model.core.estimate import Estimate
from risk_model.core.predictions import COLUMNS
from risk_model.evaluation import evaluate, metrics
from risk_model.evaluation.metric_table import METRICS
from risk_model.evaluation.results import RunEvaluation
from risk_model.reporting import tables
from risk_model.reporting.content import ReportContent
from risk_model.reporting.report import write_report
from risk_model.training.record import ChampionChoice

MISLEADING = re.compile(r"accuracy|\bacc\b|\bf1\b|f1[_ -]score|f_?beta", re.IGNORECASE)


@pytest.fixture
def always_healthy() -> pd.DataFrame:
    """The lesson's predictor: 950 healthy, 50 readmitted, and no risk for anybody."""
    rows = pd.DataFrame(
        {"boolean_value": [False] * 950 + [True] * 50, "split": "test", "model": "trivial"}
    )
    rows["subject_id"] = [f"p{i}" for i in range(1000)]
    risks = rows.assign(predicted_boolean_probability=0.0, raw_probability=0.0, repeat=0)
    return risks.reindex(columns=list(COLUMNS))


def keys(value: Any) -> Iterator[str]:
    """Every key of nested dictionaries."""
    for key, item in value.items() if isinstance(value, dict) else ():
        yield key
        yield from keys(item)
    for item in value if isinstance(value, list) else ():
        yield from keys(item)


def test_the_trivial_predictor_of_the_lesson_is_seen_through(always_healthy: pd.DataFrame) -> None:
    outcome, risk = always_healthy["boolean_value"].to_numpy(int), np.zeros(1000)
    assert np.mean((risk >= 0.5) == outcome) == 0.95  # what the trap shows
    decision = Decision(harm_ratio=9.0, threshold_low=0.05, threshold_high=0.5, reason="to try")
    evaluation = evaluate(always_healthy, 0.1, Evaluation(resamples=50), decision, seed=0)
    model = evaluation.parts["test"].models["trivial"]
    assert model.metrics["auroc"] == Estimate(0.5, 0.5, 0.5)
    assert model.metrics["auprc"].estimate == pytest.approx(0.05)  # the prevalence
    assert model.metrics["net_benefit"].estimate == 0.0
    assert evaluation.gates["test"]["trivial"].verdict == "fail"
    assert model.per_1000.false_negatives.estimate == 50


def test_no_key_of_the_evaluation_is_accuracy_or_f1(evaluation: RunEvaluation) -> None:
    assert not [key for key in keys(evaluation.to_json()) if MISLEADING.search(key)]


def test_neither_accuracy_nor_f1_heads_a_row_or_stands_on_the_page(
    evaluation: RunEvaluation, tmp_path: Path
) -> None:
    reported = [metric for metric in METRICS if metric.when != "on request"]
    assert not [metric for metric in reported if MISLEADING.search(metric.label)]
    content = ReportContent("T", ChampionChoice("xgboost", "", []), evaluation)
    write_report(tmp_path / "report.html", content)
    text = re.sub(
        r"<style>.*?</style>|<svg.*?</svg>", "", (tmp_path / "report.html").read_text(), flags=re.S
    )
    assert not MISLEADING.findall(re.sub(r"<[^>]+>", " ", text))


def test_accuracy_and_f1_are_told_on_request_with_a_warning(predictions: pd.DataFrame) -> None:
    stated = Decision(harm_ratio=4.0, threshold_low=0.05, threshold_high=0.5, reason="to try")
    rows = predictions.query("split == 'test'")
    settings = Evaluation(resamples=20, classification=True)
    part = evaluate(rows, 0.2, settings, stated, seed=0).parts["test"]
    notes = {row.label: row.note for row in tables.metric_rows(part, 0.2)}
    mine = rows[rows["model"] == "xgboost"]
    flagged = mine["predicted_boolean_probability"] >= 0.2
    for label, name, reference in (
        ("accuracy", "accuracy", accuracy_score),
        ("F1", "f1", f1_score),
    ):
        assert "choose nothing by it" in notes[label]
        expected = reference(mine["boolean_value"], flagged)
        estimate = part.models["xgboost"].metrics[name].estimate
        assert estimate == pytest.approx(expected, abs=1e-12)


def test_no_metric_is_called_accuracy() -> None:
    assert not [name for name in vars(metrics) if MISLEADING.search(name)]


def test_auprc_stands_beside_the_prevalence(evaluation: RunEvaluation) -> None:
    rows = tables.metric_rows(evaluation.parts["test"], 0.2)
    assert next(row for row in rows if row.label == "AUPRC").note.startswith("prevalence 0.")
