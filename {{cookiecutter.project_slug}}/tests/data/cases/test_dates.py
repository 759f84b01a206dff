"""A column that by its name says when: read as dates, or asked about, and never a model's input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from risk_model.core.cohort import Cohort

from tests.data.cases.ward import ROWS, answered, question, read, remedies, some, ward, written

DAYS = pd.Series(pd.date_range("2014-03-01", periods=ROWS, freq="3D"))
DAYS = DAYS.sample(frac=1, random_state=0, ignore_index=True)  # in no order, as in a real table
ISO = DAYS.dt.strftime("%Y-%m-%d")

READ: dict[str, Any] = {
    "compact": DAYS.dt.strftime("%Y%m%d"),
    "the clock of twelve hours": DAYS.dt.strftime("%m/%d/%Y") + " 08:15 AM",
    "days with points": DAYS.dt.strftime("%d.%m.%Y"),
    "a month in letters": DAYS.dt.strftime("%d-%b-%Y"),
    "years": DAYS.dt.year,
    "a zone": ISO + "T08:15:00.000+02:00",
}
UNREAD: dict[str, Any] = {
    "Excel's days": (DAYS - pd.Timestamp("1899-12-30")).dt.days,
    "days since 1960": (DAYS - pd.Timestamp("1960-01-01")).dt.days,
    "seconds since 1970": DAYS.astype("int64") // 10**9,
    "quarters": DAYS.dt.year.astype(str) + "Q" + DAYS.dt.quarter.astype(str),
    "months": DAYS.dt.strftime("%Y-%m"),
    "weeks": DAYS.dt.strftime("%G-W%V"),
    "years of two digits": DAYS.dt.strftime("%d/%m/%y"),
    "words": DAYS.dt.strftime("%d %B %Y"),
    "SAS": DAYS.dt.strftime("%d%b%Y").str.upper(),
    "hours alone": ["08:15"] * ROWS,
    "one quarter for all": ["2015Q1"] * ROWS,
    "nothing": [None] * ROWS,
    "quarters, some missing": ["2015Q2", None] * (ROWS // 2),
}


def years(cohort: Cohort) -> set[int]:
    return set(cohort.index["prediction_time"].dropna().dt.year)


@pytest.mark.parametrize("form", READ)
def test_dates_of_known_forms_are_read_and_nothing_is_asked(tmp_path: Path, form: str) -> None:
    frame = ward(admission_date=READ[form])
    for name in ("t.csv", "t.parquet"):
        cohort = read(written(frame, tmp_path / name))
        assert years(cohort) == set(DAYS.dt.year)
        assert "admission_date" not in cohort.schema.names


@pytest.mark.parametrize("form", UNREAD)
def test_dates_of_no_known_form_stop_the_run_until_it_goes_on_without_them(
    tmp_path: Path, form: str
) -> None:
    path = written(ward(admission_date=UNREAD[form]), tmp_path / "t.csv")
    cohort = answered(path, "time", "exclude", asks="no dates I can read.*YYYY-MM-DD|empty")
    assert "prediction_time" not in cohort.index
    assert "admission_date" not in cohort.schema.names


@pytest.mark.parametrize("form", ["Excel's days", "seconds since 1970"])
def test_numbers_in_parquet_that_are_no_dates_are_asked_about_too(
    tmp_path: Path, form: str
) -> None:
    path = written(ward(visit_date=UNREAD[form].astype(float)), tmp_path / "t.parquet")
    assert "no dates I can read" in question(path)


def test_a_column_that_a_setting_calls_the_time_must_hold_dates(tmp_path: Path) -> None:
    path = written(ward(seen=UNREAD["quarters"]), tmp_path / "t.csv")
    assert "does not hold dates" in question(path, time="seen")
    assert "seen" in read(path).schema.names  # words like any others: nobody said they are dates


@pytest.mark.parametrize(
    "name", ["discharge_dt", "entlassdatum", "dischargedate", "Aufnahme_Datum", "fecha_alta", "dob"]
)
def test_another_column_that_says_date_is_left_out_with_the_forms_that_are_read(
    tmp_path: Path, name: str
) -> None:
    cohort = read(written(ward(ROWS, **{name: UNREAD["Excel's days"]}), tmp_path / "t.csv"))
    assert name not in cohort.schema.names
    (note,) = [note for note in cohort.notes if note.kind == "left out"]
    assert "YYYY-MM-DD" in note.message


@pytest.mark.parametrize("name", ["candidate", "lactate_update", "sedated", "mandate"])
def test_a_word_that_ends_in_date_is_an_input(tmp_path: Path, name: str) -> None:
    cohort = read(written(ward(ROWS, **{name: np.arange(ROWS) % 5}), tmp_path / "t.csv"))
    assert name in cohort.schema.names


@pytest.mark.parametrize(
    ("share", "form", "code"),
    [
        (0.02, "%Y-%m-%d", "9999-12-31"),
        (0.1, "%Y-%m-%d", "1800-01-01"),
        (0.4, "%Y-%m-%d", "1900-01-01"),
        (0.1, "%Y-%m-%d", "1970-01-01"),
        (0.7, "%d.%m.%Y", "31.12.9999"),
        (0.4, "%Y%m%d", "29991231"),
        (0.7, "%Y-%m-%d 10:30", "9999-12-31 00:00"),
    ],
)
def test_a_date_that_means_open_or_unknown_is_asked_about_and_then_missing(
    tmp_path: Path, form: str, code: str, share: float
) -> None:
    rows = some(share)
    path = written(ward(admission_date=DAYS.dt.strftime(form).mask(rows, code)), tmp_path / "t.csv")
    assert f"admission_date: {rows.sum():,} dates" in question(path)
    cohort = answered(path, "missing_in")
    assert cohort.index["prediction_time"].isna().sum() == rows.sum()
    assert years(cohort) <= set(DAYS.dt.year)


def test_a_timestamp_far_away_in_parquet_is_asked_about(tmp_path: Path) -> None:
    rows = some(0.1)
    seen = DAYS.mask(rows, pd.Timestamp("2261-12-31"))
    path = written(ward(encounter_date=seen), tmp_path / "t.parquet")
    cohort = answered(path, "missing_in")
    assert cohort.index["prediction_time"].isna().sum() == rows.sum()
    assert [note for note in cohort.notes if note.kind == "missing code"] == []


def test_one_date_far_away_is_not_repeated_in_the_question(tmp_path: Path) -> None:
    path = written(ward(admission_date=ISO.where(ISO.index != 7, "2999-03-07")), tmp_path / "t.csv")
    assert "2999" not in question(path)
    assert remedies(question(path)) == ["data.time=none"]
    assert "prediction_time" not in answered(path, "time").index


def test_the_time_of_a_setting_is_asked_about_as_one_by_name(tmp_path: Path) -> None:
    path = written(ward(seen=ISO.mask(some(0.1), "9999-12-31")), tmp_path / "t.csv")
    cohort = answered(path, "missing_in", time="seen")
    assert cohort.index["prediction_time"].isna().sum() == some(0.1).sum()


def test_dates_that_were_shifted_into_the_future_are_right_but_9999_among_them_is_not(
    tmp_path: Path,
) -> None:
    shifted = (DAYS + pd.Timedelta(days=365 * 130)).dt.strftime("%Y-%m-%d")
    fine = written(ward(admission_date=shifted), tmp_path / "fine.csv")
    assert min(years(read(fine))) > 2140
    mixed = written(
        ward(admission_date=shifted.mask(some(0.1), "9999-12-31")), tmp_path / "mixed.csv"
    )
    assert answered(mixed, "missing_in").index["prediction_time"].isna().sum() == some(0.1).sum()


def test_patients_of_old_times_are_no_codes(tmp_path: Path) -> None:
    old = pd.Series(pd.date_range("1969-01-01", periods=ROWS, freq="D").strftime("%Y-%m-%d"))
    cohort = read(written(ward(admission_date=old), tmp_path / "t.csv"))
    assert cohort.index["prediction_time"].notna().all()
