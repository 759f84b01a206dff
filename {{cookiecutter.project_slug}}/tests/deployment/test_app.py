"""Is every answer checked, recorded and explained, and does no refusal leak what was sent?"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.core.schema import encode
from risk_model.core.scores import logit
from risk_model.deployment import conditions
from risk_model.deployment.app import Service
from risk_model.deployment.application import create_app
from risk_model.deployment.audit import AuditError
from risk_model.deployment.audit.verify import verify
from risk_model.deployment.explanations import CALIBRATED, RequestExplainer

from tests.made_log import commits_to
from tests.made_service import GUARD, request_body

JSON = {"content-type": "application/json"}
SECRET = "Mustermann"  # noqa: S105


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture
def client(package: ModelPackage, log: Path) -> Iterator[TestClient]:
    with TestClient(create_app(package, log), raise_server_exceptions=False) as client:
        yield client


def service(client: TestClient) -> Service:
    found: Service = cast("FastAPI", client.app).state.service
    return found


def records(log: Path, kind: str) -> list[dict[str, Any]]:
    rows = sqlite3.connect(log).execute("SELECT body FROM record ORDER BY seq").fetchall()
    return [body for body in (json.loads(row) for (row,) in rows) if body["type"] == kind]


def predict(client: TestClient, inputs: Any, **more: Any) -> Any:
    return client.post("/v1/predict", json=request_body(inputs, **more))


def test_the_answer_is_the_models_risk_of_the_encoded_patient(
    client: TestClient, package: ModelPackage, patient: dict[str, Any]
) -> None:
    answer = predict(client, patient).json()
    risk = package.scorer(encode({k: [v] for k, v in patient.items()}, package.schema))[0][0]
    assert answer["risk"] == round(float(risk), 2)
    assert answer["flagged"] is bool(risk >= package.threshold)
    assert answer["operating_threshold"] == package.threshold
    assert answer["model_version"] == package.sha256
    assert answer["outcome"] == "death"
    assert answer["missing"] == answer["input_warnings"] == []
    assert "explanation" not in answer


@pytest.mark.parametrize("above", [1e-6, 0.0, -1e-6])
def test_the_packages_own_threshold_flags_a_risk_that_reaches_it(
    make_package: Callable[..., ModelPackage],
    package: ModelPackage,
    patient: dict[str, Any],
    log: Path,
    above: float,
) -> None:
    risk = package.scorer(encode({k: [v] for k, v in patient.items()}, package.schema))[0][0]
    assert 0 < risk < 0.4
    other = make_package(log.with_name("other"), operating_threshold=float(risk) - above)
    with TestClient(create_app(other, log)) as client:
        answer = predict(client, patient).json()
    assert (answer["risk"], answer["flagged"]) == (other.shown(float(risk)), above >= 0)
    (record,) = records(log, "prediction")
    assert (record["flagged"], record["operating_threshold"]) == (above >= 0, other.threshold)


def test_a_prediction_stands_in_the_log_with_its_model_and_without_its_inputs(
    client: TestClient, package: ModelPackage, patient: dict[str, Any], log: Path
) -> None:
    request_id = "0190a6de-7b1c-7c3e-9a0e-3d2f1f6f0a11"
    answer = predict(client, {**patient, "heart_rate": 123.456}, request_id=request_id).json()
    (record,) = records(log, "prediction")
    assert record["event_id"] == answer["prediction_id"]
    assert answer["request_id"] == record["request_id"] == request_id
    assert (record["risk"], record["flagged"]) == (answer["risk"], answer["flagged"])
    assert record["model_sha256"] == package.sha256
    row = encode({k: [v] for k, v in {**patient, "heart_rate": 123.456}.items()}, package.schema)
    assert commits_to(log, record["event_id"], row.tobytes())
    for told in (b"123.456", b"heart_rate", b"female", b"ICU"):
        assert told not in log.read_bytes() + log.with_name("audit.db-wal").read_bytes()


def test_a_patient_stands_in_the_log_under_a_pseudonym(
    client: TestClient, patient: dict[str, Any], log: Path
) -> None:
    for name in (SECRET, SECRET, "another"):
        assert predict(client, patient, subject=name).status_code == 200
    first, second, third = (record["subject"] for record in records(log, "prediction"))
    assert first == second != third
    assert SECRET.encode() not in log.read_bytes() + log.with_name("audit.db-wal").read_bytes()
    for wrong in ("", "x" * 129, 5, None):
        answer = predict(client, patient, subject=wrong)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/subject"


def test_fields_that_were_not_given_are_named_in_the_answer(client: TestClient) -> None:
    inputs = {"age": 60, "heart_rate": 80, "lactate": None, "sex": "male", "ward/unit": "ICU"}
    assert predict(client, inputs).json()["missing"] == ["lactate", "diabetes"]


@pytest.mark.parametrize("route", ["body", "query"])
def test_an_explanation_adds_up_to_the_log_odds_of_the_risk_in_hundredths(
    client: TestClient, package: ModelPackage, patient: dict[str, Any], log: Path, route: str
) -> None:
    body = request_body(patient, **({"explain": True} if route == "body" else {}))
    answer = client.post(
        "/v1/predict" + ("?explain=true" if route == "query" else ""), json=body
    ).json()
    told = answer["explanation"]
    assert list(told["contributions"]) == list(patient)
    log_odds = told["base"] + sum(told["contributions"].values())
    row = encode({k: [v] for k, v in patient.items()}, package.schema)
    assert log_odds == pytest.approx(logit(package.scorer(row)[0])[0], abs=0.0051)
    for shown in (log_odds, told["base"], *told["contributions"].values()):
        assert shown == pytest.approx(round(shown, 2), abs=1e-12)
    assert told["scale"] == CALIBRATED
    (record,) = records(log, "explanation")
    assert record["of"] == answer["prediction_id"]


@pytest.mark.parametrize("fault", ["raises", "slow", "record"])
def test_a_prediction_is_served_when_its_explanation_fails(
    client: TestClient, patient: dict[str, Any], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    def explain(request: Any) -> Any:
        if fault == "raises":
            raise RuntimeError(SECRET)
        if fault == "slow":
            answered.wait(GUARD)
        return {}, b"0"

    seconds = 0.1 if fault == "slow" else GUARD
    monkeypatch.setattr(service(client), "_explainer", RequestExplainer(explain, seconds))
    if fault == "record":
        real = service(client).audit.append

        async def append(kind: Any, *rest: Any) -> str:
            if kind == "explanation":
                raise AuditError
            return await real(kind, *rest)

        monkeypatch.setattr(service(client).audit, "append", append)
    answer = predict(client, patient, explain=True)
    answered.set()
    assert answer.status_code == 200
    assert answer.json()["explanation"] == {"available": False, "detail": "explanation unavailable"}


HOSTILE: list[tuple[str, bytes, dict[str, str], int]] = [
    ("not a number", b'{"inputs": {"age": NaN}}', JSON, 400),
    ("infinite", b'{"inputs": {"age": 1e999}}', JSON, 400),
    ("lone surrogate", b'{"inputs": {"sex": "\\ud800"}}', JSON, 400),
    ("lone surrogate as name", b'{"inputs": {"\\ud800": 1}}', JSON, 400),
    ("key twice", b'{"inputs": {"age": 54, "age": 30}}', JSON, 400),
    ("deep", b'{"inputs": ' + b"[" * 60_000, JSON, 400),
    ("huge integer", b'{"inputs": {"age": ' + b"9" * 60_000 + b"}}", JSON, 400),
    ("no body", b"", JSON, 400),
    ("no object", b"[1, 2]", JSON, 400),
    ("number as text", b'{"inputs": {"age": "Mustermann"}}', JSON, 422),
    ("impossible", b'{"inputs": {"age": 54, "heart_rate": 901.25}}', JSON, 422),
    ("unknown field", b'{"inputs": {"age": 54, "Mustermann": 1}}', JSON, 422),
    ("unknown category", b'{"inputs": {"age": 54, "sex": "Mustermann"}}', JSON, 422),
    ("NUL in a category", b'{"inputs": {"age": 54, "sex": "female\\u0000"}}', JSON, 422),
    ("wrong unit", b'{"inputs": {"age": 54}, "units": {"lactate": "mg/dL"}}', JSON, 422),
    ("required missing", b'{"inputs": {"heart_rate": 90}}', JSON, 422),
    ("request id with line ends", b'{"inputs": {"age": 54}, "request_id": "a\\r\\nb"}', JSON, 422),
    ("too large", b'{"inputs": {"age": 54}}' + b" " * 70_000, JSON, 413),
    ("no content type", b'{"inputs": {"age": 54}}', {"content-type": ""}, 415),
    ("form", b"age=54", {"content-type": "application/x-www-form-urlencoded"}, 415),
    ("compressed", b"\x1f\x8b", {**JSON, "content-encoding": "gzip"}, 415),
]


@pytest.mark.parametrize(
    ("body", "headers", "status"), [h[1:] for h in HOSTILE], ids=[h[0] for h in HOSTILE]
)
def test_a_hostile_body_is_a_recorded_problem_that_repeats_nothing(
    client: TestClient,
    log: Path,
    caplog: pytest.LogCaptureFixture,
    body: bytes,
    headers: dict[str, str],
    status: int,
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = client.post("/v1/predict", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    (record,) = records(log, "refusal")
    assert answer.json()["instance"] == f"urn:uuid:{record['event_id']}"
    assert record["status"] == answer.json()["status"] == status
    pointed = status == 422 or b"NaN" in body or b"1e999" in body
    assert bool(answer.json().get("errors")) == pointed
    for told in (SECRET, "901.25"):
        assert told not in answer.text + caplog.text + json.dumps(record)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/predict", 405), ("GET", "/nothing", 404), ("POST", "/livez", 405)],
)
def test_a_wrong_route_is_a_problem_too(
    client: TestClient, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("risk", [float("nan"), 1.5, -0.1])
def test_a_model_that_gives_no_probability_answers_500_and_is_recorded(
    client: TestClient,
    patient: dict[str, Any],
    log: Path,
    risk: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service(client), "_score", lambda rows: (np.array([risk]), np.array([0.0])))
    answer = predict(client, patient)
    assert answer.status_code == 500
    assert records(log, "refusal")[0]["reason"] == "the model gave no valid risk"
    assert not records(log, "prediction")


def test_an_exception_with_a_value_in_its_text_reaches_neither_answer_nor_log(
    client: TestClient,
    patient: dict[str, Any],
    log: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(rows: Any) -> Any:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(service(client), "_score", broken)
    answer = predict(client, patient)
    assert answer.status_code == 500
    assert SECRET not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text
    assert records(log, "refusal")[0]["status"] == 500


def test_without_its_record_there_is_no_answer_and_no_refusal(
    client: TestClient, patient: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def append(*_: Any) -> str:
        raise AuditError

    monkeypatch.setattr(service(client).audit, "append", append)
    for inputs in (patient, {"age": 5}):
        answer = predict(client, inputs)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert "risk" not in answer.json()


def test_ready_names_what_is_wrong_and_recovers(
    client: TestClient, package: ModelPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditions, "READY_SECONDS", -1.0)
    everything = {"model_digest": True, "golden_case": True, "audit_append": True}
    assert client.get("/readyz").json() == {"ready": True, "checks": everything}
    card = package.directory / "model_card.md"
    content = card.read_bytes()
    card.write_bytes(content + b" ")
    changed = client.get("/readyz")
    assert (changed.status_code, changed.json()["checks"]) == (
        503,
        {**everything, "model_digest": False},
    )
    assert client.get("/livez").status_code == 200
    card.write_bytes(content)
    service(client).audit.failed = True
    assert client.get("/readyz").json()["ready"], "a probe could be written"
    assert not service(client).audit.failed


def test_a_package_that_scores_its_golden_case_differently_is_not_started(
    make_package: Callable[..., ModelPackage], tmp_path: Path
) -> None:
    package = make_package(tmp_path / "other", golden_risk=0.5)
    with pytest.raises(UserError, match="golden"):
        create_app(package, tmp_path / "audit.db")
    risk = float(package.scorer(np.load(package.directory / "explain/background.npy")[:1])[0][0])
    create_app(make_package(tmp_path / "right", golden_risk=risk), tmp_path / "audit.db")


def test_the_card_is_served_as_text_and_as_facts(client: TestClient, package: ModelPackage) -> None:
    facts = client.get("/v1/model").json()
    assert facts["model_sha256"] == package.sha256
    assert facts["manifest"] == package.manifest.to_json()
    assert [field["name"] for field in facts["schema"]["fields"]] == package.schema.names
    assert facts["evaluation"]["test"]["metrics"]["auroc"] == {
        "estimate": 0.8,
        "low": 0.7,
        "high": 0.9,
    }
    assert (facts["evaluation"]["test"]["events"], facts["evaluation"]["test"]["verdict"]) == (
        20,
        "pass",
    )
    assert (
        client.get("/v1/model", headers={"accept": "text/markdown"}).text
        == "# Model card\n"
        == facts["card"]
    )


def test_openapi_describes_the_routes_that_there_are(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    told = {"/v1/predict"} | {path for path in document["paths"] if path == "/v1/predict/batch"}
    assert set(document["paths"]) == {*told, "/v1/model", "/livez", "/readyz"}
    body = document["paths"]["/v1/predict"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    assert body["properties"]["inputs"]["properties"]["heart_rate"]["maximum"] == 300
    assert client.get("/docs").status_code == 404


def test_answers_may_not_be_kept_by_caches(client: TestClient, patient: dict[str, Any]) -> None:
    assert predict(client, patient).headers["cache-control"] == "no-store"
    assert predict(client, {}).headers["cache-control"] == "no-store"


def test_the_log_of_a_server_that_came_and_went_is_whole(
    package: ModelPackage, patient: dict[str, Any], log: Path
) -> None:
    for accepted in ("Dr. Roe: pilot on one ward", ""):
        with TestClient(create_app(package, log, accepted)) as client:
            predict(client, patient)
    assert verify(log).problem is None
    assert records(log, "start")[0]["accepted"] == "Dr. Roe: pilot on one ward"


def test_whoever_accepted_the_model_at_the_door_stands_in_the_card_that_is_served(
    package: ModelPackage, log: Path
) -> None:
    for accepted in ("Dr. Roe: pilot on one ward", ""):
        with TestClient(create_app(package, log, accepted)) as client:
            card = client.get("/v1/model", headers={"accept": "text/markdown"}).text
        assert ("Accepted in spite of its gate" in card) == bool(accepted)
        assert accepted in card
    assert len(records(log, "stop")) == 2
