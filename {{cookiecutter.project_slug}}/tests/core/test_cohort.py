"""Who is in the data: subjects, rows, parts and fingerprints."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from risk_model.core.cohort import Cohort, Splits
from risk_model.core.predictions import COLUMNS, prediction_table
from risk_model.core.schema import Field, Schema

SCHEMA = Schema(
    "demo", "death", (Field("age", "number"), Field("sex", "category", categories=("F", "M")))
)


def cohort(**index: list[object]) -> Cohort:
    inputs = pd.DataFrame({"age": [50.0, 60.0, 50.0, 70.0], "sex": ["F", "M", "F", "M"]})
    outcome = np.array([0, 1, 0, 1], dtype=np.int8)
    return Cohort(SCHEMA, inputs, outcome, pd.DataFrame(index, index=range(4)))


def fine_grained(n: int = 100) -> Cohort:
    """Two measured columns; the last row repeats the first."""
    rng = np.random.default_rng(0)
    measured = rng.normal(size=(n, 2))
    measured[-1] = measured[0]
    schema = Schema("fine", "death", (Field("sodium", "number"), Field("urea", "number")))
    inputs = pd.DataFrame(measured, columns=["sodium", "urea"])
    return Cohort(
        schema, inputs, rng.integers(2, size=n).astype(np.int8), pd.DataFrame(index=range(n))
    )


def test_without_subjects_identical_records_are_one_subject() -> None:
    subjects = fine_grained().subjects
    assert subjects[0] == subjects[-1]
    assert len(set(subjects)) == 99


def test_where_patients_coincide_by_chance_every_row_is_a_subject() -> None:
    subjects = cohort().subjects
    assert len(set(subjects)) == 4


def test_whose_row_it_is_does_not_depend_on_the_order_of_rows() -> None:
    for whole in (cohort(), fine_grained()):
        order = np.random.default_rng(1).permutation(len(whole))
        assert sorted(whole.take(order).subjects) == sorted(whole.subjects)
        outcomes = dict(zip(whole.subjects, whole.labels, strict=True))
        assert len(outcomes) < len(whole) or outcomes == dict(
            zip(whole.take(order).subjects, whole.labels[order], strict=True)
        )


def test_recorded_subjects_are_used_as_text() -> None:
    assert cohort(subject_id=[1, 1, 2, 3]).subjects.tolist() == ["1", "1", "2", "3"]


def test_the_fingerprint_ignores_row_order_and_nothing_else() -> None:
    whole = cohort(site=["A", "B", "A", "B"])
    order = np.array([3, 1, 0, 2])
    assert whole.take(order).fingerprint() == whole.fingerprint()
    assert cohort(site=["A", "B", "A", "A"]).fingerprint() != whole.fingerprint()
    flipped = Cohort(SCHEMA, whole.inputs, 1 - whole.labels, whole.index)
    assert flipped.fingerprint() != whole.fingerprint()


def test_a_cohort_without_outcome_says_so() -> None:
    scoring = Cohort(SCHEMA, cohort().inputs, None, cohort().index)
    with pytest.raises(ValueError, match="no outcome"):
        _ = scoring.labels


def test_the_prediction_table_leaves_out_what_was_set_aside() -> None:
    rows = [np.array([i]) for i in range(3)]
    splits = Splits(rows[0], rows[1], np.empty(0, dtype=np.int64), rows[2], set_aside=np.array([3]))
    risk = {"xgboost": np.array([0.1, 0.2, 0.3, 0.4])}
    table = prediction_table(cohort(), splits, risk, risk)
    assert list(table.columns) == list(COLUMNS)
    assert table["split"].tolist() == ["train", "validation", "test"]
    assert table["predicted_boolean_probability"].tolist() == [0.1, 0.2, 0.3]
    assert table["site"].isna().all()
    imaged = cohort(device=["AGFA", None, "GE", "GE"])
    devices = prediction_table(imaged, splits, risk, risk)["device"]
    assert devices.isna().tolist() == [False, True, False]
    assert devices.iloc[2] == "GE"
