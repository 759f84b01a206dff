"""Task 1 in small: eight patients of two hospitals, then forty."""

from __future__ import annotations

import numpy as np
import pandas as pd

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.core.schema import Field, Schema
from risk_model.data.split import _allot

SHARES = config.Split(train=0.6, validation=0.1, calibration=0.1)


def allotted(subjects: list[str], sites: list[str], outcome: list[int], seed: int = 1) -> list[int]:
    inputs = pd.DataFrame({"x": np.zeros(len(subjects))})
    index = pd.DataFrame({"subject_id": subjects, "site": sites})
    schema = Schema("small", "event", (Field("x", "number"),))
    cohort = Cohort(schema, inputs, np.array(outcome, dtype=np.int8), index)
    subject, names = pd.factorize(cohort.subjects)
    found = _allot(cohort, np.arange(len(subjects)), subject, names, SHARES, seed)
    return [int(part) for part in found]


FORTY = [f"p{i}" for i in range(40)]
HALVES = ["North"] * 20 + ["South"] * 20
EVENTS = ([1] * 10 + [0] * 10) * 2


def test_both_visits_of_a_patient_are_in_one_part() -> None:
    parts = allotted(FORTY + FORTY, HALVES + HALVES, EVENTS + EVENTS)
    assert parts[:40] == parts[40:]


def test_of_forty_patients_24_train_4_validate_4_calibrate_and_8_test() -> None:
    parts = allotted(FORTY, HALVES, EVENTS)
    sizes = [parts.count(part) for part in range(4)]
    assert all(abs(size - wanted) <= 1 for size, wanted in zip(sizes, [24, 4, 4, 8], strict=True))


def test_about_half_of_the_twenty_events_are_where_half_of_the_patients_are() -> None:
    parts = allotted(FORTY, HALVES, EVENTS)
    trained = sum(event for part, event in zip(parts, EVENTS, strict=True) if part == 0)
    assert 11 <= trained <= 13


def test_turning_the_table_upside_down_changes_nothing_for_a_patient() -> None:
    parts = allotted(FORTY, HALVES, EVENTS)
    assert allotted(FORTY[::-1], HALVES[::-1], EVENTS[::-1]) == parts[::-1]


def test_another_seed_deals_otherwise() -> None:
    assert allotted(FORTY, HALVES, EVENTS, seed=1) != allotted(FORTY, HALVES, EVENTS, seed=2)
