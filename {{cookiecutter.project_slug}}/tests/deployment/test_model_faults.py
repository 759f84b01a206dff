"""Does a model, an explanation or a clock that fails cost its own request and nothing else?"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from risk_model.app.commands.audit import audit
from risk_model.core.package import ModelPackage
from risk_model.deployment.access_keys import add_key
from risk_model.deployment.admission import HUNG
from risk_model.deployment.audit.verify import verify

from tests.made_service import GUARD, PATIENT, Server, request_body

Running = Callable[..., AbstractContextManager[Server]]
SECRET = "Mustermann"  # noqa: S105
# The model answers as `{fault}` says while there is a file "broken".
BROKEN = """
import numpy as np
from risk_model.core.scorer import Scorer
from risk_model.deployment import conditions
conditions.READY_SECONDS = 0.0
sound, folder = Scorer.__call__, Path(sys.argv[3]).parent
def score(self, rows):
    if (folder / "broken").exists():
        {fault}
    return sound(self, rows)
Scorer.__call__ = score
"""
FAULTS = {
    "it raises": f"raise RuntimeError('{SECRET}')",
    "not a number": "return np.array([np.nan]), np.array([0.0])",
    "above 1": "return np.array([1.0000001]), np.array([0.0])",
    "below 0": "return np.array([-1e-9]), np.array([0.0])",
    "infinite": "return np.array([np.inf]), np.array([0.0])",
    "nothing": "return np.array([]), np.array([])",
    "no array": "return None",
}
# An explanation does what `{fault}` says while there is a file "broken".
UNEXPLAINED = """
import time
from risk_model.model.explain import Explainer
sound, folder = Explainer.explain, Path(sys.argv[3]).parent
explanations.FIELD_SECONDS = {seconds}
def explain(self, row):
    if (folder / "broken").exists():
        {fault}
    return sound(self, row)
Explainer.explain = explain
"""
# Two hours are taken from every clock of the server, but the steady one, while there is a file
# "back".
CLOCK = """
import datetime, time
from risk_model.deployment import access, logs
from risk_model.deployment.audit import record
folder = Path(sys.argv[3]).parent
right, right_ns = time.time, time.time_ns
def shift():
    return 7200 if (folder / "back").exists() else 0
class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) - datetime.timedelta(seconds=shift())
time.time = lambda: right() - shift()
time.time_ns = lambda: right_ns() - shift() * 10**9
for module in (access, logs, record):
    module.datetime = Shifted
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


def records(log: Path, *kinds: str) -> list[dict[str, Any]]:
    rows = sqlite3.connect(log).execute("SELECT body FROM record ORDER BY seq").fetchall()
    found = [json.loads(row) for (row,) in rows]
    return [body for body in found if not kinds or body["type"] in kinds]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_model_that_gives_no_risk_is_a_recorded_500_and_answers_again_when_it_can(
    running: Running, package: ModelPackage, log: Path, fault: str
) -> None:
    broken = log.with_name("broken")
    with running(package.directory, log, before=BROKEN.format(fault=fault)) as server:
        broken.touch()
        answers = [server.predict(PATIENT) for _ in range(HUNG + 1)]
        assert {answer.status_code for answer in answers} == {500}
        assert {answer.headers["content-type"] for answer in answers} == {
            "application/problem+json"
        }
        ready = server.health.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["golden_case"]) == (503, False)
        assert server.health.get("/livez").status_code == 200
        broken.unlink()
        assert server.predict(PATIENT).status_code == 200
        assert server.health.get("/readyz").status_code == 200
        written = server.stop()
    assert [record["status"] for record in records(log, "refusal")] == [500] * len(answers)
    assert len(records(log, "prediction")) == 1
    told = written + "".join(answer.text for answer in answers) + str(records(log))
    assert SECRET not in told
    assert "Traceback" not in written


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [(f"raise RuntimeError('{SECRET}')", GUARD), ("time.sleep(1.0)", 0.05)],
    ids=["it raises", "it is slow"],
)
def test_a_risk_is_served_without_the_explanation_that_fails(
    running: Running, package: ModelPackage, log: Path, fault: str, seconds: float
) -> None:
    broken, without = log.with_name("broken"), {"available": False}
    before = UNEXPLAINED.format(fault=fault, seconds=seconds)
    with running(package.directory, log, before=before) as server:
        broken.touch()
        answers = [server.predict(PATIENT, explain=True) for _ in range(HUNG + 2)]
        assert {answer.status_code for answer in answers} == {200}
        for answer in answers:
            told = answer.json()["explanation"]
            assert told == {**without, "detail": "explanation unavailable"}
        assert server.predict(PATIENT).json()["risk"] == answers[0].json()["risk"]
        broken.unlink()
        deadline = time.monotonic() + GUARD  # until what was slow has come to its end
        while not server.predict(PATIENT, explain=True).json()["explanation"]["available"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)  # each leaves a line in the log, which is a pipe that nobody reads yet
        written = server.stop()
    predicted = {record["event_id"] for record in records(log, "prediction")}
    assert {answer.json()["prediction_id"] for answer in answers} <= predicted
    assert len(records(log, "explanation")) == 1
    assert SECRET not in written


def test_a_clock_that_is_set_back_changes_no_order_and_is_told(
    running: Running,
    package: ModelPackage,
    log: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keys, back = tmp_path / "keys/api_keys.json", tmp_path / "back"
    lasting = add_key(keys, "ward-7", ["predict"], "")
    past = add_key(keys, "ward-8", ["predict"], "2020-01-01")
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    keys.write_text(keys.read_text().replace("2020-01-01T00:00:00+00:00", an_hour_ago))

    def ask(key: str) -> int:
        headers = {"authorization": f"Bearer {key}"}
        body = request_body(PATIENT)
        return server.client.post("/v1/predict", json=body, headers=headers).status_code

    with running(package.directory, log, before=CLOCK, api_keys=keys) as server:
        assert (ask(lasting), ask(past)) == (200, 401)
        assert verify(log).set_back == 0
        back.touch()
        assert (ask(lasting), ask(past)) == (200, 200), "an hour before the end of its time"
        assert server.health.get("/readyz").status_code == 200
        assert server.health.get("/livez").status_code == 200
        back.unlink()
        assert (ask(lasting), ask(past)) == (200, 401)
        server.stop()
    told = records(log)
    assert [record["seq"] for record in told] == list(range(1, len(told) + 1))
    [before, during, *_] = records(log, "prediction")
    assert during["time"] < before["time"]
    assert during["event_id"] < before["event_id"], "a UUIDv7 begins with the time"
    checked = verify(log)
    assert (checked.problem, checked.set_back) == (None, during["seq"])
    assert audit(["verify", str(log)]) == 0
    assert f"record {during['seq']} is dated before the one before it" in capsys.readouterr().out
