"""AUPRC follows the prevalence and calls the wrong group best; AUROC does not follow it."""

from __future__ import annotations

import numpy as np
import pytest

from risk_model.core.scores import Floats, auroc
from risk_model.evaluation.metric_table import metrics_in
from risk_model.evaluation.metrics import average_precision
from risk_model.lesson.traps import prevalence
from risk_model.lesson.traps.lesson import Lesson, Row
from risk_model.lesson.traps.prevalence import AUPRC, AUROC, METRICS


@pytest.fixture(autouse=True)
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prevalence, "RESAMPLES", 100)


def check_damage(lesson: Lesson) -> None:
    """The same risks: one AUROC, any AUPRC; and another best group."""
    whole, rare, even = lesson.rows[:3]
    assert [float(row["events"]) for row in (whole, rare, even)] == pytest.approx(
        [0.259, 0.05, 0.5], abs=0.002
    )
    for row in (rare, even):
        assert row[AUROC] == pytest.approx(whole[AUROC], abs=0.03)
    assert float(rare[AUPRC]) < 0.3 < 0.55 < float(whole[AUPRC]) < 0.7 < float(even[AUPRC])
    groups = list(lesson.rows[3:])
    assert prevalence.best(groups, AUPRC) == "Coma"
    assert prevalence.best(groups, AUROC) == "COPD/CHF/Cirrhosis"


def test_auprc_rises_with_the_prevalence_and_calls_another_group_best() -> None:
    lesson = prevalence.demonstrate("support2", "")
    check_damage(lesson)
    assert "Coma by AUPRC and COPD/CHF/Cirrhosis by AUROC" in lesson.see


def test_groups_compared_by_auprc_in_place_of_auroc_are_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(METRICS, AUROC, average_precision)
    with pytest.raises(AssertionError):
        check_damage(prevalence.demonstrate("support2", ""))


def test_over_many_draws_thinning_moves_auprc_and_leaves_auroc() -> None:
    rng = np.random.default_rng(0)
    risk = rng.beta(1, 3, 6_000)
    labels = (rng.random(6_000) < risk).astype(np.int8)
    drawn: list[Floats] = []
    for seed in range(10):
        rows = prevalence.thin(labels, 0.05, seed)
        assert labels[rows].mean() == pytest.approx(0.05, abs=0.001)
        drawn.append(np.array([m(labels[rows], risk[rows]) for m in (auroc, average_precision)]))
    area, precision = np.mean(drawn, axis=0)
    assert area == pytest.approx(auroc(labels, risk), abs=0.01)
    assert precision < average_precision(labels, risk) - 0.15


def test_this_project_compares_no_groups_by_auprc() -> None:
    assert "auprc" not in [metric.name for metric in metrics_in("subgroups")]
    assert "auroc" in [metric.name for metric in metrics_in("subgroups")]


def test_groups_that_both_metrics_rank_alike_are_said_to_be() -> None:
    rows: list[Row] = [{AUROC: 0.8, AUPRC: 0.5}, {AUROC: 0.8, AUPRC: 0.2}]
    none: Row = {"damage": 0.0, "low": -0.1, "high": 0.1}
    alike = prevalence.see(rows, "a", "a", {AUROC: none, AUPRC: none})
    assert alike.endswith("Both call a the best group here.")
    apart = prevalence.see(rows, "a", "b", {AUROC: none, AUPRC: none})
    assert apart.count("cannot be told from none") == 2
