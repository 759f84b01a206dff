"""Are a server's metrics in Prometheus's format, and without anything of a request?"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from risk_model.core.package import ModelPackage
from risk_model.deployment.access_keys import add_key

from tests.made_service import PATIENT, Server

Running = Callable[..., AbstractContextManager[Server]]


@pytest.fixture
def told(running: Running, package: ModelPackage, tmp_path: Path) -> str:
    """The metrics of a server that has answered some requests."""
    keys = tmp_path / "keys.json"
    ward = {"authorization": f"Bearer {add_key(keys, 'ward-7', ['predict'], '')}"}
    with running(package.directory, tmp_path / "audit.db", api_keys=keys) as server:
        server.client.get("/Mustermann?name=Mustermann")
        server.client.post("/v1/predict", headers={"authorization": "Bearer Mustermann"})
        server.client.headers.update(ward)
        for inputs in (PATIENT, PATIENT, {"age": 5}, {"age": "Mustermann"}):
            server.predict(inputs)
        answer = server.health.get("/metrics")
        assert server.client.get("/metrics").status_code == 404, "only beside the service"
        server.stop()
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.text


def test_answers_are_counted_by_what_became_of_them(told: str) -> None:
    lines = set(told.splitlines())
    assert {
        'requests_total{route="/v1/predict",code="200"} 2',
        'requests_total{route="/v1/predict",code="422"} 2',
        'requests_total{route="other",code="404"} 1',
        'predictions_total{outcome="served"} 2',
        'predictions_total{outcome="refused"} 3',
        'auth_failures_total{reason="unknown key"} 1',
        'request_duration_seconds_count{route="/v1/predict"} 5',
        'request_duration_seconds_bucket{route="/v1/predict",le="+Inf"} 5',
        "requests_inflight 0",
        "audit_failed 0",
    } <= lines


def test_metrics_hold_nothing_of_a_request(told: str) -> None:
    assert "Mustermann" not in told
    assert "ward-7" not in told


def test_prometheus_accepts_the_metrics(told: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.fail("promtool is not installed; apt-get install -y prometheus")
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=told, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
