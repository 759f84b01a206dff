"""The audit folder of task 7 as the grading reads it: the service's own format, or nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from risk_model.deployment.audit import AuditLog
from risk_model.deployment.audit.record import commitment
from take_home.checks.audit_records import DATABASE, KEY_FILE, Log


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a log of one prediction between a start and a stop."""

    async def write() -> None:
        log = AuditLog(tmp_path / DATABASE, {}, {})
        await log.append("prediction", {"risk": 0.25}, b"a row", "ward-4711")
        await log.close()

    asyncio.run(write())
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_what_the_service_writes_is_read_with_what_its_commitments_need(folder: Path) -> None:
    log = Log(files(folder))
    assert [record["type"] for record in log.records.values()] == ["start", "prediction", "stop"]
    [record] = log.of_kind("prediction")
    assert log.key == (folder / KEY_FILE).read_bytes()
    assert record["commitment"] == commitment(log.key, log.salts[record["event_id"]], b"a row")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE record SET body = replace(CAST(body AS TEXT), '0.25', '0.75') WHERE seq = 2",
        "UPDATE record SET body = CAST(replace(body, '0.25', '0.75') AS BLOB) WHERE seq = 2",
        "UPDATE record SET body = NULL, salt = NULL WHERE seq = 2",
        "DELETE FROM record WHERE seq = 2",
        "UPDATE record SET seq = 9 WHERE seq = 2",
        "DROP TABLE record",
    ],
)
def test_of_a_log_that_was_changed_no_record_counts(folder: Path, change: str) -> None:
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as database:
        database.execute("DROP TRIGGER no_update")
        database.execute("DROP TRIGGER no_delete")
        database.execute(change)
    assert Log(files(folder)).of_kind("prediction") == []


def test_what_is_no_log_holds_no_records() -> None:
    for content in (None, {}, {DATABASE: b""}, {DATABASE: b"no log"}):
        assert Log(content).records == {}
