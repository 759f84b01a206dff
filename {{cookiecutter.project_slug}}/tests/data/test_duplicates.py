"""Are patients registered twice found, and is chance claimed only where it explains the twins?"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.core.findings import Finding
from risk_model.data.duplicates import duplicated_patients
from risk_model.data.split import split

from tests.data.made_cohorts import cohort_of

Columns = dict[str, Any]
BY_CHANCE = "as is to be expected by chance"


def patients(columns: Columns, **index: Any) -> Cohort:
    """A cohort in which every row has a subject of its own."""
    n = len(next(iter(columns.values())))
    outcome = np.random.default_rng(0).random(n) < 0.3
    return cohort_of(columns, outcome, {"subject_id": np.arange(n).astype(str), **index})


def findings(cohort: Cohort) -> list[Finding]:
    splits = split(cohort, config.Split(), config.Data(name="made"), 0)
    return duplicated_patients(cohort, splits)


def ward(n: int, again: int, seed: int = 1) -> Columns:
    """Age, sex, creatinine, pressure and diabetes of n patients, some of whom stand there twice."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.normal(62, 16, n).clip(18, 99).round(),
            "male": rng.integers(0, 2, n) * 1.0,
            "creatinine": rng.lognormal(0, 0.4, n).round(2),
            "sbp": rng.normal(125, 18, n).round(),
            "diabetes": (rng.random(n) < 0.25) * 1.0,
        }
    )
    twice = rng.choice(n, again, replace=False)
    whole = pd.concat([table, table.iloc[twice]], ignore_index=True)
    return {str(name): whole[name].to_numpy() for name in whole}


@pytest.mark.parametrize(("n", "again"), [(800, 40), (800, 200), (5000, 100), (5000, 500)])
def test_far_more_twins_than_chance_makes_are_an_error_though_each_is_possible(
    n: int, again: int
) -> None:
    (found,) = findings(patients(ward(n, again)))
    assert (found.severity, found.kind) == ("error", "duplicated patient")
    assert "where chance makes about" in found.message
    assert BY_CHANCE not in found.message


@pytest.mark.parametrize("again", [5, 8, 10, 12])
def test_chance_is_not_claimed_where_it_explains_too_few(again: int) -> None:
    said = [f.message for f in findings(patients(ward(800, again)))]
    assert said
    assert not [message for message in said if BY_CHANCE in message]


@pytest.mark.parametrize("seed", range(6))
def test_honest_twins_are_told_with_their_number_and_the_expected_one(seed: int) -> None:
    (found,) = findings(patients(ward(5000, 0, seed)))
    assert (found.severity, found.kind) == ("note", "identical records")
    assert BY_CHANCE in found.message
    assert re.search(r"\d+ records, where chance makes about \d+ pairs", found.message)


def coarse(kind: str) -> Columns:
    rng = np.random.default_rng(0)
    n = 3000
    latent = rng.normal(size=n)
    one, two, three = (rng.integers(0, size, n) for size in (6, 5, 30))
    height, weight = rng.normal(170, 9, n).round(), rng.normal(75, 13, n).round()
    tables: dict[str, Columns] = {
        "ten rare flags": {f"x{i}": (rng.random(n) < 0.05) * 1.0 for i in range(10)},
        "ten even flags": {f"x{i}": (rng.random(n) < 0.5) * 1.0 for i in range(10)},
        "flags of one kind": {f"x{i}": (latent + rng.normal(size=n) > 1) * 1.0 for i in range(25)},
        "a column for each value": {
            f"{name}{v}": (column == v) * 1.0
            for name, column in (("a", one), ("b", two), ("c", three))
            for v in np.unique(column)
        },
        "each column twice": {"a": one * 1.0, "a2": one + 5.0, "c": three * 1.0, "c2": three * 2.0},
        "a derived column": {"h": height, "w": weight, "bmi": (weight / height**2 * 1e4).round(1)},
        "age and sex": {"age": height, "male": (latent > 0) * 1.0},
    }
    return tables[kind]


@pytest.mark.parametrize(
    "kind",
    [
        "ten rare flags",
        "ten even flags",
        "flags of one kind",
        "a column for each value",
        "each column twice",
        "a derived column",
        "age and sex",
    ],
)
def test_coarse_tables_accuse_nobody(kind: str) -> None:
    (found,) = findings(patients(coarse(kind)))
    assert found.severity == "note"
    assert BY_CHANCE in found.message


def laboratory(n: int = 1000) -> tuple[np.random.Generator, Columns]:
    rng = np.random.default_rng(0)
    return rng, {f"lab{i}": rng.normal(50, 9, n).round(1) for i in range(8)}


def test_patients_of_whom_nothing_was_measured_are_alike_without_being_one() -> None:
    rng, columns = laboratory()
    unmeasured = rng.random(1000) < 0.05
    values = {name: np.where(unmeasured, np.nan, column) for name, column in columns.items()}
    values |= {"age": rng.normal(60, 12, 1000).round(), "male": rng.integers(0, 2, 1000) * 1.0}
    (found,) = findings(patients(values))
    assert found.severity == "note"


@pytest.mark.parametrize("empty", [2, 40, 300])
def test_rows_without_any_value_are_told_and_are_nobody_twice(empty: int) -> None:
    _, columns = laboratory()
    values = {k: np.where(np.arange(1000) < empty, np.nan, v) for k, v in columns.items()}
    (found,) = findings(patients(values))
    assert (found.severity, found.kind) == ("warning", "empty records")
    assert f"{empty} rows" in found.message


@pytest.mark.parametrize("times", [5, 99, 150, 400])
def test_one_record_under_hundreds_of_numbers_is_found_as_well_as_under_a_few(times: int) -> None:
    _, columns = laboratory()
    first = np.arange(1000) < times
    values = {name: np.where(first, column[0], column) for name, column in columns.items()}
    (found,) = findings(patients(values))
    assert (found.severity, found.kind) == ("error", "duplicated patient")
    assert f"({times} rows)" in found.message


@pytest.mark.parametrize(("again", "severity"), [(1, "warning"), (2, "warning"), (40, "error")])
def test_a_slip_or_two_are_a_warning(again: int, severity: str) -> None:
    _, columns = laboratory()
    values = {name: np.append(column, column[:again]) for name, column in columns.items()}
    (found,) = findings(patients(values))
    assert (found.severity, found.kind) == (severity, "duplicated patient")
