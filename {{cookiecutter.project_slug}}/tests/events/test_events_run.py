"""Does a cohort of events go the whole way, and are training, batch and requests one extractor?"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from risk_model import pipeline
from risk_model.config.events import Events
from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.data import load
from risk_model.data.sources.event_moments import connect, possible_moments
from risk_model.data.sources.event_tables import EventFiles, read_events
from risk_model.data.sources.events import EventCohort
from risk_model.deployment import batch
from risk_model.deployment.application import create_app
from risk_model.deployment.event_batch import moment_encoder
from risk_model.deployment.event_requests import event_reader
from risk_model.deployment.requests import PredictionRequest, RefusedError
from risk_model.signals.event_schema import page_of

from tests.events.made_run import (
    SUBJECTS,
    body,
    bundles,
    moments,
    requested_events,
    small_settings,
)

STAYS = f"generated/synthetic_events-{SUBJECTS}-0"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pipeline.RunResult]:
    """A run in a directory of its own, in which the tests of this file stay."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("events"))
        yield pipeline.run(small_settings())


@pytest.fixture(scope="module")
def package(result: pipeline.RunResult) -> ModelPackage:
    """The run's logistic regression."""
    return ModelPackage.open(result.directory / "packages" / "logistic_regression")


@pytest.fixture(scope="module")
def cohort(result: pipeline.RunResult) -> EventCohort:
    made = load(small_settings().data)
    assert isinstance(made, EventCohort)
    return made


@pytest.fixture(scope="module")
def sent(result: pipeline.RunResult) -> dict[str, list[dict[str, Any]]]:
    """Each patient's events as a request lists them, shuffled, their order in ties kept."""
    return requested_events(Path(STAYS, "meds/data/0.parquet"))


def read(package: ModelPackage, content: bytes) -> PredictionRequest:
    return event_reader(package.schema)(content)


def test_training_rows_requests_and_bundles_are_equal_bit_by_bit(
    package: ModelPackage, cohort: EventCohort, sent: dict[str, list[dict[str, Any]]]
) -> None:
    rows, fhir = cohort.encoded(), bundles(Path(STAYS, "fhir"))
    for row, (subject, at) in zip(rows, moments(cohort).items(), strict=True):
        listed = read(package, body(at, events=sent[subject]))
        assert listed.row.tobytes() == row.tobytes()
        assert read(package, body(at, bundle=fhir[subject])).row.tobytes() == row.tobytes()


def test_files_to_score_give_the_rows_of_training_whatever_their_order(
    package: ModelPackage, cohort: EventCohort, tmp_path: Path
) -> None:
    table = pq.read_table(f"{STAYS}/meds/data/0.parquet")
    mixed = np.random.default_rng(0).permutation(table.num_rows)
    pq.write_table(table.take(mixed), tmp_path / "mixed.parquet")
    page = page_of(package.schema.spec)
    assert page.spec.index is not None
    events = read_events(EventFiles(tmp_path / "mixed.parquet"), tmp_path / "read").path
    con = connect(events)
    every = possible_moments(con, page.spec.index)
    positions = pa.RecordBatch.from_arrays([pa.array(np.arange(len(every.at)))], ["position"])
    features, broken = moment_encoder(con, page.spec, every)(positions)
    known = dict(zip(every.subject.tolist(), features, strict=True))
    for subject, row in zip(cohort.index["subject_id"], cohort.encoded(), strict=True):
        assert known[subject].tobytes() == row.tobytes()
    assert "outcome within the gap" not in broken  # nobody knows it at the moment


def test_a_file_of_events_is_scored_moment_by_moment_with_reasons(
    package: ModelPackage, tmp_path: Path
) -> None:
    counts = batch.score(package, Path(STAYS, "meds"), tmp_path / "risks.parquet")
    scored = pd.read_parquet(tmp_path / "risks.parquet")
    assert list(scored.columns[:3]) == ["subject_id", "prediction_time", "risk"]
    assert counts.rows == len(scored) == SUBJECTS
    assert scored["risk"].notna().sum() == counts.rows - counts.refused > 0.9 * SUBJECTS


def test_who_was_left_out_stands_in_report_card_and_findings(
    result: pipeline.RunResult, cohort: EventCohort
) -> None:
    report = (result.directory / "report.html").read_text(encoding="utf-8")
    card = (result.directory / "packages/logistic_regression/model_card.md").read_text()
    assert cohort.flow is not None
    for step in cohort.flow.steps:
        assert step.reason in report
        assert f"{step.moments:,} moments, {step.subjects:,} subjects" in card
    assert "not followed" in card
    assert sum(step.moments for step in cohort.flow.left_out) + len(cohort) == SUBJECTS


def client(package: ModelPackage, folder: Path) -> TestClient:
    app = create_app(package, folder / "audit/audit.db", accepted="Test: made-up patients")
    return TestClient(app, base_url="http://127.0.0.1")


def test_the_service_says_what_was_used_and_explains_by_measurement(
    package: ModelPackage,
    cohort: EventCohort,
    sent: dict[str, list[dict[str, Any]]],
    tmp_path: Path,
) -> None:
    subject, at = next(iter(moments(cohort).items()))
    events = [*sent[subject], {"time": at, "code": "LOINC/1", "value": 3}]
    events.append({"time": at, "code": "LOINC/2524-7", "value": 3, "unit": "mg/dL"})
    events.append({"time": at, "code": "LOINC/2524-7", "value": 3e4, "unit": "mmol/L"})
    with client(package, tmp_path) as service:
        response = service.post(
            "/v1/predict?explain=true",
            content=body(at, events=events),
            headers={"content-type": "application/json"},
        )
        document = service.get("/openapi.json").json()
    answer = response.json()
    assert response.status_code == 200, answer
    used = answer["used"]
    assert used["used"] + sum(used.values()) - used["used"] == len(events)
    assert used["unit not convertible"] == used["out of range"] == 1
    assert used["later than at"] > 10
    assert set(answer["explanation"]["contributions"]) == {
        "heart_rate",
        "lactate",
        "glucose",
        "age",
        "female",
    }
    risk = answer["explanation"]["base"] + sum(answer["explanation"]["contributions"].values())
    assert abs(1 / (1 + np.exp(-risk)) - answer["risk"]) < 0.05
    assert "bundle" in json.dumps(document)


def test_the_request_of_the_readme_is_answered(package: ModelPackage, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    [sent] = re.findall(r"(?s)-d '(\{\"inputs\": \{\"events\".*?\})'", text)
    with client(package, tmp_path) as service:
        headers = {"content-type": "application/json"}
        response = service.post("/v1/predict", content=sent.encode(), headers=headers)
    assert response.status_code == 200, response.json()
    assert response.json()["used"] == {"used": 7, "for the population only": 1}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no index event": ({"events": []}, "ENCOUNTER_START/IMP"),
    "not a list": ({"events": {}}, "must be a list"),
    "an event without a time": ({"events": [{"code": "x"}]}, "must have time and code"),
    "an hour without a zone": (
        {"events": [{"time": "2021-05-01T10:00:00", "code": "x"}]},
        "an hour without a time zone",
    ),
    "a truth value": (
        {"events": [{"time": None, "code": "x", "value": True}]},
        "must be a number, a text or null",
    ),
    "no Bundle": ({"bundle": {"resourceType": "Patient"}}, "must be a FHIR Bundle"),
    "neither": ({}, "either 'events' or 'bundle'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_answered_is_refused_in_one_line(
    package: ModelPackage, result: pipeline.RunResult, name: str
) -> None:
    wrong, said = REFUSED[name]
    with pytest.raises(RefusedError) as refused:
        read(package, body("2021-05-02T10:00:00Z", **wrong))
    assert refused.value.status == 422
    assert said in refused.value.errors[0][1]


def test_two_patients_in_one_bundle_are_refused(package: ModelPackage, cohort: EventCohort) -> None:
    fhir = bundles(Path(STAYS, "fhir"))
    (one, at), (two, _) = list(moments(cohort).items())[:2]
    both = {**fhir[one], "entry": fhir[one]["entry"] + fhir[two]["entry"]}
    with pytest.raises(RefusedError) as refused:
        read(package, body(at, bundle=both))
    assert refused.value.errors == [
        ("/inputs/events/bundle", "must hold the resources of one patient")
    ]


def test_a_patient_whose_stay_is_over_or_who_is_a_child_is_refused(
    package: ModelPackage, cohort: EventCohort, sent: dict[str, list[dict[str, Any]]]
) -> None:
    subject, at = next(iter(moments(cohort).items()))
    over = [*sent[subject], {"time": at, "code": "ENCOUNTER_END/IMP"}]
    child = [event for event in sent[subject] if event["code"] != "MEDS_BIRTH"]
    child.append({"time": "2015-05-05", "code": "MEDS_BIRTH"})
    for events, reason in ((over, "stay ended"), (child, "not eligible: adults")):
        with pytest.raises(RefusedError) as refused:
            read(package, body(at, events=events))
        assert "outside the population" in refused.value.detail
        assert reason in refused.value.errors[0][1]


def test_the_order_of_sent_events_changes_only_ties(
    package: ModelPackage, cohort: EventCohort, sent: dict[str, list[dict[str, Any]]]
) -> None:
    subject, at = next(iter(moments(cohort).items()))
    untied = {(event["code"], event["time"]): event for event in sent[subject]}
    first = read(package, body(at, events=list(untied.values())))
    mixed = random.Random(0).sample(list(untied.values()), len(untied))
    assert read(package, body(at, events=mixed)).row.tobytes() == first.row.tobytes()


def test_serving_events_imports_neither_database_nor_pandas_nor_torch() -> None:
    program = """
import sys
import risk_model.deployment.application
import risk_model.deployment.event_input
print(*sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {module.split(".")[0] for module in done.stdout.split()}
    assert loaded & {"duckdb", "pandas", "pyarrow", "torch", "yaml", "scipy"} == set()


def test_meds_and_fhir_of_the_same_stays_are_one_cohort(
    result: pipeline.RunResult, cohort: EventCohort
) -> None:
    fhir = load(small_settings(files="fhir").data)
    assert fhir.fingerprint() == cohort.fingerprint()


def test_settings_that_are_for_tables_are_refused(result: pipeline.RunResult) -> None:
    for key in ("recorded_after", "compare_with"):
        with pytest.raises(UserError, match=f"data.{key} is for tables"):
            load(small_settings(**{key: ["lactate last since start"]}).data)


def test_without_a_page_codes_are_printed_and_a_page_to_edit_is_written(
    result: pipeline.RunResult,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stays = Path(STAYS, "meds").resolve()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"data\.spec is not set: events\.yaml was written"):
        load(Events(path=str(stays)))
    assert "LOINC/2345-7: several units" in capsys.readouterr().out
    with pytest.raises(UserError, match="is there already"):
        load(Events(path=str(stays)))
    with pytest.raises(UserError, match="not_followed: must be"):
        load(Events(path=str(stays), spec="events.yaml"))
    text = Path("events.yaml").read_text(encoding="utf-8")
    edited = text.replace("not_followed:", "not_followed: exclude")
    Path("events.yaml").write_text(edited)
    with pytest.raises(
        UserError, match=r"1,0\d\d of 9,958 events have the code LOINC/2345-7 in mg/dL"
    ):
        load(Events(path=str(stays), spec="events.yaml"))
    glucose = 'code: "LOINC/2345-7", unit: "mmol/L"'
    Path("events.yaml").write_text(edited.replace(glucose, f"{glucose}, from: {{mg/dL: 0.0555}}"))
    assert len(load(Events(path=str(stays), spec="events.yaml"))) > 0.9 * SUBJECTS
