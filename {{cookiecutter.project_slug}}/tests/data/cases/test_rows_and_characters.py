"""Numbers of rows that a program saved, and bytes that no text holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.data.cases.ward import ROWS, question, read, told, ward, written

NUMBERS = np.random.default_rng(3).permutation(ROWS + 100)[:ROWS]


def saved() -> pd.DataFrame:
    """A part of a table, whose index has gaps and does not rise."""
    frame = ward()
    frame.index = pd.Index(NUMBERS)
    return frame


@pytest.mark.parametrize("way", ["csv", "parquet", "twice", "renamed", "resampled"])
def test_an_index_that_was_saved_is_left_out_and_told(tmp_path: Path, way: str) -> None:
    path, frame = tmp_path / ("t.parquet" if way == "parquet" else "t.csv"), saved()
    if way == "parquet":
        frame.to_parquet(path)
    elif way == "twice":
        frame.to_csv(path)
        pd.read_csv(path).to_csv(path)
    elif way == "renamed":
        frame.reset_index().to_csv(path, index=False)
    else:
        pd.concat([frame, frame[:30]] if way == "resampled" else [frame]).to_csv(path)
    cohort = read(path)
    assert cohort.schema.names == ["age", "sex", "creatinine", "crp", "sbp", "diabetes"]
    reasons = [c.why for c in cohort.columns if c.read_as == "left out"]
    assert set(reasons) <= {
        "a saved row number",
        "an identifier: a different whole number in each row",
    }
    assert len(reasons) == 1 + (way == "twice")


@pytest.mark.parametrize(
    "name",
    ["Unnamed: 0", "Unnamed: 0.1", "__index_level_0__", "X", "index", "level_0", "row", "rn"],
)
@pytest.mark.parametrize("values", [NUMBERS, NUMBERS * 3.0 + 17])
def test_so_are_its_other_names(tmp_path: Path, name: str, values: Any) -> None:
    path = written(ward(ROWS, **{name: values}), tmp_path / "t.parquet")
    assert name not in read(path).schema.names


@pytest.mark.parametrize(
    "columns",
    [
        {"x": np.random.default_rng(0).normal(size=ROWS).round(2)},
        {"index": np.random.default_rng(0).integers(0, 60, ROWS)},
        {"platelets": NUMBERS},
        {"row": np.random.default_rng(0).choice(["front", "back"], ROWS)},
    ],
)
def test_measurements_under_such_names_stay(tmp_path: Path, columns: dict[str, Any]) -> None:
    cohort = read(written(ward(ROWS, **columns), tmp_path / "t.csv"))
    assert next(iter(columns)) in cohort.schema.names
    assert told(cohort) == []


def spoilt(values: Any, text: str) -> list[str]:
    return [text if i in (5, 70) else str(value) for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("sex", "F\0"),
        ("sex", "F\0M"),
        ("sex", "\0"),
        ("creatinine", "1.2\0"),
        ("died", "1\0"),
        ("patient_id", "P7\0"),
        ("hospital", "North\0"),
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_nul_byte_is_named_by_its_place(
    tmp_path: Path, column: str, text: str, name: str
) -> None:
    frame = ward(patient_id=[f"P{i}" for i in range(ROWS)], hospital=["North", "South"] * 300)
    path = written(frame.assign(**{column: spoilt(frame[column], text)}), tmp_path / name)
    line = question(path)
    assert "holds a NUL byte" in line
    assert ("lines 7, 72" if name == "t.csv" else "rows 6, 71") in line
    assert ("tr -d" in line) is (name == "t.csv")
    assert "\0" not in line


def test_a_nul_byte_in_the_header_too(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(ward().to_csv(index=False).encode().replace(b"creatinine", b"crea\0tinine"))
    assert "a column's name: holds a NUL byte" in question(path)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "cp1252"])
def test_another_encoding_is_named_with_the_command_that_mends_it(
    tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(ward(ort=["Köln", "Bonn"] * 300).to_csv(index=False).encode(encoding))
    assert f"iconv -f {'UTF-16' if encoding == 'utf-16' else 'WINDOWS-1252'}" in question(path)


@pytest.mark.parametrize("text", ["é", "日本", "😀", "e\u0301", "F\u00a0"])
def test_letters_of_any_script_are_words(tmp_path: Path, text: str) -> None:
    cohort = read(written(ward(ort=np.where(NUMBERS % 2, text, "Bonn")), tmp_path / "t.csv"))
    assert len(cohort.schema.field("ort").categories) == 2
    assert told(cohort) == []
