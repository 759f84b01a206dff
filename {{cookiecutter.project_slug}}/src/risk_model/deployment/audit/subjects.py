"""One patient's part of the log: what was said about them, to whom, and its erasure.

A patient is found by the name that the caller used for them. With the last body, salt and pseudonym
gone, nothing in the log tells any more that they were ever in it; the leaves stay, so that
all else verifies as before. Law may ask that records be kept: whether to erase is for the
controller to decide.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from risk_model.core.errors import UserError
from risk_model.deployment.audit.checkpoint import Keys
from risk_model.deployment.audit.record import Record, reference
from risk_model.deployment.audit.store import Store, default_keys
from risk_model.deployment.audit.verify import snapshot


def report(logs: Sequence[Path], subject: str, keys: Path | None = None) -> list[Record]:
    """Every record about a patient, in order, from a log and the segments before it.

    Records that are about one of these (an explanation, feedback) belong to them.

    Raises:
        UserError: a log or its keys cannot be read.
    """
    known = reference(Keys.load(keys or default_keys(logs[-1])).secret, subject)
    events: set[str] = set()
    return [record for log in logs for record in _about(log, known, events)]


def erase(
    logs: Sequence[Path], subject: str, keys: Path | None = None, checkpoints: Path | None = None
) -> list[int]:
    """Removes what a log and the segments before it hold about a patient; the numbers of records.

    The last log records the erasure first, without a name, so that a crash leaves no loss that
    nothing tells of; after one, erase again.

    Raises:
        UserError: a server writes to the last log, or it is not what was written.
    """
    with closing(Store(logs[-1], keys, checkpoints)) as store:
        known = reference(store.keys.secret, subject)
        events: set[str] = set()
        numbers = {log: [record.seq for record in _about(log, known, events)] for log in logs}
        erased = sorted(seq for found in numbers.values() for seq in found)
        if not erased:
            raise UserError(f"{logs[-1]}: nothing is recorded about this patient")
        store.commit([store.event("erasure", {"erased": erased})])
        store.disconnect()
        for log, found in numbers.items():
            _remove(log, found, known)
    return erased


def _about(log: Path, known: bytes, events: set[str]) -> Iterator[Record]:
    """The records of a log about the patient, or about one of the events, which grow by them."""
    with snapshot(log) as database:
        select = "SELECT pseudonym FROM subject WHERE reference = ?"
        names = {name for (name,) in database.execute(select, (known,))}
        select = "SELECT body FROM record WHERE body IS NOT NULL ORDER BY seq"
        for (body,) in database.execute(select):
            record = Record.parse(body)
            if record.subject in names or record.of in events:
                events.add(record.event_id)
                yield record


def _remove(log: Path, numbers: list[int], known: bytes) -> None:
    database = sqlite3.connect(log, isolation_level=None)
    with closing(database):
        # zeros over what is removed, also in the file's free pages
        database.execute("PRAGMA secure_delete = ON")
        database.execute("BEGIN IMMEDIATE")
        clear = "UPDATE record SET body = NULL, salt = NULL WHERE seq = ?"
        database.executemany(clear, [(seq,) for seq in numbers])
        database.execute("DELETE FROM subject WHERE reference = ?", (known,))
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
