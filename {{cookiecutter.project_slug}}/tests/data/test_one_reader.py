"""Whatever training reads, scoring reads, with the same risks to the bit."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.data import load
from risk_model.data.tables.table_file import open_table
from risk_model.deployment.batch import column_encoder
from risk_model.deployment.requests import RefusedError, request_reader
from risk_model.deployment.table_stream import PIECE

ROWS = 400
Write = Callable[[pd.DataFrame, Path], dict[str, object]]


def table() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "died": draw.integers(0, 2, ROWS),
            "crp": draw.lognormal(1, 1, ROWS).round(2) + 0.01,
            "potassium": draw.normal(4, 0.5, ROWS).round(3),
            "visits": draw.integers(0, 30, ROWS),
            "sex": draw.choice(["F", "M"], ROWS),
            "diabetes": draw.integers(0, 2, ROWS),
        }
    )
    frame["crp"] = frame["crp"].mask(draw.random(ROWS) < 0.1)
    return frame


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype(object).where(frame.notna(), "").astype(str)


def csv(frame: pd.DataFrame, path: Path, **options: object) -> dict[str, object]:
    frame.to_csv(path, index=False, **options)  # type: ignore[call-overload]  # options differ in type
    return {}


def packed(frame: pd.DataFrame, path: Path) -> dict[str, object]:
    path.write_bytes(gzip.compress(frame.to_csv(index=False).encode()))
    return {}


def padded(frame: pd.DataFrame, path: Path) -> dict[str, object]:
    texts = as_text(frame).map(lambda text: f" {text}  ")
    texts.columns = pd.Index([f"  {name} " for name in texts.columns])
    return csv(texts, path)


def comma(frame: pd.DataFrame, path: Path) -> dict[str, object]:
    csv(frame, path, sep=";", decimal=",")
    return {"decimal": ","}


def thousands(frame: pd.DataFrame, path: Path) -> dict[str, object]:
    texts = as_text(frame)
    texts["crp"] = frame["crp"].map(lambda v: "" if v != v else f"{v * 1000:,.1f}")
    texts["crp"] = texts["crp"].str.translate(str.maketrans(",.", ".,"))
    texts["potassium"] = texts["potassium"].str.replace(".", ",")
    csv(texts, path, sep=";")
    return {"decimal": ",", "thousands": "."}


def coded(frame: pd.DataFrame, path: Path) -> dict[str, object]:
    csv(frame.fillna({"crp": 999.0}), path)
    return {"missing": ["", "999"]}


def coded_by_column(frame: pd.DataFrame, path: Path) -> dict[str, object]:
    csv(frame.fillna({"crp": -9.0}).assign(sex=frame["sex"].mask(frame.index < 20, "9")), path)
    return {"missing_in": ["crp=-9", "sex=9"]}


def with_units(frame: pd.DataFrame, path: Path) -> dict[str, object]:
    texts = as_text(frame)
    texts["crp"] = texts["crp"].map(lambda text: f"{text} mg/L" if text else "")
    csv(texts, path)
    return {"numbers": ["crp"]}


def censored(frame: pd.DataFrame, path: Path) -> dict[str, object]:
    texts = as_text(frame)
    texts["crp"] = texts["crp"].mask(frame["crp"] < 1.5, "<1.5")
    csv(texts, path)
    return {"censored": "half"}


def ticked(frame: pd.DataFrame, path: Path) -> dict[str, object]:
    csv(frame.assign(diabetes=np.where(frame["diabetes"], "x", "")), path)
    return {"ticked": ["diabetes"]}


def folded(frame: pd.DataFrame, path: Path) -> dict[str, object]:
    csv(frame.assign(sex=frame["sex"].mask(frame.index % 3 == 0, " f.")), path)
    return {"folded": ["sex"]}


def truth_in_words(frame: pd.DataFrame, path: Path) -> dict[str, object]:
    csv(frame.assign(diabetes=np.where(frame["diabetes"], "True", "FALSE")), path)
    return {}


def codes(frame: pd.DataFrame, path: Path) -> dict[str, object]:
    csv(frame.assign(visits=(frame["visits"] % 10).map("{:03d}".format)), path)
    return {}


def parquet(frame: pd.DataFrame, path: Path) -> dict[str, object]:
    frame.astype({"diabetes": bool, "sex": "category"}).to_parquet(path, index=False)
    return {}


def decimals(frame: pd.DataFrame, path: Path) -> dict[str, object]:
    content = pa.Table.from_pandas(frame, preserve_index=False)
    potassium = content["potassium"].cast(pa.decimal128(8, 3))
    stay = pa.array(frame["visits"].to_numpy() * 60, pa.duration("s"))
    at = content.column_names.index
    content = content.set_column(at("potassium"), "potassium", potassium)
    pq.write_table(content.set_column(at("visits"), "visits", stay), path)
    return {}


def coded_parquet(frame: pd.DataFrame, path: Path) -> dict[str, object]:
    frame.fillna({"crp": 999.0}).to_parquet(path, index=False)
    return {"missing": ["", "999.0"]}


FILES: dict[str, tuple[str, Write]] = {
    "plain": ("t.csv", csv),
    "semicolons": ("t.csv", lambda frame, path: csv(frame, path, sep=";")),
    "tabs": ("t.tsv", lambda frame, path: csv(frame, path, sep="\t")),
    "capital ending": ("t.CSV", csv),
    "quotes": ("t.csv", lambda frame, path: csv(frame, path, quoting=1)),
    "line ends of Windows": ("t.csv", lambda frame, path: csv(frame, path, lineterminator="\r\n")),
    "byte order mark": ("t.csv", lambda frame, path: csv(frame, path, encoding="utf-8-sig")),
    "packed": ("t.csv.gz", packed),
    "packed without saying so": ("t.csv", packed),
    "spaces": ("t.csv", padded),
    "decimal commas": ("t.csv", comma),
    "thousands": ("t.csv", thousands),
    "a code": ("t.csv", coded),
    "codes by column": ("t.csv", coded_by_column),
    "units": ("t.csv", with_units),
    "censored": ("t.csv", censored),
    "ticks": ("t.csv", ticked),
    "spellings": ("t.csv", folded),
    "truth in words": ("t.csv", truth_in_words),
    "leading zeros": ("t.csv", codes),
    "Parquet": ("t.parquet", parquet),
    "decimals and durations": ("t.parquet", decimals),
    "a code in Parquet": ("t.parquet", coded_parquet),
}


def read(tmp_path: Path, name: str) -> tuple[Path, Cohort]:
    file, write = FILES[name]
    settings = write(table(), tmp_path / file)
    path = tmp_path / file
    return path, load(config.Table(path=str(path), outcome="died", **settings))  # type: ignore[arg-type]  # each test has its own


def scored(path: Path, cohort: Cohort) -> tuple[npt.NDArray[np.float32], int]:
    """What a file becomes when it is scored, and how many rows are refused."""
    encode, rows, refused = column_encoder(cohort.schema.served()), [], 0
    for piece in open_table(path).pieces(PIECE):
        features, broken = encode(piece)
        rows.append(features.copy())
        refused += int(np.logical_or.reduce([*broken.values()]).sum()) if broken else 0
    return np.concatenate(rows), refused


@pytest.mark.parametrize("name", FILES)
def test_what_was_trained_on_can_be_scored_and_is_the_same_to_the_bit(
    tmp_path: Path, name: str
) -> None:
    path, cohort = read(tmp_path, name)
    features, refused = scored(path, cohort)
    assert refused == 0
    np.testing.assert_array_equal(features, cohort.encoded())


@pytest.mark.parametrize("name", FILES)
def test_every_way_of_writing_is_the_same_table(tmp_path: Path, name: str) -> None:
    _, cohort = read(tmp_path, name)
    kinds = {field.name: field.kind for field in cohort.schema.fields}
    expected = {"crp": "number", "potassium": "number", "visits": "number", "diabetes": "boolean"}
    if name == "leading zeros":
        expected["visits"] = "category"
    assert kinds == {**expected, "sex": "category"}
    if name not in ("thousands", "decimals and durations", "leading zeros", "censored"):
        crp = cohort.inputs["crp"].to_numpy()
        np.testing.assert_array_equal(crp, table()["crp"].to_numpy())


@pytest.mark.parametrize(
    ("name", "value", "missing"),
    [
        ("a code", {"crp": 999, "visits": 3}, True),
        ("a code", {"crp": 999.0, "visits": 3}, True),
        ("a code", {"crp": 5.5, "visits": 3}, False),
        ("codes by column", {"crp": -9, "visits": 3}, True),
        ("codes by column", {"sex": "9", "visits": 3}, True),
        ("spellings", {"sex": "f", "visits": 3}, False),
    ],
)
def test_a_request_follows_the_rules_that_training_learnt(
    tmp_path: Path, name: str, value: dict[str, object], missing: bool
) -> None:
    import json

    _, cohort = read(tmp_path, name)
    request = request_reader(cohort.schema.served())(json.dumps({"inputs": value}).encode())
    (first, *_) = value
    assert (first in request.missing) is missing


def test_a_code_of_one_column_is_a_value_of_another(tmp_path: Path) -> None:
    _, cohort = read(tmp_path, "codes by column")
    with pytest.raises(RefusedError):
        request_reader(cohort.schema.served())(b'{"inputs": {"visits": -9, "crp": 3}}')


def test_the_rules_travel_in_the_schema(tmp_path: Path) -> None:
    for name in ("a code", "codes by column", "thousands", "units", "censored", "spellings"):
        _, cohort = read(tmp_path, name)
        assert type(cohort.schema).from_json(cohort.schema.to_json()) == cohort.schema


def test_a_code_that_occurs_nowhere_is_told(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "t.csv", index=False)
    settings = config.Table(path=str(tmp_path / "t.csv"), outcome="died", missing=["", "-77"])
    (note,) = [note for note in load(settings).notes if note.kind == "missing code"]
    assert note.severity == "warning"
    assert "'-77' occurs in no column" in note.message
