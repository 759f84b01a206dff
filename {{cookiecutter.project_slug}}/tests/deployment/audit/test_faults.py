"""A real server whose log is attacked: no answer without a record, and no start over a loss."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.deployment.audit.checkpoint import COMMITMENT, SIGNING, make_keys
from risk_model.deployment.audit.store import default_keys
from risk_model.deployment.audit.verify import verify

from tests.made_log import NEVER_CACHED, bodies, overwrite, refused_start, tamper
from tests.made_service import GUARD, Server, request_body

Running = Callable[..., AbstractContextManager[Server]]
Start = Callable[..., subprocess.Popen[str]]
IGNORE = "CREATE TRIGGER planted BEFORE INSERT ON record BEGIN SELECT RAISE(IGNORE); END"


def execute(log: Path, *statements: str) -> None:
    """Changes a log through a connection of one's own."""
    database = sqlite3.connect(log, isolation_level=None)
    for statement in statements:
        database.execute(statement)
    database.close()


def full(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/full")


def replace_by_copy(log: Path) -> None:
    copy = log.with_name("copy")
    shutil.copy(log, copy)
    copy.replace(log)


LOSSES: dict[str, Callable[[Path, Path], object]] = {
    "a trigger swallows records": lambda log, _: execute(log, IGNORE),
    "a trigger deletes them": lambda log, _: execute(
        log,
        "CREATE TRIGGER planted AFTER INSERT ON record BEGIN UPDATE record SET body = NULL; END",
    ),
    "a table was replaced": lambda log, _: execute(
        log, "ALTER TABLE record RENAME TO old", "CREATE TABLE record AS SELECT * FROM old"
    ),
    "a record was added": lambda log, _: execute(
        log, "INSERT INTO record SELECT seq + 1, leaf, body, salt, NULL, NULL FROM record "
        "ORDER BY seq DESC LIMIT 1"
    ),
    "the file was deleted": lambda log, _: log.unlink(),
    "the file was replaced": lambda log, _: replace_by_copy(log),
    "the folder was moved": lambda log, _: log.parent.rename(log.parent.with_name("moved")),
    "the second place is gone": lambda _, kept: kept.unlink(),
    "the second place is full": lambda _, kept: full(kept),
}  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
def test_no_answer_is_given_once_its_record_would_be_lost(
    running: Running,
    package: ModelPackage,
    patient: dict[str, Any],
    log: Path,
    kept: Path,
    loss: str,
) -> None:
    with running(package.directory, log, before=NEVER_CACHED, checkpoints=kept) as server:
        assert server.predict(patient).status_code == 200
        LOSSES[loss](log, kept)
        answers = [server.predict(patient), server.predict({"age": 5}), server.predict(patient)]
        assert [answer.status_code for answer in answers] == [503] * 3
        assert all("risk" not in answer.json() for answer in answers)
        assert server.client.get("/readyz").json()["checks"]["audit_append"] is False
        assert server.client.get("/livez").status_code == 200
        errors = server.stop()
    assert "audit log:" in errors
    assert "Traceback" not in errors


def test_service_resumes_without_a_restart_when_the_trigger_is_gone(
    running: Running, package: ModelPackage, patient: dict[str, Any], log: Path
) -> None:
    with running(package.directory, log) as server:
        execute(log, IGNORE)
        assert server.predict(patient).status_code == 503
        execute(log, "DROP TRIGGER planted")
        server.predict(patient)
        assert server.predict(patient).status_code == 200
        server.stop()
    assert verify(log).problem is None


def test_a_log_whose_wal_was_deleted_while_running_loses_no_answered_record(
    running: Running, package: ModelPackage, patient: dict[str, Any], log: Path, kept: Path
) -> None:
    answered = []
    with running(package.directory, log, checkpoints=kept) as server:
        for _ in range(3):
            answered.append(server.predict(patient).json()["prediction_id"])
            log.with_name("audit.db-wal").unlink()
            assert server.predict(patient).status_code == 503
        answered.append(server.predict(patient).json()["prediction_id"])
        server.process.kill()
    with running(package.directory, log, checkpoints=kept) as server:
        server.stop()
    assert set(answered) <= {body["event_id"] for body in bodies(log)}
    assert verify(log, checkpoints=[kept]).problem is None


def test_no_second_server_writes_to_the_log_under_another_name(
    running: Running,
    start: Start,
    package: ModelPackage,
    patient: dict[str, Any],
    log: Path,
    tmp_path: Path,
) -> None:
    keys = tmp_path / "keys"
    make_keys(keys)
    with running(package.directory, log, audit_keys=keys) as server:
        other = tmp_path / "other"
        other.mkdir()
        (other / "hard.db").hardlink_to(log)
        (other / "soft.db").symlink_to(log)
        (other / "folder").symlink_to(log.parent)
        for stray in log.parent.glob("*lock*"):
            stray.unlink()
        for name in ("../log/audit.db", "hard.db", "soft.db", "folder/audit.db"):
            line = refused_start(start, package, other / name, audit_keys=keys)
            assert "another process writes to this audit log" in line
        assert server.predict(patient).status_code == 200
        server.stop()
    vkey = keys / "audit.vkey"
    assert verify(log, vkey).problem is None


def after_kill(log: Path) -> None:
    log.with_name("audit.db-wal").unlink()


def restore(log: Path) -> None:
    shutil.copy(log.with_name("backup"), log)
    for name in ("audit.db-wal", "audit.db-shm"):
        log.with_name(name).unlink(missing_ok=True)


def rewrite(log: Path) -> None:
    tamper(log, "DELETE FROM record WHERE seq > 2", "UPDATE sqlite_sequence SET seq = 2")


def forge(log: Path) -> None:
    execute(
        log, "INSERT INTO record SELECT seq + 1, leaf, body, salt, frontier, checkpoint "
        "FROM record ORDER BY seq DESC LIMIT 1"
    )  # fmt: skip


RETURNS: dict[str, tuple[Callable[[Path], object], str]] = {
    "the WAL was deleted after a kill": (after_kill, "a checkpoint of it is known|last checkpoint"),
    "the WAL was overwritten after a kill": (
        lambda log: overwrite(log.with_name("audit.db-wal"), 0, b"\xa5" * 100),
        "a checkpoint of it is known|last checkpoint",
    ),
    "an old backup was restored": (restore, "last checkpoint that is known"),
    "the file was deleted": (lambda log: log.unlink(), "missing or empty, though its -wal"),
    "the end was cut": (rewrite, "last checkpoint that is known"),
    "a record was forged at the end": (forge, "reordered"),
    "a trigger was planted": (lambda log: execute(log, IGNORE), "schema"),
}


@pytest.mark.parametrize("fault", RETURNS)
def test_a_start_refuses_a_log_that_does_not_go_on_from_its_last_checkpoint(
    running: Running,
    start: Start,
    package: ModelPackage,
    patient: dict[str, Any],
    log: Path,
    kept: Path,
    fault: str,
) -> None:
    with running(package.directory, log, checkpoints=kept) as server:
        server.stop()
    shutil.copy(log, log.with_name("backup"))
    with running(package.directory, log, checkpoints=kept) as server:
        assert server.predict(patient).status_code == 200
        server.process.kill()
        server.process.wait()
    change, expected = RETURNS[fault]
    change(log)
    line = refused_start(start, package, log, checkpoints=kept)
    assert any(part in line for part in expected.split("|")), line
    assert "evidence" in line


def test_a_log_that_was_deleted_while_running_is_put_back_with_every_answered_record(
    running: Running,
    start: Start,
    package: ModelPackage,
    patient: dict[str, Any],
    log: Path,
    kept: Path,
) -> None:
    answered = []
    with running(package.directory, log, checkpoints=kept) as server:
        log.with_name("link").hardlink_to(log)
        answered.append(server.predict(patient).json()["prediction_id"])
        log.unlink()
        assert server.predict(patient).status_code == 503
        server.stop()
    for empty in (False, True):
        if empty:
            log.touch()
        assert "put the log back" in refused_start(start, package, log, checkpoints=kept)
        with pytest.raises(UserError, match="put the log back"):
            verify(log)
        assert log.exists() == empty
    log.with_name("link").replace(log)
    with running(package.directory, log, checkpoints=kept) as server:
        answered.append(server.predict(patient).json()["prediction_id"])
        server.stop()
    assert set(answered) <= {body["event_id"] for body in bodies(log)}
    assert verify(log, checkpoints=[kept]).problem is None


def test_a_server_asks_for_its_keys_and_makes_none_where_they_were_named(
    running: Running, start: Start, package: ModelPackage, log: Path, tmp_path: Path
) -> None:
    line = refused_start(start, package, log, audit_keys=tmp_path / "absent")
    assert "no usable keys" in line
    assert "audit keys" in line
    assert not log.exists()
    with running(package.directory, log) as server:
        server.stop()
    for name in (SIGNING, COMMITMENT):
        key = default_keys(log) / name
        content = key.read_bytes()
        key.write_bytes(b"")
        assert f"{name} is damaged" in refused_start(start, package, log)
        key.unlink()
        assert "put back the copy" in refused_start(start, package, log)
        key.write_bytes(content)
        key.chmod(0o600)
    shutil.copytree(default_keys(log), log.parent / "keys")
    assert "may not lie in the log's folder" in refused_start(
        start, package, log, audit_keys=log.parent / "keys"
    )
    with running(package.directory, log) as server:
        server.stop()


def test_a_live_log_under_load_verifies_every_time(
    running: Running, package: ModelPackage, patient: dict[str, Any], log: Path
) -> None:
    with running(package.directory, log) as server:
        done = threading.Event()

        def ask() -> None:
            with httpx.Client(timeout=GUARD) as client:
                while not done.is_set():
                    client.post(f"{server.url}/v1/predict", json=request_body(patient))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        verdicts = [verify(log)]
        while len(verdicts) < 20 or verdicts[-1].records < verdicts[0].records + 200:
            verdicts.append(verify(log))
        done.set()
        for thread in threads:
            thread.join()
    assert {verdict.problem for verdict in verdicts} == {None}
