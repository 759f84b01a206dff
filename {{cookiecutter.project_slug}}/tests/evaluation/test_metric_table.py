"""A row in the table of metrics is all that a metric needs to be computed, with its interval."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from risk_model.config import Evaluation
from risk_model.core.decision import Decision
from risk_model.evaluation import (
    evaluate,
    metric_table,
    metrics,
    resampled_metrics,
    split_evaluation,
)
from risk_model.evaluation.metric_table import BY_NAME, METRICS, Metric, metrics_in
from risk_model.evaluation.results import ModelEvaluation, RunEvaluation

STATED = Decision(harm_ratio=4.0, threshold_low=0.05, threshold_high=0.5, reason="to try")


def evaluate_test_split(
    predictions: pd.DataFrame, classification: bool = False, resamples: int = 100
) -> ModelEvaluation:
    """The network's evaluation on the test split."""
    settings = Evaluation(resamples=resamples, classification=classification)
    part = predictions[predictions["split"] == "test"]
    return evaluate(part, 0.2, settings, STATED, seed=0).parts["test"].models["network"]


def add(metric: Metric, monkeypatch: pytest.MonkeyPatch) -> None:
    """Adds a row to the table, wherever the table is read."""
    for module in (metric_table, resampled_metrics, split_evaluation):
        monkeypatch.setattr(module, "METRICS", (*METRICS, metric))
    monkeypatch.setitem(BY_NAME, metric.name, metric)


def test_every_metric_has_a_name_of_its_own_a_section_or_a_reason_and_one_function() -> None:
    assert len(BY_NAME) == len({metric.label for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert bool(metric.sections) != bool(metric.hidden), metric.name
        functions = metric.of_risks, metric.of_counts, metric.share
        assert sum(function is not None for function in functions) == 1, metric.name
        assert (metric.share is not None) == ("wilson" in metric.interval), metric.name
        assert (metric.target is None) == (metric.better != "target"), metric.name


def test_what_is_compared_has_an_interval() -> None:
    compared = [*metrics_in("differences"), *metrics_in("comparison"), *metrics_in("forest")]
    assert [metric.name for metric in compared if metric.interval == "none"] == []
    # a difference needs draws: of the kernel, or the slow way
    kernel = "auroc citl slope".split()
    compared += metrics_in("subgroups")
    by_formula = {m.name for m in compared if m.of_risks and m.interval != "bootstrap"}
    assert by_formula <= set(kernel)


def test_every_metric_is_reported_and_those_on_request_on_request(
    evaluation: RunEvaluation, predictions: pd.DataFrame
) -> None:
    model = evaluation.parts["test"].models["network"]
    names = [metric.name for metric in METRICS if metric.when != "on request"]
    assert list(model.metrics) == list(model.raw) == names
    asked_for = evaluate_test_split(predictions, classification=True)
    assert list(asked_for.metrics) == list(asked_for.raw) == list(BY_NAME)


def test_a_metric_without_a_kernel_gets_its_interval_the_slow_way(
    predictions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    benefit = BY_NAME["net_benefit"]
    slow_benefit = Metric(
        "slow",
        "Slow",
        "higher",
        of_risks=lambda outcome, risk: metrics.net_benefit(outcome, risk, 0.2),
        sections=benefit.sections,
    )
    add(slow_benefit, monkeypatch)
    model = evaluate_test_split(predictions, resamples=20)
    groups = [row.metrics for row in model.subgroups if row.evaluated]
    assert len(groups) > 2
    for estimates in (model.metrics, model.raw, model.differences, *groups):
        slow, fast = estimates["slow"], estimates["net_benefit"]
        assert slow.interval is not None
        assert slow.interval == pytest.approx(fast.interval, abs=1e-12)
        assert slow.estimate == pytest.approx(fast.estimate, abs=1e-12)


def test_the_slow_way_drops_the_resamples_that_the_kernel_drops(
    predictions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(replace(BY_NAME["brier"], name="slow", label="Slow", of_risks=metrics.brier), monkeypatch)
    tiny = predictions[predictions["split"] == "Tiny"].groupby("model", sort=False).head(8)
    rare = tiny.assign(boolean_value=([True] * 2 + [False] * 6) * 3)
    evaluation = evaluate(rare, 0.2, Evaluation(resamples=100), STATED, seed=0).parts["Tiny"]
    assert 0 < evaluation.resamples_dropped < 50
    estimates = evaluation.models["network"].metrics
    assert estimates["slow"].interval == pytest.approx(estimates["brier"].interval, abs=1e-12)


def test_no_metric_of_the_table_is_resampled_the_slow_way(
    predictions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("a metric without a kernel was resampled row by row")

    monkeypatch.setattr(resampled_metrics, "draw_counts", fail)
    evaluate_test_split(predictions, classification=True)
