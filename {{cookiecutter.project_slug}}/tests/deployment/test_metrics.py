"""Are a server's metrics in Prometheus's format, and without anything of a request?"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import yaml

from risk_model.core.package import ModelPackage
from risk_model.deployment.access_keys import add_key
from risk_model.deployment.prometheus_format import sample

from tests.made_service import PATIENT, Server, request_body

Running = Callable[..., AbstractContextManager[Server]]
ROOT = Path(__file__).parents[2]
ALERTS = (ROOT / "deploy/alerts.yml").read_text(encoding="utf-8")
# as with a disk that is full, and has room again when the flag is gone
FAILING = """
import os, sqlite3
from risk_model.deployment.audit.store import Store
commit = Store.commit
def failing(self, events):
    if os.path.exists({flag!r}):
        raise sqlite3.OperationalError("database or disk is full")
    commit(self, events)
Store.commit = failing
"""


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
        both = [request_body(inputs) for inputs in (PATIENT, {"age": 5})]
        assert server.client.post("/v1/predict/batch", json={"requests": both}).is_success
        server.post(b"Mustermann")
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
        'requests_total{route="/v1/predict/batch",code="200"} 1',
        'predictions_total{outcome="served"} 3',
        'predictions_total{outcome="refused"} 4',
        'refused_total{reason="the body does not follow the schema of this model"} 3',
        'refused_total{reason="not JSON in UTF-8 with finite numbers"} 1',
        'auth_failures_total{reason="unknown key"} 1',
        'request_duration_seconds_count{route="/v1/predict"} 6',
        'request_duration_seconds_bucket{route="/v1/predict",le="+Inf"} 6',
        "requests_inflight 0",
        "audit_failed 0",
        "audit_append_failures_total 0",
    } <= lines
    [appends] = re.findall(r"(?m)^audit_append_seconds_count (\d+)$", told)
    assert 6 <= int(appends) <= 8, "one of a failed login, four answers, and one or two of a batch"
    assert number(told, "checkpoint_age_seconds") >= 0


def number(told: str, name: str) -> float:
    """The value of a metric without labels."""
    [value] = re.findall(rf"(?m)^{name} (\S+)$", told)
    return float(value)


def test_a_count_of_many_digits_is_told_in_full() -> None:
    assert sample("answers_total", (), 12_345_678) == "answers_total 12345678"
    assert sample("seconds_sum", (("route", "/v1"),), 0.1 + 0.2) == (
        'seconds_sum{route="/v1"} 0.30000000000000004'
    )


def test_records_that_are_lost_are_counted_until_the_log_can_be_written_again(
    running: Running, package: ModelPackage, tmp_path: Path
) -> None:
    flag = tmp_path / "full"
    failing = FAILING.format(flag=str(flag))
    with running(package.directory, tmp_path / "audit.db", before=failing) as server:
        server.predict(PATIENT)
        flag.touch()
        assert server.predict(PATIENT).status_code == 503
        assert server.predict({"age": 5}).status_code == 503
        full = server.health.get("/metrics").text
        flag.unlink()
        assert server.predict(PATIENT).is_success
        mended = server.health.get("/metrics").text
    assert number(full, "audit_append_failures_total") == 2
    assert [number(told, "audit_failed") for told in (full, mended)] == [1, 0]
    unrecorded = 'refused_total{reason="the audit record could not be written, so there is no'
    assert f'{unrecorded} answer"}} 2' in full
    assert 'predictions_total{outcome="error"} 2' in full
    age = [number(told, "checkpoint_age_seconds") for told in (full, mended)]
    assert age[1] < age[0], "the record that was kept has a checkpoint of its own"


def test_metrics_hold_nothing_of_a_request(told: str) -> None:
    assert "Mustermann" not in told
    assert "ward-7" not in told


def test_the_page_of_the_service_says_what_each_metric_tells(told: str) -> None:
    page = (ROOT / "docs/serving.md").read_text(encoding="utf-8")
    names = set(re.findall(r"(?m)^# TYPE (\w+) ", told))
    assert {name for name in names if f"`{name}`" not in page} == set()


def promtool(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """What Prometheus's own tool says."""
    tool = shutil.which("promtool")
    if tool is None:
        pytest.fail("promtool is not installed; apt-get install -y prometheus")
    return subprocess.run([tool, *words], input=given, capture_output=True, text=True, check=False)


def test_prometheus_accepts_the_metrics(told: str) -> None:
    checked = promtool("check", "metrics", given=told)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_prometheus_asks_at_the_port_of_health_that_the_image_opens() -> None:
    opened = re.findall(r"(?m)^EXPOSE \d+ (\d+)$", (ROOT / "Dockerfile").read_text())
    scraped = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text(encoding="utf-8"))
    [targets] = [job["static_configs"][0]["targets"] for job in scraped["scrape_configs"]]
    assert targets == [f"service:{port}" for port in opened]


def test_prometheus_accepts_the_alerts() -> None:
    checked = promtool("check", "rules", str(ROOT / "deploy/alerts.yml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_an_alert_asks_for_metrics_that_are_told_and_names_a_part_of_the_runbook(told: str) -> None:
    known = set(re.findall(r"(?m)^# TYPE (\w+) ", told)) | {"up"}
    expressions = re.findall(r"(?m)^ +expr: (.+)$", ALERTS)
    asked = {word for each in expressions for word in re.findall(r"\b[a-z]+(?:_[a-z]+)*\b", each)}
    words = {"rate", "job", "service", "outcome", "error", "or", "m"}
    assert asked - words <= known
    parts = re.findall(r"(?m)^ +runbook: (.+)$", ALERTS)
    headings = re.findall(r"(?m)^## (.+)$", (ROOT / "docs/runbook.md").read_text(encoding="utf-8"))
    assert len(parts) == len(expressions) >= 5
    assert set(parts) <= set(headings)
