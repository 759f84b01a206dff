"""Without patient numbers nobody is counted as a patient, and the run asks for them once."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pandas as pd
import pytest

from risk_model import config
from risk_model.app.console import print_data
from risk_model.config import Config, Data, HeartDisease, Table
from risk_model.config.recordings import Recordings
from risk_model.core.cohort import Cohort, Splits
from risk_model.core.schema import RECORDINGS, Signal
from risk_model.data.leakage import check
from risk_model.data.patient_numbers import KIND, patient_findings
from risk_model.data.prepare import Prepared, prepare
from risk_model.data.quality import Quality, assess
from risk_model.data.sample_size import required_rows
from risk_model.data.split import split
from risk_model.data.split_report import shared_by_row_split
from risk_model.evaluation.results import RunEvaluation
from risk_model.reporting.report_view import row_split
from risk_model.reporting.sentences import discrimination

from tests.data.made_cohorts import cohort_of

NAMES = [("image", "images"), ("waveform", "recordings"), ("text", "notes"), (None, "rows")]
CLAIM = re.compile(r"\d (?:patients|subjects)|same subject|No patient stands in two parts")


def recorded(kind: str | None, index: dict[str, object] | None = None, n: int = 900) -> Cohort:
    """Rows with five numbers, of images, waveforms, notes or of a table; five pairs are equal."""
    draw = np.random.default_rng(0)
    columns = {f"x{i}": draw.normal(size=n) for i in range(5)}
    for column in columns.values():
        column[:5] = column[-5:]
    cohort = cohort_of(columns, draw.random(n) < 0.3, index)
    if kind is None:
        return cohort
    signal = Signal(kind, kind, (1, 28, 28), described=80)  # type: ignore[arg-type]  # one of them
    return replace(cohort, schema=replace(cohort.schema, signal=signal))


def divided(cohort: Cohort) -> tuple[Splits, Quality]:
    splits = split(cohort, config.Split(), Data(name="made"), 0)
    return splits, assess(cohort, splits)


def test_each_kind_of_recording_has_a_name() -> None:
    assert set(RECORDINGS) == set(get_args(get_type_hints(Signal)["kind"]))


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_patients_are_the_unit_only_where_it_is_known_whose_each_row_is(
    kind: str | None, name: str
) -> None:
    unknown = recorded(kind)
    named = recorded(kind, {"subject_id": np.arange(900).astype(str)})
    assert (unknown.row_name, unknown.unit) == (name, name)
    assert (named.row_name, named.unit) == (name, "patients")
    assert replace(unknown, one_row_per_patient=True).unit == "patients"


@pytest.mark.parametrize(
    ("settings", "severity", "says"),
    [
        (Table(), "warning", "data.subject=COLUMN"),
        (Recordings(), "warning", "data.subject=none"),
        (Data(name="breastmnist"), "note", "the source publishes no such numbers"),
    ],
)
@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_missing_patient_numbers_are_asked_for_in_one_line(
    settings: Data, severity: str, says: str, kind: str | None, name: str
) -> None:
    (finding,) = patient_findings(recorded(kind), settings)
    line = finding.line()
    assert (finding.severity, finding.kind, "\n" in line) == (severity, KIND, False)
    assert f"900 {name}" in line
    assert "not known whether one patient" in line
    assert says in line


def test_a_run_asks_once_and_only_who_can_answer(tmp_path: Path) -> None:
    path = tmp_path / "ward.csv"
    draw = np.random.default_rng(0)
    columns = {"lactate": draw.normal(3, 1, 800).round(2), "died": draw.random(800) < 0.3}
    pd.DataFrame(columns).to_csv(path, index=False)
    table = Table(path=str(path), outcome="died")
    unnamed = {"warning": table, "note": HeartDisease(), "": replace(table, subject="none")}
    for severity, settings in unnamed.items():
        asked = [f for f in prepare(Config(data=settings)).findings if f.kind == KIND]
        assert [f.severity for f in asked] == [severity] * bool(severity)


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_nothing_is_asked_where_patients_are_known(kind: str | None, name: str) -> None:
    named = recorded(kind, {"subject_id": np.arange(900).astype(str)})
    single = replace(recorded(kind), one_row_per_patient=True)
    assert [f for c in (named, single) for f in patient_findings(c, Table())] == []


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_what_is_printed_of_the_data_counts_no_patient_whom_nothing_names(
    kind: str | None, name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for index, claims in (({}, False), ({"subject_id": np.arange(900).astype(str)}, True)):
        cohort = recorded(kind, dict(index))
        splits, quality = divided(cohort)
        findings = [*check(cohort, splits), *quality.findings]
        print_data(Prepared(cohort, splits, quality, findings), tmp_path)
        printed = capsys.readouterr().out
        assert bool(CLAIM.search(printed)) == claims
        assert ("not known" in printed) != claims
        assert f"900 {name}" in printed


@pytest.mark.parametrize(("kind", "name"), NAMES)
@pytest.mark.parametrize("identified", [False, True])
def test_what_a_report_says_of_independence_is_that_it_is_not_known(
    kind: str | None, name: str, identified: bool, evaluation: RunEvaluation
) -> None:
    cohort = recorded(kind, {"subject_id": np.arange(900).astype(str)} if identified else None)
    judged = replace(evaluation, patients_identified=identified, row_name=cohort.row_name)
    said = row_split(shared_by_row_split(cohort, 0.2, 0), judged.row_name)
    said += discrimination("xgboost", "test", judged)
    assert ("is not known" in said, bool(CLAIM.search(said))) == (not identified, identified)
    assert identified or f"1,500 {name} (whose they are is not recorded" in said


@pytest.mark.parametrize(
    ("kind", "parameters"), [("image", 85), ("waveform", 85), ("text", 85), (None, 5)]
)
def test_the_sample_size_counts_what_the_regression_sees(kind: str | None, parameters: int) -> None:
    cohort = recorded(kind)
    splits, quality = divided(cohort)
    needed = max(required_rows(parameters, float(cohort.labels[splits.learning].mean())).values())
    text = " ".join(quality.answers["How much data is there?"])
    assert f"each of {parameters} candidate parameters" in text
    assert f"needs {needed:,} {cohort.row_name} to train on" in text
    table = quality.tables["development sample size"]
    assert max(int(str(row["rows needed"])) for row in table) == needed
    assert ("a network 784 values" in text) == (kind is not None)
    small = [f for f in quality.findings if f.kind == "small sample"]
    assert [f"{needed:,} needed for {parameters} parameters" in f.message for f in small] == [
        True
    ] * (needed > len(splits.train))
    assert all(f.remedy.endswith(f"more {cohort.row_name}") for f in small)


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_nobody_is_told_to_exclude_what_was_measured_on_a_recording(
    kind: str | None, name: str
) -> None:
    cohort = recorded(kind)
    cohort.inputs["x0"] = 1.0
    cohort.inputs["x1"] = np.arange(900.0)
    found = {f.where: (f.severity, f.remedy) for f in divided(cohort)[1].findings}
    asked = {"x0": ("warning", "add it to data.exclude"), "x1": ("warning", "exclude it")}
    measured = {"x0": ("note", "")}
    assert {k: v for k, v in found.items() if k in ("x0", "x1")} == (measured if kind else asked)
