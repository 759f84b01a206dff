"""Whose rows stand together: patients under any name, and numbers that are no longer exact."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
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

BEYOND = 2**53  # neighbours are one number in floating point from here on
PAIRS = np.repeat(np.arange(ROWS // 2), 2)


def visits(people: int = 120) -> tuple[Any, pd.DataFrame]:
    """Who each row is, and rows of which sex and age are the patient's and the outcome is not."""
    draw = np.random.default_rng(3)
    who = draw.integers(0, people, ROWS)
    age, sex = draw.integers(30, 90, people), draw.choice(["F", "M"], people)
    return who, ward(age=age[who], sex=sex[who])


def hashed(number: int) -> str:
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()[:8]


@pytest.mark.parametrize(
    "name",
    ["stay_id", "encounter_id", "nhs_number", "case_no", "pid", "uid", "fallnummer", "x1"],
)
def test_a_number_that_stands_for_people_is_asked_about_whatever_its_name(
    tmp_path: Path, name: str
) -> None:
    who, frame = visits()
    path = written(frame.assign(**{name: 5000 + who}), tmp_path / "t.csv")
    cohort = answered(path, "subject", asks=f"^{name}: 120 values in 600 rows.*age, sex")
    assert len(set(cohort.subjects)) == 120
    assert name not in cohort.schema.names


SPELT: dict[str, Any] = {
    "text": [f"S{w:04d}" for w in visits()[0]],
    "hashes": [hashed(w) for w in visits()[0]],
    "fractions of .0": 5000.0 + visits()[0],
    "some missing": pd.Series(5000 + visits()[0]).astype(float).mask(some(0.05)),
    "leading zeros": [f"{w:05d}" for w in visits()[0]],
}


@pytest.mark.parametrize("spelling", SPELT)
@pytest.mark.parametrize("file", ["t.csv", "t.parquet"])
def test_however_the_number_is_spelt(tmp_path: Path, spelling: str, file: str) -> None:
    path = written(visits()[1].assign(stay=SPELT[spelling]), tmp_path / file)
    cohort = answered(path, "subject", asks="does it name patients")
    assert len(set(cohort.subjects)) == 120
    assert "stay" not in cohort.schema.names


def test_two_rows_a_patient_and_other_words_for_sex_and_age_are_enough(tmp_path: Path) -> None:
    who, frame = visits(300)
    frame = frame.rename(columns={"age": "Alter", "sex": "Geschlecht"}).assign(fall=who)
    path = written(frame, tmp_path / "t.csv")
    assert len(set(answered(path, "subject").subjects)) == len(set(who))


def test_two_names_of_a_patient_are_both_named_and_one_answer_is_enough(tmp_path: Path) -> None:
    who, frame = visits()
    frame = frame.assign(stay_id=who + 900, pseudonym=[f"P{w:05d}" for w in who])
    path = written(frame, tmp_path / "t.csv")
    assert len(questions(path)) == 2
    assert len(set(read(path, subject="stay_id").subjects)) == 120


def test_that_each_row_is_a_patient_can_be_said(tmp_path: Path) -> None:
    who, frame = visits()
    path = written(frame.assign(stay_id=who), tmp_path / "t.csv")
    assert remedies(question(path)) == ["data.subject=stay_id", "data.subject=none"]
    assert "stay_id" in read(path, subject="none").schema.names


@pytest.mark.parametrize(
    "columns",
    [
        {"bed": np.random.default_rng(0).integers(0, 120, ROWS)},
        {"ward_no": np.random.default_rng(0).integers(0, 60, ROWS)},
        {"surgeon": [hashed(i) for i in np.random.default_rng(0).integers(0, 40, ROWS)]},
        {"glucose": np.random.default_rng(0).integers(60, 300, ROWS)},
    ],
)
def test_numbers_of_beds_wards_and_surgeons_are_not_asked_about(
    tmp_path: Path, columns: dict[str, Any]
) -> None:
    path = written(ward(ROWS, **columns), tmp_path / "t.csv")
    assert "subject_id" not in read(path).index


def pairs(**columns: Any) -> pd.DataFrame:
    draw = np.random.default_rng(5)
    age, sex = draw.integers(30, 90, ROWS // 2), draw.choice(["F", "M"], ROWS // 2)
    return ward(ROWS, age=age[PAIRS], sex=sex[PAIRS], **columns)


LONG = pd.Series([str(BEYOND + int(p)) for p in PAIRS])


@pytest.mark.parametrize("name", ["id", "case", "record_id", "patient_id"])
def test_long_identifiers_stay_apart_though_one_is_missing(tmp_path: Path, name: str) -> None:
    path = written(pairs(**{name: LONG.mask(LONG.index == 5)}), tmp_path / "t.csv")
    assert len(set(read(path).subjects)) == ROWS // 2


@pytest.mark.parametrize("name", ["id", "patient_id"])
def test_long_identifiers_stay_apart_in_parquet_as_text_and_as_whole_numbers(
    tmp_path: Path, name: str
) -> None:
    text = written(pairs(**{name: LONG.mask(LONG.index == 5)}), tmp_path / "text.parquet")
    whole = LONG.astype("int64").astype("Int64").mask(LONG.index == 5)
    number = written(pairs(**{name: whole}), tmp_path / "number.parquet")
    assert len(set(read(text).subjects)) == len(set(read(number).subjects)) == ROWS // 2


def test_a_subject_by_setting_is_read_as_text(tmp_path: Path) -> None:
    path = written(pairs(key=LONG), tmp_path / "t.csv")
    assert len(set(read(path, subject="key").subjects)) == ROWS // 2


ROUNDED: dict[str, Any] = {
    "floats": LONG.astype("int64").astype(float),
    "scientific": [f"{float(number):.5E}" for number in LONG],
    "fifteen digits": [str(int(number) * 10**3 // 10**4 * 10**4) for number in LONG],
}


@pytest.mark.parametrize("form", ROUNDED)
def test_identifiers_that_went_through_floating_point_stop_the_run(
    tmp_path: Path, form: str
) -> None:
    name = "t.parquet" if form == "floats" else "t.csv"
    lines = questions(written(pairs(patient_id=ROUNDED[form]), tmp_path / name))
    assert any("floating point" in line or "too few to be patients" in line for line in lines)


def test_7_and_07_are_one_patient_when_the_setting_says_so(tmp_path: Path) -> None:
    ids = [f"{p + 1:02d}" if i % 2 else str(p + 1) for i, p in enumerate(PAIRS)]
    path = written(pairs(patient_id=ids), tmp_path / "t.csv")
    cohort = answered(path, "folded", asks="9 patients seem to be written in two ways")
    assert len(set(cohort.subjects)) == ROWS // 2


def test_case_and_spaces_within_an_identifier_too(tmp_path: Path) -> None:
    ids = [f"P {p}" if i % 2 else f"p{p}" for i, p in enumerate(PAIRS)]
    path = written(pairs(mrn=ids), tmp_path / "t.parquet")
    assert len(set(answered(path, "folded").subjects)) == ROWS // 2


@pytest.mark.parametrize(
    ("word", "share"), [("unknown", 0.1), ("unbekannt", 0.4), ("99999", 0.02), ("0", 0.7)]
)
def test_a_word_for_nobody_is_no_patient_when_the_setting_says_so(
    tmp_path: Path, word: str, share: float
) -> None:
    rows = some(share)
    ids = pd.Series(PAIRS + 100).astype(str).mask(rows, word)
    path = written(pairs(patient_id=ids), tmp_path / "t.csv")
    cohort = answered(path, "missing_in", asks=f"^patient_id: '{word}' stands in {rows.sum()}")
    assert word not in cohort.subjects
    assert len(cohort) == ROWS - rows.sum()


def test_codes_of_sixteen_digits_that_are_no_patients_stay_words(tmp_path: Path) -> None:
    batch = [str(BEYOND + i) for i in np.random.default_rng(0).integers(0, 6, ROWS)]
    cohort = read(written(ward(batch=batch), tmp_path / "t.csv"))
    assert cohort.schema.field("batch").kind == "category"
    assert len(cohort.schema.field("batch").categories) == 6
    assert told(cohort) == []
