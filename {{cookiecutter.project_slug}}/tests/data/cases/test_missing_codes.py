"""Codes for "not recorded": suspected among numbers, and a setting's code however it is spelt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from risk_model.core.cohort import Cohort

from tests.data.cases.ward import ROWS, applied, read, remedies, some, told, ward, written

CRP = ward()["crp"].round(1)
DRAW = np.random.default_rng(5)


def missing(cohort: Cohort, name: str) -> int:
    return int(cohort.inputs[name].isna().sum())


@pytest.mark.parametrize(
    ("share", "code"),
    [
        (0.02, 999),
        (0.1, -9),
        (0.4, 9999.0),
        (0.7, 999),
        (0.1, -1),
        (0.02, 99.9),
        (0.4, -99),
        (0.1, 8888),
        (0.1, 1e6),
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_code_among_numbers_is_named_missing_and_not_in_the_range(
    tmp_path: Path, name: str, share: float, code: float
) -> None:
    rows = some(share)
    creatinine = ward()["creatinine"].mask(rows, code)
    path = written(ward(creatinine=creatinine), tmp_path / name)
    first = read(path)
    (note,) = told(first, "missing code")
    assert note.message.startswith(f"{rows.sum()} rows hold {code:.10g}, far from all others")
    second = read(path, **applied(remedies(note.remedy)[:1]))
    for cohort in (first, second):
        assert missing(cohort, "creatinine") == rows.sum()
        field = cohort.schema.field("creatinine")
        assert field.minimum == 0
        assert field.maximum is not None
        assert field.maximum < 10
    assert told(second) == []


@pytest.mark.parametrize("codes", [(999, -9), (998, 999), (777, 888)])
def test_two_codes_are_named_together(tmp_path: Path, codes: tuple[int, int]) -> None:
    sbp = ward()["sbp"].mask(some(0.1), codes[0]).mask(some(0.1, seed=9), codes[1])
    cohort = read(written(ward(sbp=sbp.astype(float).mask(some(0.1, seed=3))), tmp_path / "t.csv"))
    (note,) = told(cohort, "missing code")
    assert [str(code) in note.message for code in codes] == [True, True]
    assert cohort.inputs["sbp"].max() < 250


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (DRAW.integers(0, 2, ROWS), 9),
        (DRAW.integers(1, 3, ROWS), 9),
        (DRAW.integers(0, 11, ROWS), 99),
    ],
)
def test_a_code_beside_answers_and_scales_too(tmp_path: Path, values: Any, code: int) -> None:
    path = written(ward(item=np.where(some(0.1), code, values)), tmp_path / "t.csv")
    assert [note.where for note in told(read(path), "missing code")] == ["item"]


@pytest.mark.parametrize(
    "values",
    [
        DRAW.integers(0, 10, ROWS),
        DRAW.normal(0, 4, ROWS).round(),
        DRAW.lognormal(2, 1.6, ROWS).round(1),
        np.minimum(DRAW.lognormal(5, 1.2, ROWS), 999).round(),
        DRAW.integers(900, 1100, ROWS),
        np.where(np.arange(ROWS) == 4, 999, ward()["sbp"]),
    ],
)
def test_scales_negative_numbers_ceilings_and_one_outlier_are_no_codes(
    tmp_path: Path, values: Any
) -> None:
    assert told(read(written(ward(item=values), tmp_path / "t.csv"))) == []


def test_a_code_that_is_a_measurement_is_accepted(tmp_path: Path) -> None:
    crp = CRP.mask(some(0.1), 999.0)
    path = written(ward(crp=crp), tmp_path / "t.csv")
    (note,) = told(read(path), "missing code")
    cohort = read(path, **applied(remedies(note.remedy)[1:]))
    assert cohort.inputs["crp"].max() == 999


SPELT: dict[str, str] = {
    "a point": "999.0",
    "more zeros": "999.000",
    "an exponent": "9.99e2",
    "a leading zero": "0999",
    "a plus": "+999",
    "spaces": "  999 ",
}


@pytest.mark.parametrize("way", SPELT)
@pytest.mark.parametrize("entry", ["999", "999.00"])
def test_an_entry_that_is_a_number_means_it_however_it_is_spelt(
    tmp_path: Path, way: str, entry: str
) -> None:
    rows = some(0.1)
    crp = CRP.astype(str).mask(rows, SPELT[way])
    cohort = read(written(ward(crp=crp), tmp_path / "t.csv"), missing=["", entry])
    assert missing(cohort, "crp") == rows.sum()
    assert told(cohort) == []


@pytest.mark.parametrize(
    ("kind", "code"),
    [("float64", 999), ("float32", 999), ("float32", 99.9), ("int64", 999), ("str", 999)],
)
def test_in_parquet_too_whatever_the_type(tmp_path: Path, kind: Any, code: float) -> None:
    rows = some(0.1)
    values = ward()["sbp"] if kind == "int64" else CRP
    crp = values.mask(rows, int(code) if kind == "int64" else code).astype(kind)
    path = written(ward(crp=crp), tmp_path / "t.parquet")
    cohort = read(path, missing=["", f"{code:.2f}"])
    assert missing(cohort, "crp") == rows.sum()
    assert told(cohort) == []


@pytest.mark.parametrize("entry", ["99,9", "99,90", "99.9"])
def test_with_a_decimal_comma_too(tmp_path: Path, entry: str) -> None:
    rows = some(0.4)
    crp = CRP.astype(str).mask(rows, "99.9").str.replace(".", ",")
    path = written(ward(crp=crp).drop(columns="creatinine"), tmp_path / "t.csv")
    cohort = read(path, missing=["", entry], decimal=",")
    assert missing(cohort, "crp") == rows.sum()


def test_a_category_of_digits_too_but_no_identifier_with_zeros_before_it(tmp_path: Path) -> None:
    codes = np.where(some(0.1), "999", DRAW.choice(["E11", "I10"], ROWS))
    numbers = [f"{i:05d}" for i in range(ROWS)]  # of which 00077 is no 77
    path = written(ward(code=codes, patient_id=numbers), tmp_path / "t.csv")
    cohort = read(path, missing=["", "999.0", "77"])
    assert missing(cohort, "code") == some(0.1).sum()
    assert len(cohort) == ROWS


def test_by_column_and_given_as_a_number(tmp_path: Path) -> None:
    crp, sbp = CRP.mask(some(0.1), 150), ward()["sbp"].mask(some(0.1, seed=7), 150)
    path = written(ward(crp=crp, sbp=sbp), tmp_path / "t.csv")
    cohort = read(path, missing_in=["crp=150"])
    assert missing(cohort, "crp") >= some(0.1).sum()
    assert missing(cohort, "sbp") == 0


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_dates_that_a_setting_calls_missing_are_and_nothing_is_said_to_be_unused(
    tmp_path: Path, name: str
) -> None:
    days = pd.Series(pd.date_range("2014-03-01", periods=ROWS)).mask(
        some(0.1), pd.Timestamp("2261-12-31")
    )
    path = written(ward(admission_date=days), tmp_path / name)
    cohort = read(path, missing=["", "2261-12-31"])
    assert cohort.index["prediction_time"].isna().sum() == some(0.1).sum()
    assert told(cohort) == []


@pytest.mark.parametrize("entry", ["777", "Unknown", "2999-01-01"])
def test_an_entry_that_matches_nothing_is_told(tmp_path: Path, entry: str) -> None:
    cohort = read(written(ward(), tmp_path / "t.csv"), missing=["", entry])
    (note,) = told(cohort)
    assert f"{entry!r} occurs in no column" in note.message
