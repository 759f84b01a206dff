"""Is every change of a log found, and nothing cried over a log that somebody writes to?"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from risk_model.core.errors import UserError
from risk_model.deployment.audit import AuditLog, store
from risk_model.deployment.audit.check import COLUMNS, Row, walk_from_start
from risk_model.deployment.audit.checkpoint import VERIFYING, read_verifiers
from risk_model.deployment.audit.store import default_keys
from risk_model.deployment.audit.tree import Tree, leaf_hash
from risk_model.deployment.audit.verify import verify

from tests.made_log import MODEL, tamper, write_log


def renumber(seq: int, new: int) -> str:
    return f"UPDATE record SET seq = {new} WHERE seq = {seq}"  # noqa: S608


def problem(path: Path, checkpoints: Path | None = None) -> str:
    """Kind and record of the first problem, "" for none."""
    found = verify(path, checkpoints=[checkpoints] if checkpoints else []).problem
    return f"{found.kind} {found.seq}" if found else ""


CHANGES = {
    "edited": (
        ["UPDATE record SET body = CAST(replace(body, '0.02', '0.92') AS BLOB) WHERE seq = 4"],
        "edited 4",
    ),
    "emptied": (["UPDATE record SET body = NULL WHERE seq = 4"], "edited 4"),
    "removed": (["DELETE FROM record WHERE seq = 5"], "gap 5"),
    "first removed": (["DELETE FROM record WHERE seq = 1"], "gap 1"),
    "swapped": ([renumber(3, -3), renumber(6, 3), renumber(-3, 6)], "reordered 3"),
    "closed up": (
        ["DELETE FROM record WHERE seq = 5", "UPDATE record SET seq = seq - 1 WHERE seq > 5"],
        "reordered 5",
    ),
    "added after a gap": (
        ["INSERT INTO record SELECT 99, leaf, body, salt, frontier, checkpoint "
         "FROM record WHERE seq = 3"],
        "gap 13",
    ),
    "last one doubled": (
        ["INSERT INTO record SELECT 13, leaf, body, salt, frontier, checkpoint "
         "FROM record WHERE seq = 12"],
        "reordered 13",
    ),
    "checkpoint of another record": (
        ["UPDATE record SET checkpoint = (SELECT checkpoint FROM record WHERE seq = 3), "
         "frontier = (SELECT frontier FROM record WHERE seq = 3) WHERE seq = 4"],
        "edited 4",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("statements", "expected"), CHANGES.values(), ids=CHANGES)
def test_the_first_record_that_was_changed_is_found_by_the_check_and_at_the_start(
    tmp_path: Path, statements: list[str], expected: str
) -> None:
    write_log(tmp_path / "a.db", 10)
    tamper(tmp_path / "a.db", *statements)
    assert problem(tmp_path / "a.db") == expected
    if statements != CHANGES["emptied"][0]:
        with pytest.raises(UserError, match="evidence"):
            AuditLog(tmp_path / "a.db", MODEL, {})


def test_records_removed_at_the_end_are_noticed_at_the_start(tmp_path: Path) -> None:
    write_log(tmp_path / "a.db", 10)
    tamper(tmp_path / "a.db", "DELETE FROM record WHERE seq > 8")
    with pytest.raises(UserError, match="after 8 were removed"):
        AuditLog(tmp_path / "a.db", MODEL, {})


def forge(path: Path, seq: int, checkpoint: bytes | None) -> None:
    """Puts a record behind the last one, with all that needs no key."""
    database = sqlite3.connect(path)
    (last,) = database.execute("SELECT body FROM record ORDER BY seq DESC LIMIT 1").fetchone()
    body = last.replace(f'"seq":{seq - 1}'.encode(), f'"seq":{seq}'.encode())
    row = (seq, leaf_hash(body), body, b"", b"\0" * 32 if checkpoint else None, checkpoint)
    database.execute("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?)", row)
    database.commit()
    database.close()


@pytest.mark.parametrize("checkpoint", [None, b"nothing\n1\n2\n\n- x y\n"])
def test_a_record_forged_at_the_end_has_no_signature(
    tmp_path: Path, checkpoint: bytes | None
) -> None:
    write_log(tmp_path / "a.db", 1)
    forge(tmp_path / "a.db", 4, checkpoint)
    assert problem(tmp_path / "a.db") == "bad signature 4"
    with pytest.raises(UserError, match="checkpoint"):
        AuditLog(tmp_path / "a.db", MODEL, {})


@pytest.mark.parametrize("frontiers", [False, True])
def test_an_edit_with_its_leaf_and_every_frontier_is_found_by_the_signed_root(
    tmp_path: Path, frontiers: bool
) -> None:
    write_log(tmp_path / "a.db", 5)
    database = sqlite3.connect(tmp_path / "a.db")
    bodies = [body for (body,) in database.execute("SELECT body FROM record ORDER BY seq")]
    database.close()
    changed = bodies[3].replace(b'"risk":0.02', b'"risk":0.92')
    assert changed != bodies[3]
    tree, statements = Tree(), [f"UPDATE record SET body = x'{changed.hex()}' WHERE seq = 4"]  # noqa: S608
    for seq, body in enumerate([*bodies[:3], changed, *bodies[4:]], start=1):
        tree.push(leaf_hash(body))
        cells = f"leaf = x'{leaf_hash(body).hex()}'"
        cells += f", frontier = x'{tree.frontier.hex()}'" if frontiers else ""
        statements.append(f"UPDATE record SET {cells} WHERE seq = {seq}")  # noqa: S608
    tamper(tmp_path / "a.db", *statements)
    assert problem(tmp_path / "a.db") == "edited 4"


def test_a_log_that_was_cut_restored_or_made_anew_is_found_by_checkpoints_kept_elsewhere(
    tmp_path: Path,
) -> None:
    log, kept = tmp_path / "a.db", tmp_path / "elsewhere" / "checkpoints"
    write_log(log, 5, kept)
    backup = tmp_path / "backup.db"
    shutil.copy(log, backup)
    write_log(log, 5, kept)
    assert problem(log, kept) == ""
    for statement in ("DELETE FROM record WHERE seq > 9", "UPDATE sqlite_sequence SET seq = 9"):
        tamper(log, statement)
    assert problem(log) == ""
    assert problem(log, kept) == "truncated 10"
    shutil.copy(backup, log)
    assert problem(log) == ""
    assert problem(log, kept) == "truncated 8"
    with pytest.raises(UserError, match="last checkpoint that is known"):
        write_log(log, 1, kept)
    log.unlink()
    with pytest.raises(UserError, match="it is empty, though a checkpoint of it is known"):
        write_log(log, 1, kept)
    log.unlink()
    write_log(log, 20)
    assert problem(log) == ""
    assert problem(log, kept) == "forked 1"


def test_a_checkpoint_that_a_crash_cut_off_does_not_stop_the_next_start(tmp_path: Path) -> None:
    log, kept = tmp_path / "a.db", tmp_path / "checkpoints"
    write_log(log, 2, kept)
    whole = kept.read_bytes()
    for length in range(1, 120, 7):
        kept.write_bytes(whole + b"\n" + whole.split(b"\n\n\n")[0][-200:][:length])
        write_log(log, 0, kept)
        assert problem(log, kept) == ""
        whole = kept.read_bytes()


def test_the_file_of_checkpoints_must_be_there_and_of_this_log(tmp_path: Path) -> None:
    kept = tmp_path / "checkpoints"
    write_log(tmp_path / "a.db", 1)
    with pytest.raises(UserError, match=r"missing, though the log is not new.*touch"):
        write_log(tmp_path / "a.db", 1, kept)
    kept.touch()
    write_log(tmp_path / "a.db", 1, kept)
    write_log(tmp_path / "b.db", 1, other := tmp_path / "other")
    with pytest.raises(UserError, match="no checkpoint of this log"):
        write_log(tmp_path / "a.db", 1, other)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Row], Path]:
    """The rows of a log with a start, three records in one batch and a stop; its verifier keys."""
    path = tmp_path_factory.mktemp("small") / "a.db"

    async def run() -> None:
        log = AuditLog(path, MODEL, {})
        await asyncio.gather(*(log.append("prediction", {"risk": 0.1}) for _ in range(3)))
        await log.close()

    asyncio.run(run())
    rows = sqlite3.connect(path).execute(f"SELECT {COLUMNS} FROM record ORDER BY seq")  # noqa: S608
    return rows.fetchall(), default_keys(path) / VERIFYING


def holds(rows: list[Row], vkey: Path) -> bool:
    walk = walk_from_start(read_verifiers(vkey), rows[0][2])
    return not any(walk.follow(row) for row in rows) and walk.end() is None


def flips(rows: list[Row], column: int) -> Iterator[list[Row]]:
    """The rows with one bit of the column changed, for each bit."""
    for number, row in enumerate(rows):
        content = row[column]
        if isinstance(content, bytes):
            for bit in range(8 * len(content)):
                changed = bytearray(content)
                changed[bit // 8] ^= 1 << bit % 8
                cells = (*row[:column], bytes(changed), *row[column + 1 :])
                yield [*rows[:number], cells, *rows[number + 1 :]]  # type: ignore[list-item]


@pytest.mark.parametrize("column", COLUMNS.split(", ")[1:])
def test_no_bit_of_a_body_a_leaf_a_frontier_or_a_checkpoint_can_change(
    small: tuple[list[Row], Path], column: str
) -> None:
    rows, vkey = small
    assert holds(rows, vkey)
    changed = list(flips(rows, COLUMNS.split(", ").index(column)))
    assert len(changed) >= 8 * 32 * 3
    assert not any(holds(each, vkey) for each in changed)


def test_at_the_start_only_the_end_of_a_long_log_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "TAIL", 5)
    write_log(tmp_path / "a.db", 40)
    tamper(tmp_path / "a.db", "UPDATE record SET body = x'7b7d' WHERE seq = 3")
    write_log(tmp_path / "a.db", 1)
    assert problem(tmp_path / "a.db") == "edited 3"
    tamper(tmp_path / "a.db", "UPDATE record SET body = x'7b7d' WHERE seq = 41")
    with pytest.raises(UserError, match="record 41: edited"):
        write_log(tmp_path / "a.db", 1)
