"""In train mode a patient's risk moves, by dropout and by the company that batch norm keeps."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from torch import nn

from risk_model.core.cohort import Cohort
from risk_model.lesson.traps import mode
from risk_model.lesson.traps.lesson import Row
from risk_model.lesson.traps.mode import AUROC, DROPOUT, MODULES, MOVES, NORM, WHOLE

SEEDS = range(2)
Figures = dict[tuple[str, str], Row]


@pytest.fixture(autouse=True)
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mode, "EPOCHS", 15)
    monkeypatch.setattr(mode, "ASKED", 320)
    monkeypatch.setattr(mode, "CALLS", 3)


@pytest.fixture(scope="module")
def some(critically_ill: Cohort) -> Cohort:
    return critically_ill.sample(2_000)


def measured(cohort: Cohort, seeds: range = SEEDS) -> tuple[Figures, str]:
    rows, complaint = mode.compare(cohort, seeds)
    return {(str(row["in train mode"]), str(row["measured"])): row for row in rows}, complaint


def check_damage(at: Figures) -> None:
    """Each of the two moves risks by itself; in eval mode nothing does."""
    for name in MODULES:
        assert float(at[name, MOVES]["right"]) < 1e-6
        assert float(at[name, AUROC]["right"]) > 0.75
    assert float(at[DROPOUT, MOVES]["wrong"]) > 0.01
    assert float(at[NORM, MOVES]["wrong"]) > 0.02
    assert float(at[WHOLE, MOVES]["wrong"]) > 0.02
    assert float(at[WHOLE, AUROC]["damage"]) < 0


def test_in_train_mode_risks_move_and_one_patient_alone_gets_none(some: Cohort) -> None:
    at, complaint = measured(some)
    check_damage(at)
    assert complaint == "Expected more than 1 value per channel when training"


@pytest.mark.parametrize("kind", [nn.Dropout, nn.BatchNorm1d])
def test_a_score_that_leaves_either_in_train_mode_is_noticed(
    some: Cohort, kind: type[nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mode, "score", partial(mode.score_in_train_mode, kind))
    with pytest.raises(AssertionError):
        check_damage(measured(some, range(1))[0])


def test_where_nothing_moved_nothing_is_claimed() -> None:
    none = {"wrong": 0.0, "right": 0.0, "damage": 0.0, "low": -0.1, "high": 0.1}
    rows: list[Row] = [
        {"in train mode": name, "measured": what, **none}
        for name in MODULES
        for what in (MOVES, AUROC)
    ]
    said = mode.see(rows, "")
    assert "cannot be told from none" in said
    assert "alone" not in said
    assert 'One patient alone gets no risk: "why"' in mode.see(rows, "why")


def test_the_judge_measures_the_scatter_of_each_patient() -> None:
    labels = np.array([0, 1], dtype=np.int8)
    said = mode.judge(labels, np.array([[0.1, 0.5], [0.3, 0.5]]))
    assert said[MOVES] == pytest.approx(np.sqrt(0.02) / 2)
    assert said[AUROC] == 1
