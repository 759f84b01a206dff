"""The records of an audit folder that others may have written, read as data from outside."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DATABASE = "audit.db"
STEPS = 20_000_000  # of SQLite's machine, for reading a log that may be anything
LARGEST = 8 << 20  # bytes of a log that is read


class Log:
    """The records of an audit folder by event id; none where the chain of hashes is broken."""

    def __init__(self, files: Mapping[str, bytes] | None) -> None:
        self.key = (files or {}).get(f"{DATABASE}.key", b"")
        self.bytes = b"".join(content for name, content in (files or {}).items())
        self.records: dict[str, dict[str, Any]] = {}
        previous = b"\0" * 32
        for body, stored in _rows(files or {}):
            if hashlib.sha256(previous + body).digest() != stored:
                self.records = {}
                return
            previous, record = stored, json.loads(body)
            self.records[str(record["event_id"])] = record

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """The records of one kind, in their order."""
        return [record for record in self.records.values() if record.get("type") == kind]


def _rows(files: Mapping[str, bytes]) -> list[tuple[bytes, bytes]]:
    """Body and hash of each record; none of what is no log.

    The file may be anything: it is opened as data, with nothing of it run, in a bounded time.
    """
    if sum(map(len, files.values())) > LARGEST or DATABASE not in files:
        return []
    with tempfile.TemporaryDirectory() as folder:
        for name in (DATABASE, f"{DATABASE}-wal"):
            (Path(folder) / name).write_bytes(files.get(name, b""))
        database = sqlite3.connect(Path(folder) / DATABASE)
        left = iter(range(STEPS // 1000))
        database.set_progress_handler(lambda: next(left, None) is None, 1000)
        database.execute("PRAGMA trusted_schema = OFF")
        try:
            kind = database.execute("SELECT type FROM sqlite_master WHERE name = 'record'")
            if kind.fetchall() != [("table",)]:
                return []
            rows = database.execute("SELECT body, hash FROM record ORDER BY seq LIMIT 1000")
            return [(body, stored) for body, stored in rows if _is_record(body, stored)]
        except sqlite3.Error:
            return []
        finally:
            database.close()


def _is_record(body: object, stored: object) -> bool:
    if not isinstance(body, bytes) or not isinstance(stored, bytes) or len(body) > 10_000:
        return False
    try:
        record = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and "event_id" in record
