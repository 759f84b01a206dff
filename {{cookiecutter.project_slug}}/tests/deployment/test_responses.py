"""Does every answer of the running service hold what its documented type says, and nothing else?"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter, ValidationError
from starlette.testclient import TestClient

from risk_model.core.optional import required_module
from risk_model.core.package import ModelPackage
from risk_model.deployment import responses
from risk_model.deployment.access import DEVELOPMENT, Access, Caller, UnknownCallerError
from risk_model.deployment.application import create_app
from risk_model.deployment.audit import AuditError
from risk_model.deployment.openapi import REFUSALS

from tests.made_service import PATIENT, request_body

JSON = {"content-type": "application/json"}
GOOD = json.dumps(request_body(PATIENT)).encode()
REQUEST_ID = "0190a6de-7b1c-7c3e-9a0e-3d2f1f6f0a11"


@pytest.fixture
def app(package: ModelPackage, tmp_path: Path) -> FastAPI:
    return create_app(package, tmp_path / "audit.db")


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def check(content: bytes, kind: Any) -> None:
    """That JSON holds the keys and types of a typed dictionary, and no other key."""
    adapter = TypeAdapter(kind)
    value = adapter.validate_json(content, strict=True)
    assert adapter.dump_python(value, mode="json") == TypeAdapter(Any).validate_json(content)


def check_documented(app: FastAPI, answer: Any) -> str:
    """That an answer is of the type that the OpenAPI document names for it; that type's name."""
    request = answer.request
    operation = app.openapi()["paths"][request.url.path][request.method.lower()]
    content = operation["responses"][str(answer.status_code)]["content"]
    assert list(content) == [answer.headers["content-type"]]
    (described,) = content.values()
    name = str(described["schema"]["$ref"]).rsplit("/", 1)[1]
    check(answer.content, getattr(responses, name))
    return name


def predict(client: TestClient, **body: Any) -> Any:
    return client.post("/v1/predict", json=request_body(**body))


def test_every_prediction_is_of_its_documented_type(
    app: FastAPI, client: TestClient, patient: dict[str, Any]
) -> None:
    for members in ({}, {"request_id": REQUEST_ID}, {"explain": True}):
        answer = predict(client, inputs=patient, **members)
        assert answer.status_code == 200
        assert check_documented(app, answer) == "Prediction"
        for member, key in (("request_id", "request_id"), ("explain", "explanation")):
            assert (key in answer.json()) == (member in members)


def test_a_prediction_without_its_explanation_is_of_its_documented_type(
    app: FastAPI, client: TestClient, patient: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state.service, "_explainer", None)
    answer = predict(client, inputs=patient, explain=True)
    assert not answer.json()["explanation"]["available"]
    check_documented(app, answer)


class OnlyDescribes(Access):
    """Knows nobody (401), or somebody who may not predict (403)."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status

    def caller(self, authorization: str) -> Caller:
        if self.status == 401:
            raise UnknownCallerError("unknown key")
        return Caller("ward", ("describe",))


def hangs(*_: Any) -> Any:
    """A model that does not answer before the deadline."""
    time.sleep(1)
    return [0.5], [0.0]


def refuse(status: int, client: TestClient, service: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An answer with that status."""

    async def no_disk(*_: Any) -> str:
        raise AuditError

    if status == 500:
        monkeypatch.setattr(service, "_score", None)
    if status in (401, 403):
        monkeypatch.setattr(service.door, "access", OnlyDescribes(status))
    if status == 429:
        quotas = required_module("deployment.quotas").Quotas(1)
        quotas.take(DEVELOPMENT, 1)
        monkeypatch.setattr(service.door, "quotas", quotas)
    if status == 504:
        monkeypatch.setattr(service, "_score", hangs)
        service.input.worker.seconds = 0.1
    if status == 503:
        monkeypatch.setattr(service.audit, "append", no_disk)
    bodies = {400: b"[", 413: b" " * 70_000, 422: b'{"inputs": {"age": 5, "x": 1}}'}
    headers = {"content-type": "text/plain"} if status == 415 else JSON
    return client.post("/v1/predict", content=bodies.get(status, GOOD), headers=headers)


@pytest.mark.parametrize("status", [status for status in REFUSALS if status != 408])
def test_every_refusal_is_of_its_documented_type(
    app: FastAPI, client: TestClient, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = refuse(status, client, app.state.service, monkeypatch)
    assert answer.status_code == status
    assert check_documented(app, answer) == "Problem"


def test_a_body_that_does_not_arrive_is_refused_as_documented(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("risk_model.deployment.requests.BODY_SECONDS", 0.01)
    messages: list[dict[str, Any]] = []

    async def run() -> None:
        never = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await never.wait()
            return {}

        async def send(message: Any) -> None:
            messages.append(message)

        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/v1/predict", "query_string": b""}
        await app({**scope, "headers": headers}, receive, send)
        await app.state.service.close()

    asyncio.run(run())
    assert messages[0]["status"] == 408
    request = httpx.Request("POST", "http://server/v1/predict")
    answer = httpx.Response(
        408, headers=messages[0]["headers"], content=messages[1]["body"], request=request
    )
    assert check_documented(app, answer) == "Problem"


def test_what_is_said_of_the_model_and_the_server_is_of_its_documented_type(
    app: FastAPI, client: TestClient
) -> None:
    kinds = {"/v1/model": "ModelDescription", "/livez": "Liveness", "/readyz": "Readiness"}
    for path, kind in kinds.items():
        answer = client.get(path)
        assert answer.status_code == 200
        assert check_documented(app, answer) == kind


def test_a_server_that_is_not_ready_says_so_as_documented(
    app: FastAPI, client: TestClient, package: ModelPackage
) -> None:
    (package.directory / "model_card.md").write_text("changed")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert check_documented(app, answer) == "Readiness"


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_failure_nobody_foresaw_is_of_its_documented_type(
    app: FastAPI, client: TestClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(responses.UncachedResponse, "render", broken)
    monkeypatch.setattr(responses.ProblemResponse, "render", lambda self, content: WHOLE(content))
    answer = client.get(path)
    assert answer.status_code == 500
    assert check_documented(app, answer) == "Problem"


WHOLE = TypeAdapter(Any).dump_json


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/predict", 405), ("GET", "/nothing", 404)]
)
def test_a_wrong_route_is_a_problem_of_the_same_type(
    client: TestClient, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    check(answer.content, responses.Problem)


def test_the_check_itself_notices_a_key_too_many_a_missing_one_and_another_type() -> None:
    check(b'{"ready": true, "checks": {"a": true}}', responses.Readiness)
    wrong = (
        b'{"ready": true, "checks": {}, "more": 1}',
        b'{"ready": true}',
        b'{"ready": "yes", "checks": {}}',
    )
    for content in wrong:
        with pytest.raises((AssertionError, ValidationError)):
            check(content, responses.Readiness)
