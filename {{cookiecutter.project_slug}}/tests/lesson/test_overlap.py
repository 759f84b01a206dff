"""A patient on both sides of a split: measured where it matters, where it does not, and counted
exactly.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from risk_model.config.downloaded import Diabetes130
from risk_model.core.cohort import Cohort
from risk_model.data import load
from risk_model.lesson.traps import overlap
from risk_model.lesson.traps.lesson import Row
from risk_model.lesson.traps.overlap import DIFFERENCE, OWN, PATIENT, ROW, STAY

from tests.data.made_cohorts import cohort_of

Record = Callable[[str, object], None]


def recognisable(outcome_of_patient: bool) -> Cohort:
    """250 patients with eight recordings each that tell who it is; the outcome is of either."""
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(250), 8)
    columns = {
        f"x{i}": rng.normal(size=250)[patient] + 0.01 * rng.normal(size=2000) for i in range(3)
    }
    event = (rng.random(250) < 0.3)[patient] if outcome_of_patient else rng.random(2000) < 0.3
    return cohort_of(columns, event, {"subject_id": patient.astype(str)})


def keyed(rows: list[Row]) -> dict[str, Row]:
    return {str(row["split by"]): row for row in rows}


def test_an_outcome_of_the_patient_is_recognised_and_not_predicted() -> None:
    figures = overlap.compare(recognisable(outcome_of_patient=True))
    at = keyed(figures)
    assert float(at[ROW]["AUROC"]) > 0.9
    assert at[PATIENT]["AUROC"] == pytest.approx(0.5, abs=0.1)
    assert float(at[DIFFERENCE]["low"]) > 0.3
    assert (at[ROW]["overlap"], at[PATIENT]["overlap"]) == (1, 0)
    assert json.loads(json.dumps(figures)) == figures


def test_an_outcome_of_the_recording_gains_nothing_from_the_patients_others() -> None:
    at = keyed(overlap.compare(recognisable(outcome_of_patient=False)))
    assert float(at[DIFFERENCE]["low"]) < 0.03
    assert float(at[DIFFERENCE]["high"]) > -0.03


def test_a_difference_is_called_small_or_beyond_chance_only_where_it_is() -> None:
    def row(whose: str, difference: float) -> Row:
        ends = {"AUROC": difference, "low": difference - 0.01, "high": difference + 0.01}
        return {"outcome": whose, "split by": DIFFERENCE, "overlap": 0.4, **ends}

    small, large = (overlap.see([row(STAY, 0.001), row(OWN, d)]) for d in (0.002, 0.3))
    assert "Both are small" in small
    assert small.count("cannot be told from none") == 2
    assert "small" not in large
    assert large.count("cannot be told from none") == 1


def test_the_overlap_is_counted_as_by_hand() -> None:
    rng = np.random.default_rng(1)
    code, fold = rng.integers(0, 60, 200), rng.integers(0, 5, 200)
    by_hand = np.mean([c in set(code[fold != f]) for c, f in zip(code, fold, strict=True)])
    assert overlap.overlap(code, fold) == by_hand


def test_some_patients_keep_all_their_rows() -> None:
    some = overlap.some_patients(recognisable(outcome_of_patient=True), 100)
    assert len(some) == 800
    assert len(set(some.subjects)) == 100


def test_the_outcome_of_a_patient_is_that_of_any_row() -> None:
    cohort = cohort_of({"x": [1.0, 2.0, 3.0]}, [0, 1, 0], {"subject_id": ["a", "a", "b"]})
    assert overlap.outcome_of_the_patient(cohort).labels.tolist() == [1, 1, 0]


@pytest.fixture(scope="module")
def diabetics(downloaded: Callable[[str], Path]) -> Cohort:
    cache = downloaded("diabetes130/dataset_diabetes.zip").parent.parent
    return load(Diabetes130(cache=str(cache)))


def test_two_in_five_stays_that_a_random_split_tests_are_of_patients_trained_on(
    diabetics: Cohort,
) -> None:
    train, test = train_test_split(np.arange(len(diabetics)), test_size=0.2, random_state=0)
    assert pd.Series(diabetics.subjects[test]).isin(
        diabetics.subjects[train]
    ).mean() == pytest.approx(0.417, abs=0.01)


@pytest.mark.slow
def test_diabetes130_gains_nothing_for_the_stay_and_little_for_the_patient(
    record_property: Record, downloaded: Callable[[str], Path]
) -> None:
    cache = downloaded("diabetes130/dataset_diabetes.zip").parent.parent
    lesson = overlap.demonstrate("diabetes130", str(cache))
    record_property("figures", lesson.text())
    stay, own = (
        keyed([row for row in lesson.rows if row["outcome"] == whose]) for whose in (STAY, OWN)
    )
    assert stay[ROW]["overlap"] == pytest.approx(0.417, abs=0.01)
    assert stay[ROW]["AUROC"] == pytest.approx(
        0.682, abs=0.015
    )  # measured before with more of the file's columns
    assert stay[PATIENT]["AUROC"] == pytest.approx(0.678, abs=0.015)
    assert abs(float(stay[DIFFERENCE]["AUROC"])) < 0.006
    assert float(stay[PATIENT]["low"]) < float(stay[ROW]["AUROC"]) < float(stay[PATIENT]["high"])
    assert 0 < float(own[DIFFERENCE]["low"]) < float(own[DIFFERENCE]["AUROC"]) < 0.01
