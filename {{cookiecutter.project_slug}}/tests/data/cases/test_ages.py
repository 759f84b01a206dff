"""Ages that are no years: asked about, because the audit by age would be wrong without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.cases.ward import (
    ROWS,
    answered,
    question,
    questions,
    read,
    remedies,
    some,
    told,
    ward,
    written,
)

AGE = ward()["age"]
OTHERWISE: dict[str, Any] = {
    "months": AGE * 12,
    "months as fractions": AGE * 12.0,
    "weeks": AGE * 52,
    "days": AGE * 365,
    "years of birth": 2015 - AGE,
    "standardised": ((AGE - 62) / 15).round(2),
    "standardised and whole": ((AGE - 62) / 15).round().astype(int),
    "a share of the oldest": (AGE / 99).round(3),
    "one for all": [60] * ROWS,
    "bands": np.where(AGE > 60, "60+", "18-60"),
    "words": np.where(AGE > 60, "old", "young"),
    "nothing": [None] * ROWS,
    "months for some": AGE.mask(some(0.4), AGE * 12),
    "one in months": AGE.where(AGE.index != 3, 744),
}


@pytest.mark.parametrize("form", OTHERWISE)
def test_what_cannot_be_years_stops_the_run_until_it_goes_on_without_an_audit_by_age(
    tmp_path: Path, form: str
) -> None:
    path = written(ward(age=OTHERWISE[form]), tmp_path / "t.csv")
    cohort = answered(path, "age", asks="^age: .*write years")
    assert "age" not in cohort.index


@pytest.mark.parametrize("form", ["months as fractions", "standardised", "one for all"])
def test_parquet_and_a_role_by_setting_are_asked_about_alike(tmp_path: Path, form: str) -> None:
    frame = ward(Alter=OTHERWISE[form]).drop(columns="age")
    path = written(frame, tmp_path / "t.parquet")
    assert question(path, age="Alter").startswith("Alter: ")
    assert "age" not in answered(path, "age", age="Alter").index


@pytest.mark.parametrize(
    ("share", "code"),
    [(0.02, 999), (0.1, -1), (0.4, 999), (0.7, 999), (0.7, -9), (0.1, 300), (0.4, 99), (0.1, 0)],
)
def test_a_code_among_ages_is_asked_about_and_then_missing(
    tmp_path: Path, share: float, code: int
) -> None:
    rows = some(share)
    adults = AGE.clip(upper=90)
    path = written(ward(age=adults.mask(rows, code)), tmp_path / "t.csv")
    cohort = answered(path, "missing_in", asks=f"^age: {rows.sum()} rows hold {code}: a code")
    assert cohort.index["age"].isna().sum() == rows.sum()
    assert cohort.index["age"].max() <= 90
    assert told(cohort) == []


def test_two_codes_are_one_question(tmp_path: Path) -> None:
    age = AGE.mask(some(0.1), 999).mask(some(0.1, seed=4), -9).astype(float)
    cohort = answered(written(ward(age=age), tmp_path / "t.parquet"), "missing_in")
    assert cohort.index["age"].between(18, 99).sum() == ((age != 999) & (age != -9)).sum()


def test_a_code_of_one_row_is_named_and_another_age_is_not(tmp_path: Path) -> None:
    one = written(ward(age=AGE.where(AGE.index != 3, 999)), tmp_path / "one.csv")
    assert read(one, missing_in=["age=999"]).index["age"].isna().sum() == 1
    assert remedies(question(one))[0] == 'data.missing_in=["age=999"]'
    slip = written(ward(age=AGE.where(AGE.index != 3, 162)), tmp_path / "slip.csv")
    assert "162" not in question(slip)


def test_months_and_unknown_dates_are_two_questions_in_two_lines(tmp_path: Path) -> None:
    path = written(ward(age=AGE * 12, admission_date=["2015Q2"] * ROWS), tmp_path / "t.csv")
    lines = questions(path)
    assert sorted(line.split(":")[0] for line in lines) == ["admission_date", "age"]


def test_infants_are_accepted_with_the_printed_reason(tmp_path: Path) -> None:
    age = np.random.default_rng(0).uniform(0, 2.9, ROWS).round(2)
    cohort = answered(written(ward(age=age), tmp_path / "t.csv"), "accept")
    assert cohort.index["age"].max() < 3


@pytest.mark.parametrize(
    "age",
    [
        AGE,
        AGE.astype(float) + 0.5,
        AGE.mask(some(0.4)),
        np.random.default_rng(0).integers(0, 18, ROWS),
        np.where(some(0.2), 0, AGE // 2),  # newborns beside children
        np.minimum(AGE, 90),  # the oldest under one number, as the law of some countries wants
    ],
)
def test_years_of_any_kind_are_not_asked_about(tmp_path: Path, age: Any) -> None:
    cohort = read(written(ward(age=age), tmp_path / "t.csv"))
    assert "age" in cohort.index
    assert told(cohort) == []


def test_months_under_their_own_name_are_an_input_and_no_age(tmp_path: Path) -> None:
    cohort = read(written(ward(age_months=AGE * 12), tmp_path / "t.csv"))
    assert cohort.index["age"].max() <= 99
    assert "age_months" in cohort.schema.names
