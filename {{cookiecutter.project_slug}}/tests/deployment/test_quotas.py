"""Does a client that asks too often get 429, alone, and without filling the log?"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.deployment.access import open_access
from risk_model.deployment.access_keys import add_key
from risk_model.deployment.application import create_app
from risk_model.deployment.server_settings import ServerSettings

from tests.made_service import PATIENT, Server, request_body

Running = Callable[..., AbstractContextManager[Server]]
QUOTA = 20
# A minute takes longer than the test may, so that nothing comes back meanwhile.
NO_REFILL = "from risk_model.deployment import quotas\nquotas.MINUTE = 1e9\n"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


def ask(server: Server, key: str) -> Any:
    headers = {"authorization": f"Bearer {key}"}
    return server.client.post("/v1/predict", json=request_body(PATIENT), headers=headers)


def records(log: Path, kind: str) -> list[dict[str, Any]]:
    rows = sqlite3.connect(log).execute("SELECT body FROM record ORDER BY seq").fetchall()
    return [body for body in (json.loads(row) for (row,) in rows) if body["type"] == kind]


def test_who_asks_too_often_is_refused_alone_and_recorded_once(
    running: Running, package: ModelPackage, keys: Path, log: Path
) -> None:
    greedy, other = (add_key(keys, name, ["predict"], "") for name in ("ward-7", "ward-8"))
    second = add_key(keys, "ward-7", ["predict"], "")
    quota = {"api_keys": keys, "requests_per_minute": QUOTA}
    with running(package.directory, log, before=NO_REFILL, **quota) as server:
        statuses = [ask(server, greedy).status_code for _ in range(QUOTA)]
        assert statuses == [200] * QUOTA
        refused = [ask(server, key) for key in (greedy, second) * QUOTA]
        assert {answer.status_code for answer in refused} == {429}
        assert {answer.headers["content-type"] for answer in refused} == {
            "application/problem+json"
        }
        assert int(refused[0].headers["retry-after"]) > 0
        assert ask(server, other).status_code == 200, "its quota is its own"
        counted = server.health.get("/metrics").text
        assert f'requests_total{{route="/v1/predict",code="429"}} {2 * QUOTA}' in counted
        assert "ward-7" not in counted
    [record] = records(log, "refusal")
    assert (record["client"], record["status"]) == ("ward-7", 429)
    assert len(records(log, "prediction")) == QUOTA + 1


def test_every_route_and_every_patient_of_a_batch_counts(
    running: Running, package: ModelPackage, keys: Path, log: Path
) -> None:
    key = add_key(keys, "ward-7", ["predict", "describe"], "")
    spent = add_key(keys, "ward-8", ["describe"], "")
    quota = {"api_keys": keys, "requests_per_minute": QUOTA}
    with running(package.directory, log, before=NO_REFILL, **quota) as server:
        server.client.headers["authorization"] = f"Bearer {key}"
        for path in ("/v1/model", "/openapi.json"):
            assert server.client.get(path).status_code == 200
        batch = {"requests": [request_body(PATIENT)] * (QUOTA + 1)}
        assert server.client.post("/v1/predict/batch", json=batch).status_code == 200
        for path in ("/v1/model", "/openapi.json"):
            assert server.client.get(path).status_code == 429
        assert ask(server, key).status_code == 429
        statuses = [ask(server, spent).status_code for _ in range(2 * QUOTA)]
        assert statuses == [403] * QUOTA + [429] * QUOTA, "what it may not do counts too"


def test_a_quota_fills_again(
    running: Running, package: ModelPackage, keys: Path, log: Path
) -> None:
    key = add_key(keys, "ward-7", ["predict"], "")
    often = {"api_keys": keys, "requests_per_minute": 600}
    with running(package.directory, log, **often) as server:
        batch = {"requests": [request_body(PATIENT)] * 100}
        headers = {"authorization": f"Bearer {key}"}
        while True:
            answer = server.client.post("/v1/predict/batch", json=batch, headers=headers)
            if answer.status_code == 429:
                break
            assert answer.status_code == 200
        while ask(server, key).status_code == 429:
            pass
        assert 1 <= int(answer.headers["retry-after"]) <= 11


def test_without_keys_or_with_a_quota_of_none_nobody_is_refused(
    running: Running, package: ModelPackage, keys: Path, log: Path
) -> None:
    key = add_key(keys, "ward-7", ["predict"], "")
    for settings in ({"requests_per_minute": 1}, {"api_keys": keys, "requests_per_minute": 0}):
        with running(package.directory, log, before=NO_REFILL, **settings) as server:
            assert {ask(server, key).status_code for _ in range(QUOTA)} == {200}
            server.stop()


def test_a_negative_quota_stops_the_start(package: ModelPackage, keys: Path, log: Path) -> None:
    add_key(keys, "ward-7", ["predict"], "")
    settings = ServerSettings(requests_per_minute=-1)
    with pytest.raises(UserError, match="requests-per-minute -1: give a number"):
        create_app(package, log, access=open_access("127.0.0.1", keys, None), settings=settings)
