"""Is a recording answered, recorded and explained like a table's row, and does a slow one hold up
nobody?
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.testclient import TestClient

from risk_model.core.package import ModelPackage
from risk_model.core.risk_step import rounded
from risk_model.deployment import recording_explanations
from risk_model.deployment.admission import BODIES
from risk_model.deployment.application import create_app
from risk_model.deployment.explanations import CALIBRATED, UNCALIBRATED
from risk_model.deployment.recording_input import MOST, recording_worker
from risk_model.model.explain import Explainer
from risk_model.signals import rows

from tests import made_signal
from tests.made_log import commits_to
from tests.made_service import GUARD
from tests.made_signal import SCHEMA

STRIP = [0.5, -1.0, 2.0, 0.0, 1.0, 3.5, -0.25, 77.125]
SECRET = "Mustermann"  # noqa: S105
Make = Callable[..., ModelPackage]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture
def package(make_strip_package: Make, tmp_path: Path) -> ModelPackage:
    return make_strip_package(tmp_path / "package")


@pytest.fixture
def client(package: ModelPackage, log: Path) -> Iterator[TestClient]:
    with TestClient(create_app(package, log), raise_server_exceptions=False) as client:
        yield client


def ask(client: TestClient, value: Any = STRIP, **more: Any) -> Any:
    return client.post("/v1/predict", json={"inputs": {"strip": value}, **more})


def records(log: Path, kind: str) -> list[dict[str, Any]]:
    found = sqlite3.connect(log).execute("SELECT body FROM record ORDER BY seq").fetchall()
    return [body for body in (json.loads(row) for (row,) in found) if body["type"] == kind]


def row(strip: list[float] = STRIP) -> Any:
    return rows([np.array(strip, dtype=np.float32)], SCHEMA)


def log_odds(package: ModelPackage, strip: list[float]) -> float:
    """Of the calibrated risk before it is rounded."""
    risk = package.scorer(row(strip))[0][0]
    return float(np.log(risk / (1 - risk)))


def in_steps(shown: float, step: float, near: float) -> bool:
    """Whether a number is the multiple of a step that is nearest, give or take 32 bits."""
    whole = abs(shown / step - round(shown / step)) < 1e-6
    return whole and abs(shown - near) <= step / 2 + 1e-5


def test_the_answer_is_the_models_risk_of_the_row_of_training(
    client: TestClient, package: ModelPackage
) -> None:
    answer = ask(client).json()
    exact = float(package.scorer(row())[0][0])
    assert (
        answer["risk"] == rounded(exact, 0.01, package.threshold) == pytest.approx(exact, abs=0.01)
    )
    assert answer["missing"] == []
    assert "explanation" not in answer


def test_a_record_commits_to_the_row_and_holds_nothing_of_the_recording(
    client: TestClient, log: Path
) -> None:
    ask(client)
    (record,) = records(log, "prediction")
    assert commits_to(log, record["event_id"], row().tobytes())
    for told in (b"77.125", b"strip", row().tobytes()):
        assert told not in log.read_bytes() + log.with_name("audit.db-wal").read_bytes()


def test_a_contribution_is_what_the_log_odds_of_the_answer_lose_without_the_part(
    client: TestClient, package: ModelPackage, log: Path
) -> None:
    strip = [1.0, 1.0, 2.0, 0.5, 1.0, 1.0, 1.0, 1.0]
    answer = ask(client, strip, explain=True).json()
    told = answer["explanation"]
    assert (told["available"], told["method"], told["scale"]) == (True, "occlusion", CALIBRATED)
    assert [part["seconds"] for part in told["parts"]] == [[i / 4, (i + 1) / 4] for i in range(4)]
    for i, part in enumerate(told["parts"]):
        hidden = [
            0.0 if 2 * i <= place < 2 * i + 2 else number for place, number in enumerate(strip)
        ]
        lost = log_odds(package, strip) - log_odds(package, hidden)
        assert in_steps(part["contribution"], 0.01, near=lost)
    (record,) = records(log, "explanation")
    assert record["of"] == answer["prediction_id"]


def test_the_map_of_a_network_adds_up_to_the_log_odds_of_the_answer(
    make_strip_package: Make, tmp_path: Path
) -> None:
    strip = [1.0, 1.0, 2.0, 0.5, 1.0, 1.0, 1.0, 1.0]
    package = make_strip_package(tmp_path / "map", with_map=True)
    with TestClient(create_app(package, tmp_path / "log.db")) as client:
        answer = ask(client, strip, explain=True).json()
    told = answer["explanation"]
    assert (told["available"], told["method"], told["scale"]) == (True, "Grad-CAM", CALIBRATED)
    assert told["map"]["shape"] == [1, 8]
    [values] = told["map"]["values"]
    exact = 0.8 * np.array([1, -1, 0.5, 2, 0, 0.25, -0.5, 0]) * strip
    assert all(in_steps(v, 0.001, near=e) for v, e in zip(values, exact, strict=True))
    assert in_steps(told["base"], 0.001, near=told["base"])
    assert in_steps(told["base"] + sum(values), 0.01, near=log_odds(package, strip))


@pytest.mark.parametrize("with_map", [False, True])
def test_without_a_line_of_calibration_the_logit_is_explained(
    make_strip_package: Make, tmp_path: Path, with_map: bool
) -> None:
    package = make_strip_package(tmp_path / "package", with_map, calibration=None)
    with TestClient(create_app(package, tmp_path / "log.db")) as client:
        told = ask(client, explain=True).json()["explanation"]
    assert told["scale"] == UNCALIBRATED
    if with_map:
        total = told["base"] + np.sum(told["map"]["values"])
        assert in_steps(total, 0.01, near=package.scorer(row())[1][0])
    else:
        assert told["parts"][1]["contribution"] == pytest.approx(1.0)  # 0.5 · 2 + 2 · 0


@pytest.mark.parametrize("fault", ["raises", "late"])
def test_a_prediction_is_served_when_its_explanation_fails(
    client: TestClient,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError(SECRET)

    if fault == "raises":
        monkeypatch.setattr(made_signal, "parts", fail)
    else:
        monkeypatch.setattr(recording_explanations, "SECONDS", -1.0)
    answer = ask(client, explain=True)
    assert answer.status_code == 200
    assert answer.json()["explanation"] == {"available": False, "detail": "explanation unavailable"}
    assert ("RuntimeError" if fault == "raises" else "TimeoutError") in caplog.text
    assert SECRET not in caplog.text


def test_no_shapley_values_are_prepared_for_a_recording(
    package: ModelPackage, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Explainer, "__init__", lambda *_: pytest.fail("it was prepared"))
    create_app(package, log)


HOSTILE: list[tuple[str, bytes, int]] = [
    ("text in place of numbers", b'{"inputs": {"strip": "Mustermann"}}', 422),
    ("another input", b'{"inputs": {"Mustermann": [1]}}', 422),
    ("too short", b'{"inputs": {"strip": [901.25]}}', 422),
    ("not a number", b'{"inputs": {"strip": [NaN, 901.25]}}', 400),
    ("too large", b'{"inputs": {"strip": [901.25]}}' + b" " * 4_096, 413),
]


@pytest.mark.parametrize(("body", "status"), [h[1:] for h in HOSTILE], ids=[h[0] for h in HOSTILE])
def test_a_hostile_body_is_a_recorded_problem_that_repeats_nothing(
    client: TestClient, log: Path, caplog: pytest.LogCaptureFixture, body: bytes, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = client.post("/v1/predict", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    (record,) = records(log, "refusal")
    assert record["status"] == status
    for told in (SECRET, "901.25"):
        assert told not in answer.text + caplog.text + json.dumps(record)


def test_a_body_may_be_as_large_as_the_reader_allows_and_no_larger(client: TestClient) -> None:
    body = json.dumps({"inputs": {"strip": STRIP}}).encode()
    headers = {"content-type": "application/json"}
    full = body.ljust(made_signal.REQUEST_BYTES)
    assert client.post("/v1/predict", content=full, headers=headers).status_code == 200
    assert client.post("/v1/predict", content=full + b" ", headers=headers).status_code == 413


def test_a_reader_that_breaks_with_a_value_in_its_text_tells_nobody(
    client: TestClient, log: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(made_signal, "received", broken)
    answer = ask(client)
    assert answer.status_code == 500
    assert SECRET not in answer.text + caplog.text + json.dumps(records(log, "refusal"))


class Gate:
    """A reader that stands still until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered, self.opened, real = threading.Event(), threading.Event(), made_signal.received

        def received(*given: Any) -> Any:
            self.entered.set()
            assert self.opened.wait(GUARD)
            return real(*given)

        monkeypatch.setattr(made_signal, "received", received)


def meanwhile(
    package: ModelPackage,
    log: Path,
    gate: Gate,
    free: int,
    then: Callable[[httpx.AsyncClient], Awaitable[Any]],
) -> tuple[httpx.Response, httpx.Response]:
    """The answer to a recording that was being read while `then` request, and to one that came
    afterwards.
    """

    async def run() -> tuple[httpx.Response, httpx.Response]:
        app = create_app(package, log)
        app.state.service.input.worker.free = free
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://server"
        ) as client:
            slow = asyncio.create_task(
                client.post("/v1/predict", json={"inputs": {"strip": STRIP}})
            )
            await asyncio.to_thread(gate.entered.wait, GUARD)
            try:
                await then(client)
            finally:
                gate.opened.set()
            answers = (
                await slow,
                await client.post("/v1/predict", json={"inputs": {"strip": STRIP}}),
            )
        await app.state.service.close()
        return answers

    return asyncio.run(run())


def test_while_a_recording_is_read_others_are_answered(
    package: ModelPackage, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def then(client: httpx.AsyncClient) -> None:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200

    slow, after = meanwhile(package, log, Gate(monkeypatch), 2, then)
    assert slow.status_code == after.status_code == 200


def test_beyond_what_is_admitted_a_request_is_told_to_come_again(
    package: ModelPackage, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[httpx.Response] = []

    async def then(client: httpx.AsyncClient) -> None:
        refused.append(await client.post("/v1/predict", json={"inputs": {"strip": STRIP}}))

    slow, after = meanwhile(package, log, Gate(monkeypatch), 1, then)
    assert slow.status_code == after.status_code == 200
    assert refused[0].status_code == 503
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].headers["content-type"] == "application/problem+json"
    assert records(log, "refusal") == [], "it says nothing about a patient"


@pytest.mark.parametrize("limit", [1_000, 1 << 20, 1 << 24, 1 << 26])
def test_the_bodies_of_all_that_are_admitted_fit_into_the_memory_set_for_them(limit: int) -> None:
    work = recording_worker(limit)
    assert 1 < work.free <= MOST
    assert work.free * limit <= 2 * BODIES
    work.close()


def test_ready_scores_the_neutral_recording(client: TestClient, package: ModelPackage) -> None:
    assert client.get("/readyz").json()["checks"]["golden_case"] is True
    background = np.load(package.directory / "explain/background.npy")
    assert (background[0, 1:] == 0).all()


def test_the_facts_of_a_model_leave_its_tokenizer_out(client: TestClient) -> None:
    facts = client.get("/v1/model").json()["schema"]
    assert facts["signal"]["name"] == "strip"
    assert facts["signal"]["tokenizer"] == ""


def test_openapi_describes_the_recording(client: TestClient) -> None:
    posted = client.get("/openapi.json").json()["paths"]["/v1/predict"]["post"]
    body = posted["requestBody"]["content"]["application/json"]["schema"]
    assert list(body["properties"]["inputs"]["properties"]) == ["strip"]
    assert {"413", "422", "503"} <= set(posted["responses"])
