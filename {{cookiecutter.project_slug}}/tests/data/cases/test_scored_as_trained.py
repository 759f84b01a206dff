"""Scoring reads what training read: files of any spelling, names like results, and bad rows."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.data.tables.table_file import open_table
from risk_model.deployment.batch import column_encoder
from risk_model.deployment.requests import RefusedError, request_reader
from risk_model.deployment.table_stream import PIECE, check_columns

from tests.data.cases.ward import ROWS, read, some, ward, written

FRAME = ward(
    glucose=np.random.default_rng(3).normal(140, 40, ROWS).round(),
    reason=np.random.default_rng(4).choice(["fever", "pain"], ROWS),
)


def scored(path: Path, cohort: Cohort) -> tuple[Any, list[dict[str, list[int]]]]:
    """What a file becomes when it is scored, and by piece the rows that break each rule."""
    schema = cohort.schema.served()
    table = open_table(path, "input")
    check_columns(path, table.names, [field.name for field in schema.inputs])
    encode, rows, refused = column_encoder(schema), [], []
    for piece in table.pieces(PIECE):
        features, broken = encode(piece)
        rows.append(features.copy())
        refused.append({rule: np.flatnonzero(mask).tolist() for rule, mask in broken.items()})
    return np.concatenate(rows), [each for each in refused if each]


def trained(tmp_path: Path, frame: pd.DataFrame = FRAME, **settings: Any) -> Cohort:
    return read(written(frame, tmp_path / "train.csv"), **settings)


def lines(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "new.csv"
    path.write_text("age,sex,creatinine,crp,sbp,diabetes,glucose,reason\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("name", ["reason", "risk", "flagged", "model_version"])
def test_an_input_may_be_called_like_a_result(tmp_path: Path, name: str) -> None:
    frame = FRAME.drop(columns="reason").assign(**{name: FRAME["reason"]})
    cohort = trained(tmp_path, frame)
    features, refused = scored(tmp_path / "train.csv", cohort)
    assert refused == []
    np.testing.assert_array_equal(features, cohort.encoded())


def test_a_column_that_is_copied_may_not(tmp_path: Path) -> None:
    cohort = trained(tmp_path, FRAME.drop(columns="reason"))
    with pytest.raises(UserError, match="named like results: reason"):
        scored(written(FRAME, tmp_path / "new.csv"), cohort)


CODES: list[tuple[dict[str, Any], str]] = [
    ({"missing": ["", "999"]}, "999"),
    ({"missing": ["", "999"]}, "999.0"),
    ({"missing": ["", "999.00"]}, "9.99e2"),
    ({"missing_in": ["glucose=-9"]}, "-9.0"),
    ({"missing": ["", "not done"]}, "not done"),
    ({}, "NA"),
]


@pytest.mark.parametrize(("settings", "code"), CODES)
def test_a_code_of_training_is_as_blank_when_scored(
    tmp_path: Path, settings: dict[str, Any], code: str
) -> None:
    spoilt = FRAME["glucose"].astype(object).where(~some(0.1), code)
    cohort = trained(tmp_path, FRAME.assign(glucose=spoilt), **settings)
    new = lines(
        tmp_path,
        "52,F,0.9,5,130,no,120,fever",
        f"52,F,0.9,5,130,no,{code},fever",
        "52,F,0.9,5,130,no,,fever",
    )
    features, refused = scored(new, cohort)
    assert refused == []
    np.testing.assert_array_equal(features[1], features[2])
    assert not np.array_equal(features[0], features[1])
    frame = pd.read_csv(new, keep_default_na=False, na_values=[""], dtype={"glucose": str})
    frame.to_parquet(tmp_path / "new.parquet")
    np.testing.assert_array_equal(scored(tmp_path / "new.parquet", cohort)[0], features)


@pytest.mark.parametrize("value", [999, 999.0])
def test_a_request_means_the_same_by_that_code(tmp_path: Path, value: float) -> None:
    frame = FRAME.assign(glucose=FRAME["glucose"].mask(some(0.1), 999))
    ask = request_reader(trained(tmp_path, frame, missing=["", "999"]).schema.served())
    coded, blank = (
        ask(json.dumps({"inputs": {"age": 52, "glucose": given}}).encode())
        for given in (value, None)
    )
    assert coded.missing == blank.missing
    np.testing.assert_array_equal(coded.row, blank.row)


def test_a_suspected_code_that_nobody_confirmed_is_refused_when_scored(tmp_path: Path) -> None:
    frame = FRAME.assign(glucose=FRAME["glucose"].mask(some(0.1), 999))
    cohort = trained(tmp_path, frame)
    _, refused = scored(lines(tmp_path, "52,F,0.9,5,130,no,999,fever"), cohort)
    assert [[*broken.values()] for broken in refused] == [[[0]]]
    with pytest.raises(RefusedError):
        request_reader(cohort.schema.served())(b'{"inputs": {"glucose": 999}}')


@pytest.mark.parametrize("blank", [",,,,,,,", " , ,,NA,?,,null,."])
def test_a_row_without_any_value_gets_a_reason(tmp_path: Path, blank: str) -> None:
    path = lines(tmp_path, "52,F,0.9,5,130,no,120,fever", blank)
    _, refused = scored(path, trained(tmp_path))
    assert [[*broken] for broken in refused] == [["at least one field must have a value"]]
    assert [[*broken.values()] for broken in refused] == [[[1]]]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("62,F,<5,10,143,no,120,pain", "creatinine must be"),
        ("62,F,0.9 mg/dL,10,143,no,120,pain", "creatinine must be"),
        ('62,F,"0,9",10,143,no,120,pain', "creatinine must be"),
        ("62,F,1e400,10,143,no,120,pain", "creatinine must be"),
        ("62,X,0.9,10,143,no,120,pain", "sex must be"),
        ("62,F,0.9,10,-143,no,120,pain", "sbp must be"),
    ],
)
def test_a_bad_cell_refuses_its_row_alone(tmp_path: Path, row: str, rule: str) -> None:
    good = "67,M,0.92,15.0,135,no,140,fever"
    _, refused = scored(lines(tmp_path, good, row, good), trained(tmp_path))
    assert [[*broken.values()] for broken in refused] == [[[1]]]
    assert [next(iter(broken)).startswith(rule) for broken in refused] == [True]


@pytest.mark.parametrize(
    "row", ["67,M ,0.92, 15.0,135,no ,140,fever", '" 67","M ",0.92,15,135,no,140, fever']
)
def test_spaces_around_a_cell_change_nothing(tmp_path: Path, row: str) -> None:
    cohort = trained(tmp_path)
    plain, _ = scored(lines(tmp_path, "67,M,0.92,15,135,no,140,fever"), cohort)
    padded, refused = scored(lines(tmp_path, row), cohort)
    assert refused == []
    np.testing.assert_array_equal(padded, plain)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_every_separator_of_training_is_one_of_scoring(
    tmp_path: Path, separator: str, quoting: Any
) -> None:
    frame = FRAME.rename(columns={"crp": " crp "})
    frame.to_csv(tmp_path / "t.TXT", sep=separator, index=False, quoting=quoting)
    cohort = read(tmp_path / "t.TXT")
    features, refused = scored(tmp_path / "t.TXT", cohort)
    assert refused == []
    np.testing.assert_array_equal(features, cohort.encoded())


def test_columns_of_other_types_in_parquet_are_read_as_in_training(tmp_path: Path) -> None:
    cohort = trained(tmp_path)
    content = pa.Table.from_pandas(FRAME, preserve_index=False)
    for name, kind in (
        ("age", pa.int8()),
        ("sbp", pa.decimal128(25, 1)),
        ("sex", pa.large_string()),
    ):
        column = content[name].cast(kind, safe=False)
        content = content.set_column(content.column_names.index(name), name, column)
    pq.write_table(content, tmp_path / "new.parquet")
    features, refused = scored(tmp_path / "new.parquet", cohort)
    assert refused == []
    np.testing.assert_array_equal(features, cohort.encoded())
