"""The records of an audit folder that others may have written, read as data from outside."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DATABASE = "log/audit.db"
KEY_FILE = "log-keys/audit/commitment.key"
STEPS = 20_000_000  # of SQLite's machine, for reading a log that may be anything
LARGEST = 8 << 20  # bytes of a log that is read


class Log:
    """The records of an audit folder by event id; none where one does not match its leaf.

    `salts` holds what each record's commitment is salted with, `key` the secret of them all.
    """

    def __init__(self, files: Mapping[str, bytes] | None) -> None:
        self.key = (files or {}).get(KEY_FILE, b"")
        self.bytes = b"".join(content for name, content in (files or {}).items())
        self.records: dict[str, dict[str, Any]] = {}
        self.salts: dict[str, bytes] = {}
        for number, (seq, leaf, body, salt) in enumerate(_rows(files or {}), start=1):
            record = json.loads(body)
            numbered = seq == record.get("seq") == number
            if not numbered or hashlib.sha256(b"\0" + body).digest() != leaf:
                self.records = {}
                return
            event_id = str(record["event_id"])
            self.records[event_id], self.salts[event_id] = record, salt

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """The records of one kind, in their order."""
        return [record for record in self.records.values() if record.get("type") == kind]


Row = tuple[int, bytes, bytes, bytes]


def _rows(files: Mapping[str, bytes]) -> list[Row]:
    """Number, leaf, body and salt of each record; none of what is no log.

    The file may be anything: it is opened as data, with nothing of it run, in a bounded time.
    """
    if sum(map(len, files.values())) > LARGEST or DATABASE not in files:
        return []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "audit.db"
        copy.write_bytes(files[DATABASE])
        copy.with_name("audit.db-wal").write_bytes(files.get(f"{DATABASE}-wal", b""))
        database = sqlite3.connect(copy)
        left = iter(range(STEPS // 1000))
        database.set_progress_handler(lambda: next(left, None) is None, 1000)
        database.execute("PRAGMA trusted_schema = OFF")
        try:
            kind = database.execute("SELECT type FROM sqlite_master WHERE name = 'record'")
            if kind.fetchall() != [("table",)]:
                return []
            columns = "SELECT seq, leaf, body, salt FROM record ORDER BY seq LIMIT 1000"
            return [row for row in database.execute(columns) if _is_record(*row)]
        except sqlite3.Error:
            return []
        finally:
            database.close()


def _is_record(seq: object, leaf: object, body: object, salt: object) -> bool:
    if not isinstance(leaf, bytes) or not isinstance(body, bytes) or not isinstance(salt, bytes):
        return False
    if len(body) > 10_000:
        return False
    try:
        record = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and "event_id" in record
