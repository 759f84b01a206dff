"""A table that cannot be used gets one line: what is wrong, where, the remedy, and never a
patient's value.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from risk_model import config
from risk_model.core.errors import UserError
from risk_model.data import load

SURNAME = "Smith"  # must never be repeated
GOOD = [f"{20 + i},{i % 2}" for i in range(40)]


def csv(*rows: str, header: str = "age,died") -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def error(path: Path, **settings: Any) -> str:
    with pytest.raises(UserError) as caught:
        load(config.Table(path=str(path), **{"outcome": "died", **settings}))
    message = str(caught.value)
    assert "\n" not in message
    assert SURNAME not in message
    return message


def with_column(name: str, values: list[str]) -> bytes:
    return csv(
        *(f"{good},{value}" for good, value in zip(GOOD, values, strict=True)),
        header=f"age,died,{name}",
    )


NUMBERS = [str(i) for i in range(40)]
DATES = [f"2021-01-{1 + i % 28:02d}" for i in range(40)]
AMBIGUOUS = [f"0{1 + i % 9}/0{1 + i % 7}/2021" for i in range(40)]

BROKEN = {
    "an empty file": (b"", "the file is empty; export the table again"),
    "a header alone": (b"age,died\n", "there are no rows below the header"),
    "blank lines alone": (b"\n\n\n", "there is no header row"),
    "a workbook": (b"PK\x03\x04" + b"x" * 99, "save the table as CSV"),
    "Parquet cut short": (b"PAR1" + b"x" * 99, "was it copied whole?"),
    "no outcome column": (
        csv("54,1", header="age,dead"),
        "no column 'died' in .*did you mean 'dead'",
    ),
    "no header": (
        csv(*GOOD, header=f"{SURNAME},54,1"),
        "the first row looks like data; put a row of column names",
    ),
    "a constant outcome": (
        csv("54,1", "61,1"),
        "has the same value in every row; there is nothing to learn",
    ),
    "an outcome never recorded": (csv("54,", "61,NA"), "column 'died' is empty"),
    "three outcomes": (
        csv("54,0", "61,1", "70,2"),
        "3 different values; name the .* data.positive=…",
    ),
    "two unknown words": (
        csv("54,gone", "61,back"),
        "which value of 'died' is the event.*data.positive=…",
    ),
    "one and two": (csv("54,1", "61,2"), "which value of 'died' is the event"),
    "a name twice": (csv("54,1,2", header="age,died,age"), "'age' occurs more than once; rename"),
    "a short row": (csv(*GOOD, "54"), "1 rows do not have the header's 2 values .line 42."),
    "a long row": (
        csv(*GOOD[:3], "", f"1,2,{SURNAME}", *GOOD),
        "header's 2 values .line 6.; quote values",
    ),
    "a quote never closed": (
        csv(*GOOD[:3], f'54,"{SURNAME}', *GOOD),
        "a quote that opens in line 5 is never closed",
    ),
    "not UTF-8": (csv(*GOOD) + b"54,\xe9\n", r"byte 213 \(line 42\) is not UTF-8; .*iconv"),
    "a name not UTF-8": (b"\xe9ge,died\n1,0\n", r"byte 1 \(line 1\) is not UTF-8"),
    "UTF-16": ("age,died\n54,1\n".encode("utf-16"), "is UTF-16; .*iconv -f UTF-16"),
    "text in a number": (
        with_column("hb", [*NUMBERS[:5], SURNAME, *NUMBERS[6:20], SURNAME + "'s", *NUMBERS[21:]]),
        r"column 'hb': 2 values are not numbers \(lines 7, 22\); correct them, "
        r".*data.exclude=\[hb\]",
    ),
    "text in zeros and ones": (
        with_column("x", [SURNAME, *"01" * 19, "1"]),
        r"'x': 1 values are not numbers \(line 2\)",
    ),
    "decimal commas": (
        with_column("hb", [f'"{i},5"' for i in range(40)]),
        "written with a decimal comma .* read 3,5 as 3.5 with 'data.decimal=,'",
    ),
    "dates in two formats": (
        with_column("seen", [*DATES[:4], "05/13/2021", *DATES[5:]]),
        r"column 'seen': dates are written in 2 formats \(first at line 2 and line 6\); write all "
        r"as YYYY-MM-DD",
    ),
    "days first and months first": (
        with_column("seen", [f"{13 + i % 9}/01/2021" if i else "01/25/2021" for i in range(40)]),
        "dates are written in 2 formats .first at line 3 and line 2",
    ),
    "a time that can be read twice": (
        with_column("date", AMBIGUOUS),
        "day and month of its dates cannot be told apart",
    ),
    "a date that does not exist": (
        with_column("seen", ["2021-02-30", *DATES[1:]]),
        "'seen': .* not dates .*line 2",
    ),
}


@pytest.mark.parametrize(("content", "expected"), BROKEN.values(), ids=BROKEN)
def test_a_broken_table_is_refused_in_one_line(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    path = tmp_path / "my table.csv"
    path.write_bytes(content)
    message = error(path)
    assert re.search(expected, message), message


def test_a_file_that_is_not_there_is_named_with_the_place_looked_in(tmp_path: Path) -> None:
    assert f"there is no file {tmp_path / 'x.csv'} (looked in {Path.cwd()})" in error(
        tmp_path / "x.csv"
    )
    assert "there is no file" in error(tmp_path)


@pytest.mark.parametrize(
    ("key", "settings"), [("path", config.Table()), ("outcome", config.Table(path="x.csv"))]
)
def test_a_setting_left_open_is_asked_for(key: str, settings: config.Table) -> None:
    with pytest.raises(UserError, match=f"data.{key} is not set"):
        load(settings)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"subject": "agee"}, "data.subject: there is no column 'agee' in .*did you mean 'age'"),
        ({"exclude": ["weight"]}, "data.exclude: there is no column 'weight'"),
        ({"recorded_after": ["los"]}, "data.recorded_after: there is no column 'los'"),
        ({"time": "age"}, "data.time: column 'age' does not hold dates"),
        ({"age": "word"}, "data.age: column 'word' does not hold numbers"),
        ({"age": "age", "site": "age"}, "must name different columns"),
        ({"positive": "2"}, "data.positive: column 'died' has no value '2' .among them '0', '1'"),
        ({"schema": "nowhere.json"}, "data.schema: there is no file nowhere.json"),
    ],
)
def test_a_setting_that_names_what_is_not_there_is_refused(
    tmp_path: Path, settings: dict[str, object], expected: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(with_column("word", ["a", "b"] * 20))
    assert re.search(expected, error(path, **settings))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("nonsense", "is not a schema"),
        ([{"name": "weight", "kind": "number"}], "there is no column 'weight' in t.csv"),
        ([{"name": "died", "kind": "number"}], "the outcome 'died' must not be one of the fields"),
        (
            [{"name": "word", "kind": "number"}],
            r"column 'word': 40 values are not numbers \(lines 2, 3, 4 and 37 more\)",
        ),
        ([{"name": "word", "kind": "boolean"}], "column 'word': 40 values are not true or false"),
        (
            [{"name": "age", "kind": "number", "recorded_after": True}],
            "no column is left to learn from",
        ),
    ],
)
def test_a_schema_that_does_not_fit_the_table_is_refused(
    tmp_path: Path, fields: object, expected: str
) -> None:
    path, schema = tmp_path / "t.csv", tmp_path / "schema.json"
    path.write_bytes(with_column("word", ["a", "b"] * 20))
    schema.write_text(json.dumps({"name": "mine", "outcome": "died", "fields": fields}))
    assert re.search(expected, error(path, schema=str(schema)))


def test_a_place_is_the_line_of_the_file_whatever_stands_above(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f'{i},{i % 2},"two\nlines"' for i in range(20)]
    path.write_text("\n".join(["age,died,note", "", *rows, f"{SURNAME},1,x", "3,0,x"]) + "\n")
    assert "(line 43)" in error(path)


def test_a_place_in_parquet_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"died": [0, 1] * 10, "hb": [SURNAME, *map(str, range(19))]}).to_parquet(path)
    assert "(row 1)" in error(path)
