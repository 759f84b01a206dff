"""The best of many by the test rows is the luckiest; chosen otherwise it is what it looks like."""

from __future__ import annotations

import pytest

from risk_model.core.cohort import Cohort, Outcome, Rows
from risk_model.core.scores import Floats
from risk_model.lesson.traps import best_of_many
from risk_model.lesson.traps.best_of_many import OUT_OF_FOLD, TEST
from risk_model.lesson.traps.lesson import Row


@pytest.fixture(autouse=True)
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(best_of_many, "MODELS", 12)


def check_damage(rows: list[Row]) -> None:
    """Over the draws: too good by the test rows, and not otherwise."""
    at = {str(row["chosen by"]): row for row in rows}
    assert float(at[TEST]["low"]) > 0.005
    assert abs(float(at[OUT_OF_FOLD]["too good by"])) < 0.01
    assert float(at[TEST]["too good by"]) > float(at[OUT_OF_FOLD]["too good by"]) + 0.004


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_best_by_the_test_rows_is_worse_elsewhere(critically_ill: Cohort, seed: int) -> None:
    check_damage(best_of_many.compare(critically_ill.sample(4_000), range(150), seed))


def test_a_choice_that_follows_the_test_rows_is_noticed(
    critically_ill: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_test_rows, chosen = best_of_many.by_test_rows, [""]

    def remembered(labels: Outcome, risk: dict[str, Floats], test: Rows) -> str:
        chosen[0] = by_test_rows(labels, risk, test)
        return chosen[0]

    monkeypatch.setattr(best_of_many, "by_test_rows", remembered)
    monkeypatch.setattr(best_of_many, "by_development_rows", lambda losses: chosen[0])
    with pytest.raises(AssertionError):
        check_damage(best_of_many.compare(critically_ill.sample(4_000), range(150), 0))


def test_where_the_winner_is_as_good_elsewhere_nothing_is_claimed() -> None:
    none: Row = {"reported": 0.8, "elsewhere": 0.8, "too good by": 0.0, "low": -0.1, "high": 0.1}
    rows: list[Row] = [{"chosen by": how, **none} for how in (TEST, OUT_OF_FOLD)]
    assert best_of_many.see(rows).count("cannot be told from none") == 2
