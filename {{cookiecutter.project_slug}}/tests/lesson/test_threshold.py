"""A threshold chosen on the test rows looks better there than anywhere else."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from risk_model.core.cohort import Cohort, Outcome, Rows
from risk_model.core.scores import Floats
from risk_model.lesson.traps import threshold
from risk_model.lesson.traps.lesson import Row
from risk_model.lesson.traps.threshold import OTHERS, STATED, TEST


def check_damage(rows: list[Row]) -> None:
    """Over the draws: too good where it was chosen, and not where it was not."""
    at = {str(row["threshold chosen"]): row for row in rows}
    assert float(at[TEST]["low"]) > 0.02
    for honest in (OTHERS, STATED):
        assert abs(float(at[honest]["too good by"])) < 0.02


def test_only_a_threshold_chosen_on_the_test_rows_looks_too_good(critically_ill: Cohort) -> None:
    check_damage(threshold.compare(critically_ill, range(200)))


def test_other_rows_that_are_the_test_rows_are_noticed(
    critically_ill: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = threshold.parts
    monkeypatch.setattr(threshold, "parts", lambda n, seed: [parts(n, seed)[i] for i in (0, 0, 2)])
    with pytest.raises(AssertionError):
        check_damage(threshold.compare(critically_ill, range(200)))


def test_a_stated_threshold_that_looks_at_the_rows_is_noticed(
    critically_ill: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = threshold.thresholds

    def mistaken(labels: Outcome, risk: Floats, test: Rows, others: Rows) -> dict[str, float]:
        said = honest(labels, risk, test, others)
        return {**said, STATED: said[TEST]}

    monkeypatch.setattr(threshold, "thresholds", mistaken)
    with pytest.raises(AssertionError):
        check_damage(threshold.compare(critically_ill, range(200)))


def test_the_three_parts_share_nobody_and_hold_everybody() -> None:
    test, others, elsewhere = threshold.parts(1_000, seed=1)
    assert len(test) == len(others) == threshold.TESTED
    assert sorted([*test, *others, *elsewhere]) == list(range(1_000))


def test_the_best_threshold_is_that_of_scikit_learns_curve() -> None:
    rng = np.random.default_rng(0)
    risk = rng.random(300)
    labels = (rng.random(300) < risk).astype(np.int8)
    alarms, hits, cuts = roc_curve(labels, risk)
    best = threshold.best_threshold(labels, risk)
    assert best == cuts[np.argmax(hits - alarms)]
    assert threshold.youden(labels, risk, best) == pytest.approx(np.max(hits - alarms))


def test_where_no_threshold_is_too_good_none_is_said_to_be() -> None:
    none: Row = {"reported": 0.5, "elsewhere": 0.5, "too good by": 0.0, "low": -0.1, "high": 0.1}
    rows: list[Row] = [{"threshold chosen": how, **none} for how in (TEST, OTHERS, STATED)]
    assert threshold.see(rows).count("cannot be told from none") == 3
