"""Columns chosen before the split make noise predict; scaling before it does nothing."""

from __future__ import annotations

from typing import Any

import pytest

from risk_model.core.cohort import Cohort
from risk_model.lesson.traps import before_split
from risk_model.lesson.traps.before_split import AUROC, COLUMNS, FEW, LOSS, NOTHING, SCALES
from risk_model.lesson.traps.lesson import Row


@pytest.fixture(scope="module")
def some(critically_ill: Cohort) -> Cohort:
    return critically_ill.sample(4_000)


def check_damage(rows: list[Row]) -> None:
    """Over the seeds: noise predicts, and nothing else does."""
    *scaled, columns = rows
    assert float(columns["low"]) > 0.2
    assert float(columns["right"]) == pytest.approx(0.5, abs=0.1)
    assert float(columns["wrong"]) > 0.75
    for row in scaled:
        bound = 0.02 if row["patients"] == FEW else NOTHING
        assert abs(float(row["damage"])) < bound, row


def test_noise_predicts_where_its_columns_were_chosen_before_the_split(some: Cohort) -> None:
    check_damage(before_split.compare(some, range(4), noise=2_000))


def test_a_choice_on_all_rows_in_the_right_place_is_noticed(
    some: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    risks = before_split.risks

    def mistaken(step: Any, features: Any, labels: Any, seed: int, before: bool) -> Any:
        return risks(step, features, labels, seed, before=True)

    monkeypatch.setattr(before_split, "risks", mistaken)
    with pytest.raises(AssertionError):
        check_damage(before_split.compare(some, range(2), noise=2_000))


def made(scaled: float, columns: float) -> list[Row]:
    def row(what: str, patients: int, measured: str, damage: float) -> Row:
        ends = {"damage": damage, "low": damage - 0.01, "high": damage + 0.01}
        head: Row = {"fitted on all rows": what, "patients": patients, "measured": measured}
        return {**head, "wrong": 0.5 + damage, "right": 0.5, **ends}

    rows = [row(SCALES, n, measured, scaled) for n in (9_105, FEW) for measured in (LOSS, AUROC)]
    return [*rows, row(COLUMNS, FEW, AUROC, columns)]


def test_that_the_damage_is_nothing_is_said_only_where_it_is() -> None:
    nothing, something = before_split.see(made(0.0001, 0.4)), before_split.see(made(0.1, 0.0))
    assert "the damage is nothing" in nothing
    assert nothing.count("cannot be told from none") == 2  # of scales, with few patients
    assert "the damage is nothing" not in something
    assert "into 0.50: +0.000 (-0.010 to +0.010), which cannot be told from none" in something
