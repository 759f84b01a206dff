"""A real server whose disk refuses or whose log is damaged: no answer, no traceback, one line."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from risk_model.core.package import ModelPackage
from risk_model.deployment.audit.checkpoint import SIGNING, VERIFYING
from risk_model.deployment.audit.store import default_keys
from risk_model.deployment.audit.verify import verify

from tests.made_log import NEVER_CACHED, bodies, overwrite, refused_start
from tests.made_service import GUARD, Server

Running = Callable[..., AbstractContextManager[Server]]
Start = Callable[..., subprocess.Popen[str]]
# While there is a file "read only", the log is opened as on a disk that cannot be written.
READ_ONLY = """
import sqlite3
from risk_model.deployment.audit import store
marker, opened, commit = Path(sys.argv[3]).parent / "read only", sqlite3.connect, store.Store.commit
def connect(path, **options):
    mode = "ro" if marker.exists() else "rw"
    return opened(f"file:{path}?mode={mode}", uri=True, **options)
def disconnected(self, events):
    if marker.exists():
        self.disconnect()
    return commit(self, events)
sqlite3.connect, store.Store.commit = connect, disconnected
"""


def test_a_log_on_a_disk_that_became_read_only_stops_answers_until_it_can_be_written(
    running: Running, package: ModelPackage, patient: dict[str, Any], log: Path, kept: Path
) -> None:
    before = NEVER_CACHED + READ_ONLY
    with running(package.directory, log, before=before, checkpoints=kept) as server:
        assert server.predict(patient).status_code == 200
        (log.parent / "read only").touch()
        unanswered(server, patient)
        (log.parent / "read only").unlink()
        assert server.client.get("/readyz").status_code == 200
        assert server.predict(patient).status_code == 200
        assert "readonly" in server.stop()
    assert verify(log, checkpoints=[kept]).problem is None


def test_a_log_that_somebody_locks_stops_answers_until_it_is_let_go(
    running: Running, package: ModelPackage, patient: dict[str, Any], log: Path, kept: Path
) -> None:
    before = NEVER_CACHED + "audit_log.DISK_SECONDS = 0.5\n"
    with running(package.directory, log, before=before, checkpoints=kept) as server:
        answers = [server.predict(patient)]
        database = sqlite3.connect(log, isolation_level=None, timeout=GUARD)
        database.execute("BEGIN IMMEDIATE")
        unanswered(server, patient)
        database.execute("ROLLBACK")
        database.close()
        while server.client.get("/readyz").status_code != 200:  # what waited may still be written
            threading.Event().wait(0.05)
        while (answer := server.predict(patient)).status_code != 200:  # nor is the disk fast
            assert answer.status_code == 503
            threading.Event().wait(0.05)
        answers.append(answer)
        server.stop()
    answered = {answer.json()["prediction_id"] for answer in answers}
    assert answered <= {body["event_id"] for body in bodies(log)}
    assert verify(log, checkpoints=[kept]).problem is None


def unanswered(server: Server, patient: dict[str, Any]) -> None:
    """Predictions get 503, and health says why."""
    for _ in range(2):
        answer = server.predict(patient)
        assert (answer.status_code, "risk" in answer.json()) == (503, False)
        assert answer.headers["retry-after"]
    assert server.client.get("/readyz").json()["checks"]["audit_append"] is False
    assert server.health.get("/readyz").status_code == 503
    assert server.health.get("/livez").status_code == 200


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


CORRUPT: dict[str, Callable[[Path], object]] = {
    "its first bytes are another program's": lambda log: overwrite(log, 0, b"\x7fELF" * 100),
    "noise stands in its middle": lambda log: overwrite(log, 0.3, b"\xa5" * 20_000),
    "its end is zeros": lambda log: overwrite(log, 0.7, bytes(int(log.stat().st_size * 0.3))),
    "half of it is gone": truncate,
    "it is a text": lambda log: log.write_text("audit log\n" * 1000),
}


@pytest.mark.parametrize("fault", CORRUPT)
def test_a_start_on_a_corrupt_log_is_one_line_and_changes_nothing(
    running: Running,
    start: Start,
    package: ModelPackage,
    patient: dict[str, Any],
    log: Path,
    kept: Path,
    fault: str,
) -> None:
    with running(package.directory, log, checkpoints=kept) as server:
        for _ in range(60):
            assert server.predict(patient).status_code == 200
        server.stop()
    CORRUPT[fault](log)
    before = log.read_bytes()
    for _ in range(2):
        assert "Traceback" not in refused_start(start, package, log, checkpoints=kept)
    assert log.read_bytes() == before


def test_what_a_server_writes_is_for_its_owner_alone_and_a_copy_verifies(
    running: Running,
    package: ModelPackage,
    patient: dict[str, Any],
    log: Path,
    kept: Path,
    tmp_path: Path,
) -> None:
    previous = os.umask(0)
    try:
        with running(package.directory, log, checkpoints=kept) as server:
            assert server.predict(patient).status_code == 200
            secrets = [*log.parent.iterdir(), kept, default_keys(log) / SIGNING]
            assert {path.name for path in log.parent.iterdir()} > {"audit.db", "audit.db-wal"}
            assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
            shutil.copytree(log.parent, tmp_path / "copy")
            server.stop()
    finally:
        os.umask(previous)
    for path in [*(tmp_path / "copy").iterdir(), tmp_path / "copy"]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    vkey = default_keys(log) / VERIFYING
    assert verify(tmp_path / "copy" / "audit.db", vkey, [kept]).problem is not None, "it is behind"
    found = verify(tmp_path / "copy" / "audit.db", vkey)
    assert (found.problem, found.records) == (None, 2)
