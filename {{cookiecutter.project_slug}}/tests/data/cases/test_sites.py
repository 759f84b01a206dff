"""Patients who are numbered anew at each hospital, and hospitals under several spellings."""

from __future__ import annotations

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
    some,
    told,
    ward,
    written,
)

EQUAL, UNEQUAL = (100,) * 6, (225, 125, 100, 75, 50, 25)


def numbered(*sizes: int) -> pd.DataFrame:
    """Hospitals A, B, ... each of which counts its patients from 1."""
    house = np.repeat([chr(65 + i) for i in range(len(sizes))], sizes)
    number = np.concatenate([np.arange(1, size + 1) for size in sizes])
    return ward(sum(sizes), hospital=house, patient_id=number)


WRITTEN: dict[str, Any] = {
    "equal": numbered(*EQUAL),
    "unequal": numbered(*UNEQUAL),
    "two hospitals": numbered(300, 300),
    "a part of the numbers": numbered(300, 300).assign(
        patient_id=lambda t: t["patient_id"] + np.where(t["hospital"] == "B", 240, 0)
    ),
    "numbers in text": numbered(*EQUAL).assign(
        patient_id=lambda t: "P" + t["patient_id"].astype(str).str.zfill(4)
    ),
    "numbers for hospitals": numbered(*EQUAL).assign(hospital=lambda t: t["hospital"].map(ord)),
    "neither sex nor age": numbered(*EQUAL).drop(columns=["sex", "age"]),
    "fractions of .0": numbered(*EQUAL).astype({"patient_id": float}),
}


def people(frame: pd.DataFrame) -> int:
    return len(frame[["hospital", "patient_id"]].drop_duplicates())


@pytest.mark.parametrize("form", WRITTEN)
def test_numbers_that_count_within_a_hospital_are_joined_with_it(tmp_path: Path, form: str) -> None:
    frame = WRITTEN[form]
    name = "t.parquet" if form == "fractions of .0" else "t.csv"
    path = written(frame, tmp_path / name)
    cohort = answered(path, "subject", asks="^patient_id: .*count within each site")
    assert len(set(cohort.subjects)) == people(frame) == ROWS
    assert "patient_id" not in cohort.schema.names


@pytest.mark.parametrize("held", [["A"], ["B"]])
def test_a_hospital_that_is_held_out_changes_nothing_in_the_question(
    tmp_path: Path, held: list[str]
) -> None:
    path = written(numbered(*UNEQUAL), tmp_path / "t.csv")
    cohort = answered(path, "subject", held_out_sites=held)
    assert len(set(cohort.subjects)) == ROWS


def test_roles_by_setting_are_joined_under_their_own_names(tmp_path: Path) -> None:
    frame = numbered(*EQUAL).rename(columns={"hospital": "Klinik", "patient_id": "Nr"})
    path = written(frame, tmp_path / "t.csv")
    cohort = answered(path, "subject", site="Klinik", subject="Nr")
    assert len(set(cohort.subjects)) == ROWS


@pytest.mark.parametrize("name", ["klinik", "trust", "standort"])
def test_a_hospital_that_nobody_called_one_is_found_by_whom_it_tells_apart(
    tmp_path: Path, name: str
) -> None:
    frame = numbered(*UNEQUAL).rename(columns={"hospital": name})
    path = written(frame, tmp_path / "t.csv")
    cohort = answered(path, "subject", asks=f"people who differ in sex or age, unless '{name}'")
    assert len(set(cohort.subjects)) == ROWS


@pytest.mark.parametrize("name", ["diabetes", "smoker", "klinik"])
def test_a_column_that_tells_no_two_people_apart_is_no_hospital(tmp_path: Path, name: str) -> None:
    draw = np.random.default_rng(3)
    twice = np.repeat(np.arange(ROWS // 2), 2)  # each number twice, whatever the sex and the age
    frame = ward(ROWS, patient_id=twice).assign(**{name: draw.choice(["no", "yes"], ROWS)})
    cohort = read(written(frame, tmp_path / "t.csv"))
    assert len(set(cohort.subjects)) == ROWS // 2


def test_that_the_numbers_are_right_can_be_said(tmp_path: Path) -> None:
    path = written(numbered(*EQUAL), tmp_path / "t.csv")
    cohort = answered(path, "accept")
    assert len(set(cohort.subjects)) == 100
    assert [note.where for note in told(cohort, "patient")] == ["patient_id"]


def moved() -> pd.DataFrame:
    """Patients who come several times, to any hospital."""
    draw = np.random.default_rng(2)
    who = draw.integers(0, 150, ROWS)
    age, sex = draw.integers(30, 90, 150)[who], draw.choice(["F", "M"], 150)[who]
    house = draw.choice(list("ABC"), ROWS)
    return ward(ROWS, age=age, sex=sex, hospital=house, patient_id=who)


@pytest.mark.parametrize(
    "frame",
    [
        moved(),
        moved().rename(columns={"hospital": "klinik"}),
        numbered(*EQUAL).assign(patient_id=np.arange(ROWS)),
        numbered(ROWS),
        numbered(300, 300).assign(  # two numbers of 600 given twice
            patient_id=lambda t: t["patient_id"] + np.where(t["hospital"] == "B", 298, 0)
        ),
    ],
)
def test_patients_who_move_and_numbers_that_are_given_once_are_not_asked_about(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    assert told(read(written(frame, tmp_path / "t.csv"))) == []


HOUSES = np.random.default_rng(0).choice(["St. Mary", "North General", "South"], ROWS)
SPELT: dict[str, Any] = {
    "case": np.where(some(0.4), np.char.lower(HOUSES), HOUSES),
    "a point": np.where(some(0.02), np.char.replace(HOUSES, ".", ""), HOUSES),
    "spaces within": np.where(some(0.1), np.char.replace(HOUSES, " ", "  "), HOUSES),
    "an accent": np.where(some(0.7), np.char.replace(HOUSES, "o", "ô"), HOUSES),
}


@pytest.mark.parametrize("way", SPELT)
def test_spellings_of_one_hospital_are_one_when_the_setting_says_so(
    tmp_path: Path, way: str
) -> None:
    path = written(ward(hospital=SPELT[way]), tmp_path / "t.csv")
    cohort = answered(path, "folded", asks="^hospital: . sites stand under several spellings")
    assert cohort.index["site"].nunique() == 3


def test_numbers_of_hospitals_with_and_without_zeros_are_asked_about(tmp_path: Path) -> None:
    house = np.where(some(0.4), "01", np.random.default_rng(0).choice(["1", "2"], ROWS))
    path = written(ward(center=house), tmp_path / "t.csv")
    assert answered(path, "folded").index["site"].nunique() == 2


def test_a_hospital_a_row_is_none(tmp_path: Path) -> None:
    path = written(ward(site=[f"S{i}" for i in range(ROWS)]), tmp_path / "t.csv")
    cohort = answered(path, "site", asks="600 different sites in 600 rows")
    assert "site" not in cohort.index


def test_two_faults_are_two_questions(tmp_path: Path) -> None:
    frame = numbered(*EQUAL)
    house = frame["hospital"].where(~some(0.4), frame["hospital"].str.lower())
    lines = questions(written(frame.assign(hospital="x" + house), tmp_path / "t.csv"))
    assert sorted({line.split(":")[0] for line in lines}) == ["hospital", "patient_id"]


def test_spellings_that_are_two_hospitals_are_accepted_with_a_reason(tmp_path: Path) -> None:
    path = written(ward(hospital=SPELT["a point"]), tmp_path / "t.csv")
    assert "data.accept" in question(path)
    assert answered(path, "accept").index["site"].nunique() == 4
