"""Another hospital's file in other units or words is not judged as if its values were missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from risk_model import config
from risk_model.config import Config
from risk_model.core.errors import UserError
from risk_model.data.drift_reference import reference
from risk_model.data.sources.coerce import REFUSED
from risk_model.validation.external import read_external, recalibrate

from tests.data.cases.ward import ROWS, answered, questions, read, some, told, ward, written
from tests.made_service import make_package

Change = Callable[[pd.DataFrame], pd.DataFrame]


def schema_of(tmp_path: Path) -> str:
    """The schema that training on this ward inferred."""
    path = tmp_path / "schema.json"
    path.write_text(read(written(ward(), tmp_path / "train.csv")).schema.to_json())
    return str(path)


OTHER: dict[str, tuple[str, Change]] = {
    "another unit": ("creatinine", lambda t: t.assign(creatinine=t["creatinine"] * 88.4)),
    "a unit 1,000 times smaller": ("crp", lambda t: t.assign(crp=t["crp"] * 1000)),
    "other words": ("sex", lambda t: t.assign(sex=t["sex"].map({"F": "female", "M": "male"}))),
    "another language": (
        "diabetes",
        lambda t: t.assign(diabetes=t["diabetes"].map({"no": "Nein", "yes": "Ja"})),
    ),
    "codes for words": ("sex", lambda t: t.assign(sex=t["sex"].map({"F": 2, "M": 1}))),
    "most rows": ("sbp", lambda t: t.assign(sbp=t["sbp"].mask(some(0.7), t["sbp"] * 100))),
    "negative": ("sbp", lambda t: t.assign(sbp=-t["sbp"])),
    "few recorded": ("crp", lambda t: t.assign(crp=(t["crp"] * 1000).mask(some(0.7)))),
}


@pytest.mark.parametrize("way", OTHER)
@pytest.mark.parametrize("name", ["there.csv", "there.parquet"])
def test_a_field_that_mostly_does_not_fit_stops_the_evaluation(
    tmp_path: Path, way: str, name: str
) -> None:
    field, change = OTHER[way]
    path = written(change(ward()), tmp_path / name)
    cohort = answered(path, "accept", schema=schema_of(tmp_path), asks=f"^{field}: .*do not fit")
    assert [note.where for note in told(cohort) if note.kind != REFUSED] == [field]


def test_three_faults_are_three_questions(tmp_path: Path) -> None:
    frame = ward()
    for way in ("another unit", "other words", "another language"):
        frame = OTHER[way][1](frame)
    lines = questions(written(frame, tmp_path / "there.csv"), schema=schema_of(tmp_path))
    assert [line.split(":")[0] for line in lines] == ["sex", "creatinine", "diabetes"]
    assert "another unit?" in lines[1]
    assert "other words?" in lines[0]


@pytest.mark.parametrize(
    ("share", "severity"), [(0.002, "note"), (0.02, "warning"), (0.4, "warning")]
)
def test_some_rows_that_the_service_would_refuse_are_counted(
    tmp_path: Path, share: float, severity: str
) -> None:
    rows = some(share)
    frame = ward(sex=ward()["sex"].mask(rows, "divers"))
    cohort = read(written(frame, tmp_path / "there.csv"), schema=schema_of(tmp_path))
    (note,) = [note for note in cohort.notes if note.kind == REFUSED]
    assert note.message.startswith(f"the service would refuse {rows.sum()} of 600 rows")
    assert note.severity == severity


def test_a_hospital_like_the_first_is_judged_without_a_word(tmp_path: Path) -> None:
    frame = ward(creatinine=ward()["creatinine"].mask(some(0.4)), crp=[None] * ROWS)
    cohort = read(written(frame, tmp_path / "there.csv"), schema=schema_of(tmp_path))
    assert told(cohort) == []
    assert [note for note in cohort.notes if note.kind == REFUSED] == []


def test_evaluation_and_recalibration_stop_and_say_how_many_rows_would_be_refused(
    tmp_path: Path,
) -> None:
    trained = read(written(ward(), tmp_path / "train.csv"))
    summary = reference(trained, np.arange(ROWS))
    package = make_package(tmp_path / "package", trained.schema.served(), summary)

    def wanted(frame: pd.DataFrame) -> Config:
        data = config.Table(path=str(written(frame, tmp_path / "there.csv")), outcome="died")
        return Config(data=data, package=str(package.directory), output=str(tmp_path / "out"))

    said: list[Any] = []
    read_external(wanted(ward()), lambda step, text: said.append(text))
    assert said[0] == "the service would answer for all 600 rows"
    assert all("of 600 rows with a warning" in line for line in said[1:])
    said.clear()
    some_words = ward(sex=np.where(some(0.1), "divers", ward()["sex"]))
    read_external(wanted(some_words), lambda step, text: said.append(text))
    assert said[0] == "the service would refuse 60 of 600 rows (sex 60)"
    elsewhere = OTHER["another unit"][1](ward())
    for command in (read_external, recalibrate):
        with pytest.raises(UserError, match=r"creatinine: .*another unit"):
            command(wanted(elsewhere))


def test_rows_that_lack_what_training_always_had_are_refused_and_not_called_another_unit(
    tmp_path: Path,
) -> None:
    trained = read(written(ward(), tmp_path / "train.csv"))
    fields = tuple(replace(f, missing_allowed=f.name != "crp") for f in trained.schema.fields)
    schema = replace(trained.schema, fields=fields)
    (tmp_path / "schema.json").write_text(schema.to_json())
    there = written(ward(crp=[None] * 400 + [5.0] * 200), tmp_path / "there.csv")
    cohort = read(there, schema=str(tmp_path / "schema.json"))
    assert told(cohort) == [note for note in cohort.notes if note.kind == REFUSED]
    (note,) = told(cohort)
    assert note.message == "the service would refuse 400 of 600 rows (crp 400)"
