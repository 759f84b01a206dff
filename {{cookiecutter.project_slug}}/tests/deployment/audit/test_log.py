"""Is every record durable before its answer, and is every later change of the log found?"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from risk_model.core.errors import UserError
from risk_model.deployment.audit import AuditError, AuditLog
from risk_model.deployment.audit import log as queue
from risk_model.deployment.audit.checkpoint import make_keys
from risk_model.deployment.audit.record import Event
from risk_model.deployment.audit.store import default_keys
from risk_model.deployment.audit.verify import verify

from tests.made_log import MODEL, bodies, write_log
from tests.made_service import GUARD

Commit = Callable[[list[Event]], None]


def before(commit: Commit, first: Callable[[list[Event]], object]) -> Commit:
    """A commit that does something first."""

    def both(batch: list[Event]) -> None:
        first(batch)
        commit(batch)

    return both


def test_a_record_is_readable_by_others_as_soon_as_append_returns(tmp_path: Path) -> None:
    async def run() -> None:
        log = AuditLog(tmp_path / "a.db", MODEL, {})
        event = await log.append("prediction", {"risk": 0.25, "request_id": "r"}, b"features")
        last = bodies(log.path)[-1]
        assert (last["event_id"], last["risk"], last["request_id"], last["model"]) == (
            event,
            0.25,
            "r",
            MODEL["model"],
        )
        assert last["time"].endswith("+00:00")
        assert sqlite3.connect(log.path).execute("PRAGMA journal_mode").fetchone() == ("wal",)
        await log.close()

    asyncio.run(run())


def test_every_commit_is_synchronised_with_the_disk(tmp_path: Path) -> None:
    async def run() -> None:
        log = AuditLog(tmp_path / "a.db", MODEL, {})
        assert log._store._database is not None
        assert log._store._database.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"
        await log.close()

    asyncio.run(run())


def test_a_log_says_when_it_was_opened_and_closed(tmp_path: Path) -> None:
    write_log(tmp_path / "a.db", 1)
    write_log(tmp_path / "a.db", 0)
    assert [body["type"] for body in bodies(tmp_path / "a.db")] == [
        "start",
        "prediction",
        "stop",
        "start",
        "stop",
    ]
    assert verify(tmp_path / "a.db").problem is None


def test_records_that_arrive_together_share_a_commit_and_keep_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> int:
        log = AuditLog(tmp_path / "a.db", MODEL, {})
        commits: list[int] = []
        monkeypatch.setattr(
            log._store,
            "commit",
            before(log._store.commit, lambda batch: commits.append(len(batch))),
        )
        await asyncio.gather(*(log.append("prediction", {"risk": i / 1000}) for i in range(300)))
        await log.close()
        return len(commits)

    commits = asyncio.run(run())
    risks = [body["risk"] for body in bodies(tmp_path / "a.db") if body["type"] == "prediction"]
    assert risks == [i / 1000 for i in range(300)]
    assert commits <= 4
    assert verify(tmp_path / "a.db").problem is None


def test_callers_who_ask_again_and_again_share_commits_and_one_alone_does_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        log, sizes = AuditLog(tmp_path / "a.db", MODEL, {}), list[int]()
        commit: Commit = log._store.commit
        monkeypatch.setattr(
            log._store, "commit", before(commit, lambda batch: sizes.append(len(batch)))
        )

        async def ask(times: int) -> None:
            for _ in range(times):
                await log.append("prediction", {"risk": 0.1})

        monkeypatch.setattr(queue, "PAUSE_SECONDS", 3600.0)
        monkeypatch.setattr(queue, "PAUSE", 1e9)
        await asyncio.wait_for(ask(3), GUARD)
        assert sizes == [1, 1, 1]
        monkeypatch.setattr(queue, "PAUSE_SECONDS", 0.2)
        first = asyncio.create_task(ask(10))
        while len(sizes) == 3:
            await asyncio.sleep(0)
        await asyncio.gather(first, ask(10))  # in two halves, each would wait for the other
        assert sizes[3:].count(2) >= 8
        await log.close()

    asyncio.run(run())


def test_what_is_not_a_known_fact_cannot_be_written(tmp_path: Path) -> None:
    async def run() -> None:
        log = AuditLog(tmp_path / "a.db", MODEL, {})
        with pytest.raises(ValueError, match="heart_rate"):
            await log.append("prediction", {"risk": 0.5, "heart_rate": 90})
        await log.close()

    asyncio.run(run())
    assert b"heart_rate" not in (tmp_path / "a.db").read_bytes()


def test_an_edit_by_mistake_is_refused_by_the_database(tmp_path: Path) -> None:
    write_log(tmp_path / "a.db", 1)
    with sqlite3.connect(tmp_path / "a.db") as database:
        for statement in (
            "UPDATE record SET body = ''",
            "UPDATE record SET body = NULL, leaf = x'00'",
            "UPDATE record SET body = NULL, seq = seq + 9",
            "UPDATE record SET body = NULL, frontier = NULL",
            "UPDATE record SET body = NULL, checkpoint = x'00'",
            "DELETE FROM record",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statement)


def test_a_failed_commit_fails_everybody_who_waits_and_the_next_one_recovers(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        log = AuditLog(tmp_path / "a.db", MODEL, {})
        assert log._store._database is not None
        log._store._database.execute("PRAGMA query_only = ON")  # as a disk that refuses writes
        waiting = [log.append("prediction", {"risk": 0.5}) for _ in range(10)]
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(outcome, AuditError) for outcome in outcomes)
        assert log.failed
        await log.append("prediction", {"risk": 0.75})
        assert not log.failed
        await log.close()

    asyncio.run(run())
    assert [body.get("risk") for body in bodies(tmp_path / "a.db")] == [None, 0.75, None]
    assert verify(tmp_path / "a.db").problem is None


def test_a_disk_that_hangs_fails_the_answer_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    awake = threading.Event()

    async def run() -> None:
        log = AuditLog(tmp_path / "a.db", MODEL, {})
        with monkeypatch.context() as hanging:
            hanging.setattr(queue, "DISK_SECONDS", 0.05)
            hanging.setattr(
                log._store, "commit", before(log._store.commit, lambda _: awake.wait(GUARD))
            )
            with pytest.raises(AuditError, match="TimeoutError"):
                await log.append("prediction", {"risk": 0.5})
        awake.set()
        await log.append("prediction", {"risk": 0.75})
        await log.close()

    asyncio.run(run())
    assert verify(tmp_path / "a.db").problem is None


def test_too_many_waiting_records_are_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "WAITING", 5)

    async def run() -> list[Any]:
        log = AuditLog(tmp_path / "a.db", MODEL, {})
        waiting = [log.append("prediction", {"risk": 0.5}) for _ in range(9)]
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        await log.close()
        return outcomes

    outcomes = asyncio.run(run())
    assert sum(isinstance(outcome, AuditError) for outcome in outcomes) == 4


def test_a_path_that_cannot_hold_a_log_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"no database at all, but longer than nothing" * 50)
    make_keys(default_keys(tmp_path / "a.db"))
    with pytest.raises(UserError, match=r"not a usable audit log"):
        AuditLog(tmp_path / "a.db", MODEL, {})
    (tmp_path / "file").touch()
    with pytest.raises(UserError):
        AuditLog(tmp_path / "file" / "a.db", MODEL, {})


def test_a_hidden_trigger_is_found_at_the_start(tmp_path: Path) -> None:
    write_log(tmp_path / "a.db", 1)
    database = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    database.execute("PRAGMA writable_schema = ON")
    trigger = "CREATE TRIGGER sqlite_stat1 AFTER INSERT ON record BEGIN SELECT 1; END"
    row = ("trigger", "sqlite_stat1", "record", 0, trigger)
    database.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", row)
    database.close()
    with pytest.raises(UserError, match="not the schema of an audit log"):
        AuditLog(tmp_path / "a.db", MODEL, {})
