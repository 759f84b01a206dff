"""Does only somebody with a valid key get an answer, and does every record name who asked?"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from risk_model.app.commands.api_key import api_key
from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.deployment.access import DEVELOPMENT, UNKNOWN, open_access
from risk_model.deployment.access_keys import add_key, revoke_keys
from risk_model.deployment.serve import serve

from tests.made_service import GUARD, PATIENT, Server, request_body

Running = Callable[..., AbstractContextManager[Server]]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys/api_keys.json"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


def records(log: Path) -> list[dict[str, Any]]:
    rows = sqlite3.connect(log).execute("SELECT body FROM record ORDER BY seq").fetchall()
    return [json.loads(row) for (row,) in rows]


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def ask(server: Server, headers: dict[str, str], **more: Any) -> Any:
    return server.client.post("/v1/predict", json=request_body(PATIENT, **more), headers=headers)


def test_only_a_valid_key_is_answered_and_each_record_names_its_client(
    running: Running, package: ModelPackage, keys: Path, log: Path
) -> None:
    ward, audit = add_key(keys, "ward-7", ["predict"], ""), add_key(keys, "it", ["describe"], "")
    past = add_key(keys, "ward-7", ["predict"], "2020-01-01")
    wrong = [
        {},
        bearer("x"),
        bearer(past),
        bearer(f"{ward}x"),
        bearer("a.b.c"),
        {"authorization": "Bearer"},
    ]
    wrong += [{"authorization": ward}, {"authorization": f"Basic {ward}"}, bearer("x" * 10_000)]
    with running(package.directory, log, api_keys=keys) as server:
        assert ask(server, bearer(ward), explain=True).status_code == 200
        refused = [ask(server, headers) for headers in wrong]
        assert {answer.status_code for answer in refused} == {401}
        assert {answer.headers["www-authenticate"] for answer in refused} == {"Bearer"}
        assert {answer.json()["detail"] for answer in refused} == {UNKNOWN}
        assert ask(server, bearer(audit)).status_code == 403
        statuses = {}
        for path in ("/v1/model", "/openapi.json"):
            for name, headers in {"it": bearer(audit), "ward": bearer(ward), "": {}}.items():
                statuses[name] = server.client.get(path, headers=headers).status_code
            assert statuses == {"it": 200, "ward": 403, "": 401}
        written = server.stop()
    kept = {record["type"]: record for record in records(log)}
    assert kept["prediction"]["client"] == kept["explanation"]["client"] == "ward-7"
    assert (kept["refusal"]["client"], kept["refusal"]["status"]) == ("it", 403)
    reasons = {record["reason"] for record in records(log) if record["type"] == "login_failure"}
    assert reasons == {"unknown key", "expired key", "no bearer", "no such kind"}
    for key in (ward, audit, past):
        assert key not in written
        assert key.encode() not in log.read_bytes() + keys.read_bytes()


def test_a_key_is_replaced_and_taken_back_while_the_server_runs(
    running: Running, package: ModelPackage, keys: Path, log: Path
) -> None:
    old = add_key(keys, "ward-7", ["predict"], "")
    other = add_key(keys, "ward-8", ["predict"], "")

    def until(key: str, expected: int) -> None:
        deadline = time.monotonic() + GUARD
        while ask(server, bearer(key)).status_code != expected:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    with running(package.directory, log, api_keys=keys) as server:
        new = add_key(keys, "ward-7", ["predict"], "")
        until(new, 200)
        assert ask(server, bearer(old)).status_code == 200, "both, until the old one goes"
        assert revoke_keys(keys, "ward-7", but_newest=True) == 1
        until(old, 401)
        assert ask(server, bearer(new)).status_code == 200, "a rotation locks nobody out"
        assert revoke_keys(keys, "ward-7") == 1
        until(new, 401)
        good = keys.read_text()
        keys.write_text("{")
        time.sleep(1.5)  # longer than the server waits between two looks
        assert ask(server, bearer(other)).status_code == 200, "a broken file changes nothing"
        keys.write_text(good)
        assert "stay in force" in server.stop()


def test_a_flood_of_wrong_keys_does_not_fill_the_log(
    running: Running, package: ModelPackage, keys: Path, log: Path
) -> None:
    add_key(keys, "ward-7", ["predict"], "")
    for_ever = "import risk_model.deployment.access as a\na.MINUTE = 1e9\n"
    with running(package.directory, log, api_keys=keys, before=for_ever) as server:
        for _ in range(150):
            assert ask(server, bearer("x")).status_code == 401
    assert len(records(log)) < 100


def test_without_a_key_a_server_is_for_this_machine_alone(
    package: ModelPackage, keys: Path, log: Path
) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "risk.example"):  # noqa: S104
        with pytest.raises(UserError, match="api_key add"):
            serve(package.directory, host, 0, log)
    assert not log.exists()
    for host in ("127.0.0.1", "localhost", "::1", "127.0.0.2"):
        assert open_access(host, None, None).caller("").client == DEVELOPMENT
    add_key(keys, "ward-7", ["predict"], "")
    assert not open_access("0.0.0.0", keys, None).open  # noqa: S104


def test_a_file_of_keys_that_cannot_be_trusted_stops_the_start(keys: Path) -> None:
    with pytest.raises(UserError, match="api_key add"):
        open_access("127.0.0.1", keys, None)
    add_key(keys, "ward-7", ["predict"], "")
    assert keys.stat().st_mode & 0o077 == 0
    content = keys.read_text()
    for wrong in ('"keys"', '"predict"', '"ward-7"', '"sha256"', "{"):
        keys.write_text(content.replace(wrong, '""' if wrong != "{" else "[", 1))
        with pytest.raises(UserError, match="not a file of API keys"):
            open_access("127.0.0.1", keys, None)
    keys.write_text(content)
    keys.chmod(0o666)
    with pytest.raises(UserError, match="chmod 600"):
        open_access("127.0.0.1", keys, None)


def test_the_command_shows_a_key_once_and_refuses_in_one_line(
    keys: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = ["--keys", str(keys)]
    api_key(["add", "ward-7", *file, "--expires", "2031-01-31", "--scope", "describe"])
    key = capsys.readouterr().out.splitlines()[-1]
    assert open_access("127.0.0.1", keys, None).caller(f"Bearer {key}").scopes == ("describe",)
    for words, message in (
        (["add", "Dr. Müller"], "no name of a client"),
        (["add", "a", "--scope", "delete"], "predict or describe"),
        (["add", "a", "--expires", "tomorrow"], "2030-12-31"),
        (["revoke", "b"], "has no key"),
        (["revoke", "ward-7", "--but-newest"], "api_key add ward-7"),
    ):
        with pytest.raises(UserError, match=message) as refused:
            api_key([*words, *file])
        assert "\n" not in str(refused.value)
    api_key(["revoke", "ward-7", *file])
    assert "keys of ward-7 that are gone: 1" in capsys.readouterr().out
