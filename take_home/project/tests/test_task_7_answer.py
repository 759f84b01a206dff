"""Task 7 in small: a service of a package that was made by hand, called without a network."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from risk_model.core.package import ModelPackage
from risk_model.deployment.app import Service
from risk_model.deployment.audit import AuditError, AuditLog
from risk_model.deployment.requests import RefusedError

SERVED = Path(__file__).parents[1] / "served"
PATIENT = {"age": 70, "heart_rate": 80, "lactate": 4.0, "diabetes": True}  # a risk of .47502
UNITS = {"age": "a", "heart_rate": "/min", "lactate": "mmol/L"}
BODY = {
    "inputs": PATIENT,
    "units": UNITS,
    "request_id": "0190a6de-7b1c-7c3e-9a0e-3d2f1f6f0a11",
    "subject": "ward-4711",
}


def answered(tmp_path: Path, body: Any = BODY, risk: float | None = None, disk: bool = True) -> Any:
    async def call() -> Any:
        log = tmp_path / "log/audit.db"
        service = Service(ModelPackage.open(SERVED), partial(AuditLog, log), "", "")
        if risk is not None:
            service._score = lambda row: ([risk], [0.0])  # type: ignore[assignment]
        if not disk:
            service.audit._store.commit = fail  # type: ignore[method-assign]
        try:
            response = await service._answer(json.dumps(body).encode(), False, {"client": "ward 7"})
            written = log.with_name("audit.db-wal").read_bytes()
            return json.loads(bytes(response.body)), written
        finally:
            await service.close()

    return asyncio.run(call())


def fail(events: list[Any]) -> None:
    raise OSError


def test_the_risk_is_above_the_threshold_of_3_in_10(tmp_path: Path) -> None:
    answer, _ = answered(tmp_path)
    assert answer["risk"] == 0.48  # of .47502: the step of the package is a hundredth
    assert (answer["operating_threshold"], answer["flagged"]) == (0.3, True)
    assert (answer["outcome"], answer["missing"]) == ("death", [])


def test_a_risk_just_below_the_threshold_is_not_shown_as_the_threshold(tmp_path: Path) -> None:
    answer, _ = answered(tmp_path, risk=0.2987)
    assert (answer["risk"], answer["flagged"]) == (0.29, False)


def test_the_answer_warns_of_an_unusual_lactate_and_the_record_counts_the_warnings(
    tmp_path: Path,
) -> None:
    answer, written = answered(tmp_path, {**BODY, "inputs": {**PATIENT, "lactate": 20}})
    assert [warning["pointer"] for warning in answer["input_warnings"]] == ["/inputs/lactate"]
    assert b'"reason":' in written
    assert answered(tmp_path / "usual")[0]["input_warnings"] == []


def test_the_record_is_on_disk_when_the_answer_comes(tmp_path: Path) -> None:
    answer, written = answered(tmp_path)
    assert f'"event_id":"{answer["prediction_id"]}"'.encode() in written
    assert answer["request_id"] == BODY["request_id"]
    assert answer["request_id"].encode() in written
    assert b'"subject":"' in written
    assert b"ward-4711" not in written


def test_without_a_record_there_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(AuditError):
        answered(tmp_path, disk=False)


def test_a_risk_of_2_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        answered(tmp_path, risk=2.0)
