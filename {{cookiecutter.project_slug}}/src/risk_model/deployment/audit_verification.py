"""The check of an audit log: did anybody touch it? It is read from its first record."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from risk_model.core.errors import UserError
from risk_model.deployment.audit import GENESIS, follows, highest


@dataclass(frozen=True)
class Verification:
    """How many records follow from the first, the hash of the last one, and the first problem."""

    records: int
    head: str
    problem: str = ""


def verify(path: Path, saved_head: str = "") -> Verification:
    """Reads a log from its first record, changing nothing, and says where it first fails to follow.

    A log may be verified while a server writes to it.

    Args:
        path: the audit log.
        saved_head: a head (hex) kept from an earlier verification: a log that was cut or rewritten
            since does not hold it any more.

    Raises:
        UserError: the file cannot be read as a log.
    """
    try:
        database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            return _walk(database, saved_head)
        finally:
            database.close()
    except sqlite3.Error as error:
        raise UserError(f"{path}: cannot be read as an audit log ({error})") from error


def _walk(database: sqlite3.Connection, saved_head: str) -> Verification:
    last, head, head_matched = 0, GENESIS, not saved_head
    for seq, body, stored in database.execute("SELECT seq, body, hash FROM record ORDER BY seq"):
        if seq != last + 1:
            return Verification(last, head.hex(), f"record {last + 1} was removed")
        if not follows(head, body, stored):
            return Verification(last, head.hex(), f"record {seq} was edited or moved")
        last, head = seq, stored
        head_matched = head_matched or head.hex() == saved_head
    if highest(database) > last:
        return Verification(last, head.hex(), f"records after {last} were removed")
    problem = "the saved head is not in this log: it was cut or rewritten"
    return Verification(last, head.hex(), "" if head_matched else problem)
