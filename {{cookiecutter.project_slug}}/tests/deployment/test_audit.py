"""Is every record durable before its answer, and is every later change of the log found?"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from risk_model.core.errors import UserError
from risk_model.deployment import audit
from risk_model.deployment.audit import AuditError, AuditLog
from risk_model.deployment.audit_verification import verify

from tests.made_service import GUARD

Commit = Callable[[list[bytes]], None]
MODEL = {"model": "logistic_regression", "model_sha256": "0" * 64, "code_version": "1"}


def write(path: Path, records: int) -> list[str]:
    """A log with that many predictions between its start and its stop; their event ids."""

    async def run() -> list[str]:
        log = AuditLog(path, MODEL, {})
        events = [
            await log.append("prediction", {"risk": i / 100}, b"features") for i in range(records)
        ]
        await log.close()
        return events

    return asyncio.run(run())


def before(commit: Commit, first: Callable[[list[bytes]], object]) -> Commit:
    """A commit that does something first."""

    def both(batch: list[bytes]) -> None:
        first(batch)
        commit(batch)

    return both


def bodies(path: Path) -> list[dict[str, Any]]:
    rows = sqlite3.connect(path).execute("SELECT body FROM record ORDER BY seq").fetchall()
    return [json.loads(body) for (body,) in rows]


def tamper(path: Path, *statements: str) -> None:
    """What somebody with write access to the file could do."""
    with sqlite3.connect(path, isolation_level=None) as database:
        for statement in ("DROP TRIGGER no_update", "DROP TRIGGER no_delete", *statements):
            database.execute(statement)


def renumber(seq: int, new: int) -> str:
    return f"UPDATE record SET seq = {new} WHERE seq = {seq}"  # noqa: S608


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
        assert log._database is not None
        assert log._database.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"
        await log.close()

    asyncio.run(run())


def test_a_log_says_when_it_was_opened_and_closed(tmp_path: Path) -> None:
    write(tmp_path / "a.db", 1)
    write(tmp_path / "a.db", 0)
    assert [body["type"] for body in bodies(tmp_path / "a.db")] == [
        "start",
        "prediction",
        "stop",
        "start",
        "stop",
    ]
    assert verify(tmp_path / "a.db").problem == ""


def test_records_that_arrive_together_share_a_commit_and_keep_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> int:
        log = AuditLog(tmp_path / "a.db", MODEL, {})
        commits: list[int] = []
        monkeypatch.setattr(
            log, "_commit", before(log._commit, lambda batch: commits.append(len(batch)))
        )
        await asyncio.gather(*(log.append("prediction", {"risk": i / 1000}) for i in range(300)))
        await log.close()
        return len(commits)

    commits = asyncio.run(run())
    risks = [body["risk"] for body in bodies(tmp_path / "a.db") if body["type"] == "prediction"]
    assert risks == [i / 1000 for i in range(300)]
    assert commits <= 4
    assert verify(tmp_path / "a.db").problem == ""


def test_what_is_not_a_known_fact_cannot_be_written(tmp_path: Path) -> None:
    async def run() -> None:
        log = AuditLog(tmp_path / "a.db", MODEL, {})
        with pytest.raises(ValueError, match="heart_rate"):
            await log.append("prediction", {"risk": 0.5, "heart_rate": 90})
        await log.close()

    asyncio.run(run())
    assert b"heart_rate" not in (tmp_path / "a.db").read_bytes()


def test_an_input_can_be_proven_with_the_key_and_equal_inputs_do_not_look_equal(
    tmp_path: Path,
) -> None:
    events = write(tmp_path / "a.db", 2)
    key = (tmp_path / "a.db.key").read_bytes()
    shown = [
        body["commitment"] for body in bodies(tmp_path / "a.db") if body["type"] == "prediction"
    ]
    assert shown == [
        hmac.new(key, e.encode() + b"features", hashlib.sha256).hexdigest() for e in events
    ]
    assert shown[0] != shown[1]
    assert stat.S_IMODE((tmp_path / "a.db.key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (
            ["UPDATE record SET body = replace(body, '0.02', '0.92') WHERE seq = 4"],
            "record 4 was edited or moved",
        ),
        (["DELETE FROM record WHERE seq = 5"], "record 5 was removed"),
        (["DELETE FROM record WHERE seq = 1"], "record 1 was removed"),
        (["DELETE FROM record WHERE seq > 8"], "records after 8 were removed"),
        (
            [renumber(3, -3), renumber(6, 3), renumber(-3, 6)],
            "record 3 was edited or moved",
        ),
        (
            ["DELETE FROM record WHERE seq = 5", "UPDATE record SET seq = seq - 1 WHERE seq > 5"],
            "record 5 was edited or moved",
        ),
        (
            ["INSERT INTO record SELECT 99, body, hash FROM record WHERE seq = 3"],
            "record 13 was removed",
        ),
    ],
)
def test_the_first_record_that_was_changed_is_found(
    tmp_path: Path, statements: list[str], problem: str
) -> None:
    write(tmp_path / "a.db", 10)
    tamper(tmp_path / "a.db", *statements)
    assert verify(tmp_path / "a.db").problem == problem
    with pytest.raises(UserError, match=r"evidence"):
        AuditLog(tmp_path / "a.db", MODEL, {})


def test_a_rewritten_log_and_a_log_cut_with_its_counter_are_found_by_a_head_kept_elsewhere(
    tmp_path: Path,
) -> None:
    write(tmp_path / "a.db", 10)
    head = verify(tmp_path / "a.db").head
    write(tmp_path / "a.db", 1)
    assert verify(tmp_path / "a.db", head).problem == ""
    tamper(
        tmp_path / "a.db", "DELETE FROM record WHERE seq > 8", "UPDATE sqlite_sequence SET seq = 8"
    )
    assert verify(tmp_path / "a.db").problem == ""
    assert "saved head" in verify(tmp_path / "a.db", head).problem
    write(tmp_path / "b.db", 10)
    assert "saved head" in verify(tmp_path / "b.db", head).problem


def test_an_edit_by_mistake_is_refused_by_the_database(tmp_path: Path) -> None:
    write(tmp_path / "a.db", 1)
    with sqlite3.connect(tmp_path / "a.db") as database:
        for statement in ("UPDATE record SET body = ''", "DELETE FROM record"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statement)


def test_only_the_tail_is_read_again_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "TAIL", 5)
    write(tmp_path / "a.db", 20)
    write(tmp_path / "a.db", 20)
    tamper(tmp_path / "a.db", "UPDATE record SET body = '{}' WHERE seq = 3")
    write(tmp_path / "a.db", 1)
    assert verify(tmp_path / "a.db").problem == "record 3 was edited or moved"


def test_a_second_process_on_the_same_log_is_refused(tmp_path: Path) -> None:
    code = "import sys, pathlib, risk_model.deployment.audit as a\n"
    code += "a.AuditLog(pathlib.Path(sys.argv[1]), {}, {})"

    async def run() -> subprocess.CompletedProcess[str]:
        log = AuditLog(tmp_path / "a.db", MODEL, {})
        path = str(Path(audit.__file__).parents[2])
        command = [sys.executable, "-c", code, str(log.path)]
        second = subprocess.run(
            command, capture_output=True, text=True, env={"PYTHONPATH": path}, check=False
        )
        await log.close()
        return second

    assert "another process writes to this audit log" in asyncio.run(run()).stderr
    write(tmp_path / "a.db", 1)


def test_a_failed_commit_fails_everybody_who_waits_and_the_next_one_recovers(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        log = AuditLog(tmp_path / "a.db", MODEL, {})
        assert log._database is not None
        log._database.execute("PRAGMA query_only = ON")  # as a disk that refuses writes
        waiting = [log.append("prediction", {"risk": 0.5}) for _ in range(10)]
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(outcome, AuditError) for outcome in outcomes)
        assert log.failed
        await log.append("prediction", {"risk": 0.75})
        assert not log.failed
        await log.close()

    asyncio.run(run())
    assert [body.get("risk") for body in bodies(tmp_path / "a.db")] == [None, 0.75, None]
    assert verify(tmp_path / "a.db").problem == ""


def test_a_disk_that_hangs_fails_the_answer_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    awake = threading.Event()

    async def run() -> None:
        log = AuditLog(tmp_path / "a.db", MODEL, {})
        with monkeypatch.context() as hanging:
            hanging.setattr(audit, "DISK_SECONDS", 0.05)
            hanging.setattr(log, "_commit", before(log._commit, lambda _: awake.wait(GUARD)))
            with pytest.raises(AuditError, match="TimeoutError"):
                await log.append("prediction", {"risk": 0.5})
        awake.set()
        await log.append("prediction", {"risk": 0.75})
        await log.close()

    asyncio.run(run())
    assert verify(tmp_path / "a.db").problem == ""


def test_too_many_waiting_records_are_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "WAITING", 5)

    async def run() -> list[Any]:
        log = AuditLog(tmp_path / "a.db", MODEL, {})
        waiting = [log.append("prediction", {"risk": 0.5}) for _ in range(9)]
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        await log.close()
        return outcomes

    outcomes = asyncio.run(run())
    assert sum(isinstance(outcome, AuditError) for outcome in outcomes) == 4


@pytest.mark.parametrize("content", [b"no database at all, but longer than nothing" * 50, b""])
def test_a_file_that_is_no_log_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.db").write_bytes(content)
    with pytest.raises(UserError, match=r"cannot be read as an audit log"):
        verify(tmp_path / "a.db")
    with pytest.raises(UserError, match=r"cannot be read as an audit log"):
        verify(tmp_path / "absent.db")


def test_a_path_that_cannot_hold_a_log_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"no database at all, but longer than nothing" * 50)
    with pytest.raises(UserError, match=r"not a usable audit log"):
        AuditLog(tmp_path / "a.db", MODEL, {})
    (tmp_path / "file").touch()
    with pytest.raises(UserError):
        AuditLog(tmp_path / "file" / "a.db", MODEL, {})
