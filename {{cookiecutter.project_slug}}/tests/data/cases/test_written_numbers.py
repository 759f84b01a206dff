"""Numbers written with decoration are no categories, whatever share of the rows is so written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.data.cases.ward import (
    ROWS,
    answered,
    applied,
    question,
    questions,
    read,
    remedies,
    some,
    told,
    ward,
    written,
)

DRAW = np.random.default_rng(5)
NUMBERS = ward()["creatinine"] * 100
PLAIN = NUMBERS.map("{:.2f}".format)
COUNTS = pd.Series(DRAW.integers(200, 20_000, ROWS))

INSIDE: dict[str, Any] = {
    "a unit": PLAIN + " µmol/L",
    "a unit without a space": PLAIN + "mg/dl",
    "a unit in German": PLAIN + " Tage",
    "a percent sign": PLAIN + "%",
    "a leading apostrophe": "'" + PLAIN,
    '="…" around them': '="' + PLAIN + '"',
    "quotes round them": "“" + PLAIN + "”",
    "a currency": "€" + PLAIN,
    "marks between thousands": (NUMBERS * 100).map("{:,.2f}".format).str.replace(",", " "),
    "marks between thousands of Switzerland": (NUMBERS * 100)
    .map("{:,.2f}".format)
    .str.replace(",", "'"),
    "a sign that is no minus": "−" + PLAIN,
    "parentheses": "(" + PLAIN + ")",
}


@pytest.mark.parametrize("way", INSIDE)
def test_a_number_within_a_decoration_is_taken_out_of_it_by_the_printed_setting(
    tmp_path: Path, way: str
) -> None:
    name = "t.parquet" if "quotes" in way else "t.csv"
    path = written(ward(creatinine=INSIDE[way]), tmp_path / name)
    asks = "a unit" if way.startswith("a unit") else way.removesuffix(" of Switzerland")
    cohort = answered(path, "numbers", asks=f"^column 'creatinine': .*{asks}")
    scale = 100 if way.startswith("marks between thousands") else 1
    found = cohort.inputs["creatinine"].abs() / scale
    np.testing.assert_allclose(found, NUMBERS, atol=0.006)


@pytest.mark.parametrize("share", [0.02, 0.4, 0.7])
def test_a_unit_in_some_rows_is_refused_whatever_their_share(tmp_path: Path, share: float) -> None:
    rows = some(share)
    path = written(ward(creatinine=PLAIN.mask(rows, PLAIN + " mg/dL")), tmp_path / "t.csv")
    cohort = answered(path, "numbers", asks=f"{rows.sum()} cells.*a unit")
    np.testing.assert_allclose(cohort.inputs["creatinine"], NUMBERS, atol=0.006)


APART: dict[str, Any] = {
    "two numbers": ward()["sbp"].astype(str) + "/80",
    "a range": [f"{n:.0f}-{n + 7:.0f}" for n in NUMBERS],
    "hours and minutes": ward()["sbp"].astype(str) + " days 03:04:05",
    "a word or sign for about": "~" + PLAIN,
    "powers of ten": PLAIN + " x10^3",
    "two units": PLAIN.mask(some(0.4), PLAIN + " µmol/L").where(some(0.4), PLAIN + " mg/dL"),
    "the same words behind each": ward()["sbp"].astype(str) + " (second reading)",
}


@pytest.mark.parametrize("way", APART)
def test_what_is_several_numbers_is_no_category_and_can_be_left_out(
    tmp_path: Path, way: str
) -> None:
    path = written(ward(bp=APART[way]), tmp_path / "t.csv")
    cohort = answered(path, "exclude", asks="a unit.*one unit" if way == "two units" else way)
    assert "bp" not in cohort.schema.names


def test_two_faults_at_once_are_two_lines(tmp_path: Path) -> None:
    frame = ward(age="'" + ward()["age"].astype(str), creatinine=PLAIN + " mg/dL")
    path = written(frame, tmp_path / "t.csv")
    lines = questions(path)
    assert len(lines) == 2
    settings = applied([remedies(line)[0] for line in lines])
    assert read(path, **settings).index["age"].max() <= 99


COMMA = PLAIN.str.replace(".", ",")


@pytest.mark.parametrize("share", [0.02, 0.4])
def test_a_decimal_comma_with_another_word_is_answered_in_two_steps(
    tmp_path: Path, share: float
) -> None:
    frame = ward(creatinine=COMMA.mask(some(share), "n.d.")).drop(columns="crp")
    path = written(frame, tmp_path / "t.csv")
    assert "a decimal comma" in question(path)
    cohort = answered(path, "missing_in", **applied(remedies(question(path))[:1]))
    assert cohort.inputs["creatinine"].isna().sum() == some(share).sum()
    np.testing.assert_allclose(cohort.inputs["creatinine"].dropna(), NUMBERS[~some(share)], 1e-3)


def test_a_comma_and_points_between_thousands_are_answered_together(tmp_path: Path) -> None:
    text = COUNTS.map("{:,.1f}".format).str.translate(str.maketrans(",.", ".,"))
    frame = ward(leukocytes=text).drop(columns=["crp", "creatinine"])
    cohort = answered(written(frame, tmp_path / "t.csv"), "decimal", "thousands")
    np.testing.assert_array_equal(cohort.inputs["leukocytes"], COUNTS)


@pytest.mark.parametrize("end", ["", " "])
def test_points_that_may_part_thousands_are_asked_about(tmp_path: Path, end: str) -> None:
    text = [f"{n / 1000:.3f}{end}" if n >= 1000 else str(n) for n in COUNTS]
    frame = ward(leukocytes=text).drop(columns=["crp", "creatinine"])
    path = written(frame, tmp_path / "t.csv")
    cohort = answered(path, "decimal", "thousands", asks="mark between thousands")
    np.testing.assert_array_equal(cohort.inputs["leukocytes"], COUNTS)
    assert answered(path, "numbers").inputs["leukocytes"].max() < 1000


@pytest.mark.parametrize(
    "values",
    [
        DRAW.choice(["E11.9", "I10", "J44.1"], ROWS),
        DRAW.choice(["40-49", "50-59", "60-69"], ROWS),
        DRAW.choice(["5 mg", "10 mg"], ROWS),
        DRAW.choice(["0", "1+", "2+", "3+"], ROWS),
        DRAW.choice(["T1", "T2", "T3a"], ROWS),
        DRAW.choice(["bed 1", "bed 2", "bed 12"], ROWS),
        DRAW.choice(["<25", "25-30", ">30"], ROWS),
    ],
)
def test_codes_bands_doses_grades_and_stages_stay_words(tmp_path: Path, values: Any) -> None:
    cohort = read(written(ward(item=values), tmp_path / "t.csv"))
    assert cohort.schema.field("item").kind == "category"
    assert told(cohort) == []


@pytest.mark.parametrize(
    "values", [NUMBERS, (NUMBERS / 100).round(3), "+" + PLAIN, "\u00a0" + PLAIN + " ", PLAIN + "e0"]
)
def test_numbers_that_every_program_reads_are_not_asked_about(tmp_path: Path, values: Any) -> None:
    cohort = read(written(ward(item=values), tmp_path / "t.csv"))
    assert cohort.schema.field("item").kind == "number"
    assert told(cohort) == []


CRP = ward()["crp"].round(1).astype(str)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4, 0.6, 0.95])
@pytest.mark.parametrize("half", [False, True])
def test_a_limit_is_refused_in_one_way_whatever_its_share(
    tmp_path: Path, share: float, half: bool
) -> None:
    rows = some(share)
    path = written(ward(crp=CRP.mask(rows, "<8.1")), tmp_path / ("t.parquet" if half else "t.csv"))
    line = question(path)
    assert f"{rows.sum()} cells look like numbers written with < or >" in line
    limit, in_half = (applied([word]) for word in remedies(line)[:2])
    cohort = read(path, **(in_half if half else limit))
    assert (cohort.inputs["crp"][rows] == (4.05 if half else 8.1)).all()


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("< 8.1", 8.1),
        ("≤8", 8.0),
        ("&lt;8", 8.0),
        ("<0,5", 0.5),
        ("<5 mg/L", 5.0),
        (">500", 500.0),
        ("below 5", 5.0),
        ("90+", 90.0),
    ],
)
@pytest.mark.parametrize("share", [0.1, 0.6])
def test_a_limit_is_known_in_other_spellings(
    tmp_path: Path, text: str, limit: float, share: float
) -> None:
    path = written(ward(crp=CRP.mask(some(share), text)), tmp_path / "t.csv")
    cohort = answered(path, "censored", asks="numbers written with")
    np.testing.assert_allclose(cohort.inputs["crp"][some(share)], limit)


def test_limits_on_both_sides_and_one_for_each_row(tmp_path: Path) -> None:
    crp = ("<" + CRP).where(some(0.7), CRP).mask(some(0.1, seed=8), ">200")
    cohort = answered(written(ward(crp=crp), tmp_path / "t.csv"), "censored")
    assert cohort.inputs["crp"].notna().all()


def test_a_word_for_below_the_limit_can_only_be_missing(tmp_path: Path) -> None:
    path = written(ward(crp=CRP.mask(some(0.6), "<LOD")), tmp_path / "t.csv")
    cohort = answered(path, "missing_in", asks="values are not numbers")
    assert cohort.inputs["crp"].isna().sum() == some(0.6).sum()
