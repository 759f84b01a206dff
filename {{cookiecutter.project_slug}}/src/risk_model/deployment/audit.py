"""The audit log: what was predicted, by which model, and that nobody changed the record since.

It is an append-only SQLite file. Each record carries the SHA-256 of the one before and its own
bytes, so `verify` finds the first one that was edited, removed or moved. What a chain cannot show
by itself is a log that was cut at the end and renumbered, or rewritten whole by somebody with write
access: keep a head elsewhere and give it to `verify`.

One thread writes. Requests that arrive while it waits for the disk share the next commit, so a
durable record costs a service about one fsync of latency and not one fsync of throughput. Records
hold no feature value and no identifier of a patient: the input stands there as an HMAC, under a key
kept beside the log, which proves what was asked to whoever holds the input, and tells nothing to
whoever reads the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import hmac
import os
import sqlite3
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import IO, Literal

import orjson

from risk_model.core.errors import UserError
from risk_model.core.files import write_atomically

Kind = Literal["prediction", "refusal", "explanation", "start", "stop", "probe", "login_failure"]

# What a record may say. A name that is not here is refused, so that no input can slip into the log.
FACTS = frozenset(
    "model model_sha256 code_version risk operating_threshold flagged request_id status reason of "
    "accepted client idempotency_key".split()
)
GENESIS = b"\0" * 32
TAIL = 1_000  # records read again when a log is opened
BATCH = 256  # records in one commit, at most
WAITING = 4_096  # records that may wait for the disk
DISK_SECONDS = 5.0  # for one commit

_TABLES = """
CREATE TABLE IF NOT EXISTS record (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL, hash BLOB NOT NULL);
CREATE TRIGGER IF NOT EXISTS no_update BEFORE UPDATE ON record
  BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER IF NOT EXISTS no_delete BEFORE DELETE ON record
  BEGIN SELECT RAISE(ABORT, 'append-only'); END;
"""


class AuditError(Exception):
    """The record could not be made durable, so the answer must not be given."""


class AuditLog:
    """The one writer of a log.

    Opening the log writes its start, closing it its stop. A log whose tail does not verify is
    refused.

    Args:
        path: the log; its key and its lock lie beside it.
        constant: facts that stand in every record (the model and code version).
        start: facts of the start alone.

    Raises:
        UserError: a second process writes to it, its tail was changed, or it cannot be written.
    """

    def __init__(
        self, path: Path, constant: Mapping[str, object], start: Mapping[str, object]
    ) -> None:
        self.path, self.failed = path, False
        self._constant = _allowed(constant)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "audit")
        self._database: sqlite3.Connection | None = None
        self._last = (0, GENESIS)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(path)
            self._key = _commitment_key(path.with_name(f"{path.name}.key"))
            self._commit([self._record("start", start, b"")[1]])
        except (sqlite3.Error, OSError) as error:
            raise UserError(
                f"{path}: not a usable audit log ({error}); check the disk and the path"
            ) from error

    async def append(self, kind: Kind, facts: Mapping[str, object], committed: bytes = b"") -> str:
        """Writes one record and returns its event id once the record is durably on disk.

        Args:
            kind: of the event.
            facts: what the record says; names that are not in FACTS are refused.
            committed: what the record commits to without saying it (the encoded input, the
                explanation).

        Raises:
            AuditError: the disk refused it or too many records wait; the next call tries again.
        """
        if len(self._waiting) >= WAITING:
            raise AuditError("too many records wait for the disk")
        event_id, body = self._record(kind, facts, committed)
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append((body, waiter))
        if self._writing is None:
            # starts in the loop's next round, so the rest of this round joins the same commit
            self._writing = asyncio.create_task(self._write())
        await waiter
        return event_id

    def commitment(self, event_id: str, committed: bytes) -> str:
        """HMAC-SHA256 over event id and content, in hex; equal inputs do not look equal."""
        return hmac.digest(self._key, event_id.encode() + committed, "sha256").hex()

    async def close(self) -> None:
        """Writes the stop after all records on their way, then closes file and lock."""
        with contextlib.suppress(AuditError):
            await self.append("stop", {})
        self._thread.shutdown()
        if self._database is not None:
            self._database.close()
        self._lock.close()

    def _record(
        self, kind: Kind, facts: Mapping[str, object], committed: bytes
    ) -> tuple[str, bytes]:
        """Event id and bytes of a record."""
        event_id, now = str(uuid.uuid4()), datetime.now(UTC).isoformat(timespec="milliseconds")
        event = {"event_id": event_id, "time": now, "type": kind}
        body = {**event, **self._constant, **_allowed(facts)}
        if committed:
            body["commitment"] = self.commitment(event_id, committed)
        return event_id, orjson.dumps(body)

    async def _write(self) -> None:
        """Commits batch after batch until none waits. Only the event loop touches the queue."""
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            bodies, error = [body for body, _ in batch], None
            try:
                async with asyncio.timeout(DISK_SECONDS):
                    await asyncio.get_running_loop().run_in_executor(
                        self._thread, self._commit, bodies
                    )
            except Exception as cause:
                error = AuditError(type(cause).__name__)
            self.failed = error is not None
            for waiter in [waiter for _, waiter in batch if not waiter.done()]:  # or cancelled
                waiter.set_exception(error) if error else waiter.set_result(None)
        self._writing = None

    def _commit(self, bodies: list[bytes]) -> None:
        """One transaction, in the writer thread; after a failure file and tail are read again."""
        try:
            self._database = self._database or self._connect()
            rows: list[object] = []
            seq, head = self._last
            for body in bodies:
                seq, head = seq + 1, chained(head, body)
                rows += [seq, body, head]
            # One statement: with several, the thread would hand over the GIL for each.
            values = ",".join(["(?,?,?)"] * len(bodies))
            self._database.execute(f"INSERT INTO record VALUES {values}", rows)  # noqa: S608 no value
            self._last = (seq, head)
        except Exception:
            # After any failure nothing is assumed of the connection or of what it wrote.
            if self._database is not None:
                self._database.close()
            self._database = None
            raise

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        try:
            database.execute("PRAGMA journal_mode=WAL")
            # NORMAL may lose the last commits when the power goes
            database.execute("PRAGMA synchronous=FULL")
            database.executescript(_TABLES)
            self._last = _verified_tail(database, self.path)
        except BaseException:
            database.close()
            raise
        return database


def chained(previous: bytes, body: bytes) -> bytes:
    """The hash of a record: SHA-256 of the hash before it and its own bytes as stored."""
    return hashlib.sha256(previous + body).digest()


def follows(previous: bytes, body: object, stored: bytes) -> bool:
    """Whether a stored record follows from the hash before it."""
    return isinstance(body, bytes) and chained(previous, body) == stored


def highest(database: sqlite3.Connection) -> int:
    """The highest record number ever given, which SQLite keeps even when the record is gone."""
    row = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'record'").fetchone()
    return int(row[0]) if row else 0


def _verified_tail(database: sqlite3.Connection, path: Path) -> tuple[int, bytes]:
    """Number and hash of the last record, if the last TAIL records follow from each other."""
    rows = database.execute(
        "SELECT seq, body, hash FROM record ORDER BY seq DESC LIMIT ?", (TAIL + 1,)
    ).fetchall()
    if highest(database) > (rows[0][0] if rows else 0):
        raise UserError(
            f"{path}: its last records were removed; keep the file as evidence and start a new log"
        )
    for (seq, body, stored), (before, _, previous) in pairwise([*rows, (0, b"", GENESIS)]):
        oldest_read = before == 0 and len(rows) > TAIL
        if not oldest_read and (seq != before + 1 or not follows(previous, body, stored)):
            raise UserError(
                f"{path}: record {seq} was edited or moved; keep the file as evidence and start a "
                "new log"
            )
    return (rows[0][0], rows[0][2]) if rows else (0, GENESIS)


def _lock(path: Path) -> IO[bytes]:
    """The lock of the only writer; the kernel drops it however the process ends."""
    file = path.with_name(f"{path.name}.lock").open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise UserError(
            f"{path}: another process writes to this audit log; give each server its own"
        ) from error
    return file


def _commitment_key(path: Path) -> bytes:
    """The secret of the commitments, made on first use; without it they mean nothing."""
    if not path.exists():
        previous = os.umask(0o077)
        try:
            write_atomically(path, os.urandom(32))
        finally:
            os.umask(previous)
    return path.read_bytes()


def _allowed(facts: Mapping[str, object]) -> dict[str, object]:
    if unknown := facts.keys() - FACTS:
        raise ValueError(f"not for the audit log: {', '.join(sorted(unknown))}")
    return dict(facts)
