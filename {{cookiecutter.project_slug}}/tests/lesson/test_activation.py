"""An activation before the loss spoils every risk, with two classes and with four."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import brier_score_loss, roc_auc_score
from torch.nn.functional import cross_entropy as softmax_cross_entropy

from risk_model.core.cohort import Cohort
from risk_model.lesson.traps import activation, networks
from risk_model.lesson.traps.activation import AUROC, BRIER, DEATH, DISEASE, MEAN, RIGHT, SURE, Task
from risk_model.lesson.traps.lesson import Row

SEEDS = range(3)


@pytest.fixture(autouse=True)
def longer_on_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activation, "EPOCHS", 10)
    monkeypatch.setattr(networks, "BATCH", 128)


@pytest.fixture(scope="module")
def tasks(critically_ill: Cohort) -> tuple[Task, Task]:
    death, disease = activation.tasks(critically_ill)
    few = np.random.default_rng(0).permutation(len(critically_ill))[:3_000]
    first, second = (
        replace(task, features=task.features[few], target=task.target[few])
        for task in (death, disease)
    )
    return first, second


def measured(task: Task, seeds: range = SEEDS) -> dict[str, Row]:
    return {str(row["measured"]): row for row in activation.compare(task, seeds)}


def check_binary(at: dict[str, Row]) -> None:
    """The risks shrink towards 0, beyond what seeds do; without the mistake they are right."""
    assert float(at[MEAN]["right"]) == pytest.approx(0.26, abs=0.04)
    assert float(at[MEAN]["high"]) < -0.1
    assert float(at[BRIER]["low"]) > 0.015
    assert float(at[AUROC]["damage"]) < -0.003


def check_four_classes(at: dict[str, Row]) -> None:
    """It is far surer than it is right; without the mistake as sure as right."""
    assert float(at[SURE]["right"]) - float(at[RIGHT]["right"]) == pytest.approx(0, abs=0.08)
    assert float(at[SURE]["wrong"]) - float(at[RIGHT]["wrong"]) > 0.12
    assert float(at[BRIER]["low"]) > 0.02
    assert float(at[AUROC]["damage"]) < -0.01


def test_a_sigmoid_before_the_binary_loss_spoils_every_risk(tasks: tuple[Task, Task]) -> None:
    check_binary(measured(tasks[0]))


def test_a_softmax_before_the_multi_class_loss_spoils_every_risk(tasks: tuple[Task, Task]) -> None:
    check_four_classes(measured(tasks[1]))


def test_the_mistake_in_the_right_place_is_noticed(tasks: tuple[Task, Task]) -> None:
    for task, check in zip(tasks, (check_binary, check_four_classes), strict=True):
        with pytest.raises(AssertionError):
            check(measured(replace(task, losses=(task.losses[0], task.losses[0])), range(1)))


def test_the_right_losses_are_this_projects_and_torchs(critically_ill: Cohort) -> None:
    death, disease = activation.tasks(critically_ill)
    logits, labels = torch.randn(8, requires_grad=True), torch.ones(8)
    with pytest.raises(ValueError, match="give it the logits"):
        death.losses[1](torch.sigmoid(logits), labels)
    assert disease.losses[1] is softmax_cross_entropy


def test_the_class_of_disease_is_predicted_without_the_columns_that_name_it(
    critically_ill: Cohort,
) -> None:
    death, disease = activation.tasks(critically_ill)
    named = [n for n in critically_ill.schema.features if n.startswith(("dzgroup=", "ca="))]
    assert len(named) == 11
    assert disease.features.shape[1] == death.features.shape[1] - len(named)
    assert np.bincount(disease.target).tolist() == [4227, 2862, 1420, 596]


def test_the_judge_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4), 300)
    target = rng.integers(0, 4, 300)
    said = activation.judge(target, p)
    reference = roc_auc_score(target, p, multi_class="ovr", average="macro")
    assert said[AUROC] == pytest.approx(reference)
    binary = activation.judge((target == 0).astype(np.float32), p[:, :1])
    assert binary[BRIER] == pytest.approx(brier_score_loss(target == 0, p[:, 0]))


def test_where_nothing_changed_no_damage_is_claimed() -> None:
    none = {"wrong": 0.5, "right": 0.5, "damage": 0.0, "low": -0.1, "high": 0.1}
    names = {DEATH: (AUROC, BRIER, MEAN), DISEASE: (AUROC, BRIER, SURE, RIGHT)}
    rows: list[Row] = [
        {"outcome": outcome, "measured": name, **none}
        for outcome in names
        for name in names[outcome]
    ]
    assert activation.see(rows, 0.5).count("cannot be told from none") == 4
