"""Does a batch give each patient the answer and the record of a request of its own?"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from risk_model.core.package import ModelPackage
from risk_model.deployment import predict_batch
from risk_model.deployment.access import DEVELOPMENT
from risk_model.deployment.predict_batch import BATCH_BYTES, PATIENTS
from risk_model.deployment.requests import RefusedError

from tests.made_service import PATIENT, Server, request_body

Running = Callable[..., AbstractContextManager[Server]]
PATH = "/v1/predict/batch"
OWN = ("start", "stop")  # events of the server, which nobody asked for


def test_each_patient_of_a_batch_has_an_answer_and_a_record(
    running: Running, package: ModelPackage, tmp_path: Path
) -> None:
    log = tmp_path / "audit.db"
    patients: list[dict[str, Any]] = [{**PATIENT, "age": 20 + i} for i in range(PATIENTS)]
    bodies: list[Any] = [request_body(patient) for patient in patients]
    bodies[7], bodies[9] = request_body({"age": 5}), "Mustermann"
    with running(package.directory, log) as server:
        answer = server.client.post(PATH, json={"requests": bodies})
        assert answer.status_code == 200
        answers = answer.json()["answers"]
        alone = [server.predict(patients[i]).json()["risk"] for i in (0, 50, PATIENTS - 1)]
        server.stop()
    assert [answers[i]["risk"] for i in (0, 50, PATIENTS - 1)] == alone
    assert (answers[7]["status"], answers[7]["errors"][0]["pointer"]) == (422, "/inputs/age")
    assert answers[9]["status"] == 400
    rows = sqlite3.connect(log).execute("SELECT body FROM record ORDER BY seq").fetchall()
    ids = {json.loads(row)["event_id"] for (row,) in rows}
    asked = [record for (row,) in rows if (record := json.loads(row))["type"] not in OWN]
    assert {record.get("client") for record in asked} == {DEVELOPMENT}
    assert {told["prediction_id"] for told in answers if "risk" in told} <= ids
    assert {told["instance"].removeprefix("urn:uuid:") for told in (answers[7], answers[9])} <= ids


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"requests": []}', 422),
        (json.dumps({"requests": [{}] * (PATIENTS + 1)}).encode(), 422),
        (b'{"requests": {}}', 422),
        (b'{"requests": [{}], "more": 1}', 422),
        (b'{"requests": [{"inputs": {"age": 54, "age": 30}}]}', 400),
        (b'{"requests": [{"inputs": {"age": NaN}}]}', 400),
        (b'{"requests": [{"inputs": {"age": 1e999}}]}', 400),
        (b"[", 400),
        (b" " * (BATCH_BYTES + 1), 413),
    ],
)
def test_what_is_no_batch_is_refused(
    running: Running, package: ModelPackage, tmp_path: Path, body: bytes, status: int
) -> None:
    with running(package.directory, tmp_path / "audit.db") as server:
        answer = server.client.post(
            PATH, content=body, headers={"content-type": "application/json"}
        )
    assert answer.status_code == status
    assert answer.json()["instance"]


def test_a_body_of_brackets_is_refused_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: bytes) -> Any:
        pytest.fail("it was parsed")

    monkeypatch.setattr(predict_batch, "read_json", fail)
    for brackets in (b"{},", b"[],"):
        body = b'{"requests":[' + brackets * predict_batch.OBJECTS + b"{}]}"
        with pytest.raises(RefusedError) as refused:
            predict_batch._requests(body)
        assert refused.value.status == 422
