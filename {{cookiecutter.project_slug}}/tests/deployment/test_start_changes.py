"""Does a start record which settings and which model are not those of the last one?"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from risk_model.core.package import ModelPackage
from risk_model.deployment.access_keys import add_key
from risk_model.deployment.application import create_app
from risk_model.deployment.audit.verify import verify
from risk_model.deployment.server_settings import ServerSettings
from risk_model.deployment.start_changes import served

from tests.made_service import PATIENT, Server, request_body

Running = Callable[..., AbstractContextManager[Server]]
Make = Callable[..., ModelPackage]
SECRET = "Mustermann"  # noqa: S105


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


def records(log: Path, kind: str) -> list[dict[str, Any]]:
    rows = sqlite3.connect(log).execute("SELECT body FROM record ORDER BY seq").fetchall()
    return [body for (row,) in rows if (body := json.loads(row))["type"] == kind]


def changed(log: Path) -> list[str]:
    return [record["setting"] for record in records(log, "config_change")]


def begin_and_end(package: ModelPackage, log: Path, **settings: Any) -> None:
    with TestClient(create_app(package, log, settings=ServerSettings(**settings))):
        pass


def test_a_start_names_the_settings_that_are_not_those_of_the_last_one(
    package: ModelPackage, log: Path
) -> None:
    begin_and_end(package, log)
    begin_and_end(package, log)
    assert changed(log) == [], "nothing changed, and a first start changes nothing"
    begin_and_end(package, log, hosts=("risk.example",), origins=("https://ward.example",))
    assert changed(log) == ["hosts", "origins"]
    begin_and_end(package, log, hosts=("risk.example",), origins=("https://ward.example",))
    assert len(changed(log)) == 2
    begin_and_end(package, log, hosts=("risk.example",))
    assert changed(log) == ["hosts", "origins", "origins"]
    assert verify(log).problem is None


def test_a_running_server_records_changed_keys_by_name_and_never_what_is_in_them(
    running: Running, package: ModelPackage, log: Path, tmp_path: Path
) -> None:
    keys = tmp_path / f"{SECRET}/api_keys.json"
    headers = {"authorization": f"Bearer {add_key(keys, 'ward-7', ['predict'], '')}"}
    for _ in range(2):
        with running(package.directory, log, api_keys=keys) as server:
            answer = server.client.post("/v1/predict", json=request_body(PATIENT), headers=headers)
            assert answer.status_code == 200
            server.stop()
        add_key(keys, SECRET, ["predict"], "")
    assert changed(log) == ["address", "api_keys"], "the port of a test is another each time"
    digests = [record["digest"] for record in records(log, "config_change")]
    assert all(len(digest) == 64 for digest in digests)
    kept = log.read_bytes() + log.with_name(f"{log.name}.settings.json").read_bytes()
    assert SECRET.encode() not in kept
    assert keys.read_bytes() not in kept


def test_a_start_with_another_model_is_recorded_as_a_change_of_it(
    make_package: Make, package: ModelPackage, log: Path, tmp_path: Path
) -> None:
    other = make_package(tmp_path / "other", operating_threshold=0.3)
    for each in (package, other, other, package):
        begin_and_end(each, log)
    changes = records(log, "model_change")
    assert [(c["previous_sha256"], c["model_sha256"]) for c in changes] == [
        (package.sha256, other.sha256),
        (other.sha256, package.sha256),
    ]


@pytest.mark.parametrize("content", [None, b"{", b'{"package": 5}'])
def test_without_what_was_remembered_every_setting_is_recorded(
    package: ModelPackage, log: Path, content: bytes | None
) -> None:
    begin_and_end(package, log)
    memory = log.with_name(f"{log.name}.settings.json")
    if content is None:
        memory.unlink()
    else:
        memory.write_bytes(content)
    begin_and_end(package, log)
    names = {field.name for field in fields(ServerSettings)}
    assert set(changed(log)) == names | {"address"}
    assert records(log, "model_change") == []


def test_each_setting_counts(package: ModelPackage, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("1")
    usual = ServerSettings()
    for field in fields(ServerSettings):
        change: dict[str, Any] = {field.name: path}
        other = replace(usual, **change)
        before, after = (served("", "", each).settings for each in (usual, other))
        assert {name for name in before if before[name] != after[name]} == {field.name}
