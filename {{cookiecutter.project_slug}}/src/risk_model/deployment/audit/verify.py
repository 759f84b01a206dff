"""The check of an audit log from its first record: did anybody touch it?

It may run beside a server, since all it reads is one snapshot, and on a copy that cannot be
written. It needs the public verifier key alone. A log that was cut or restored whole, by somebody
who holds no key, still follows from its own checkpoints: that shows only against the checkpoints
that were kept elsewhere, and a rewriting by somebody who holds the key as well.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from risk_model.core.errors import UserError
from risk_model.deployment.audit.check import COLUMNS, Problem, Row, Walk, walk_from_start
from risk_model.deployment.audit.checkpoint import VERIFYING, Verifier, read_verifiers
from risk_model.deployment.audit.exported import signed_notes
from risk_model.deployment.audit.record import Record
from risk_model.deployment.audit.store import default_keys


@dataclass(frozen=True)
class Verification:
    """Number of the last record that follows from the first, the root over them (hex), the first
    problem, and the records that events in this log say were erased, by origin and number.
    """

    records: int
    root: str
    problem: Problem | None = None
    erased: frozenset[tuple[str, int]] = frozenset()


def verify(
    path: Path,
    vkey: Path | None = None,
    checkpoints: Sequence[Path] = (),
    erased: frozenset[tuple[str, int]] = frozenset(),
) -> Verification:
    """Reads a log from its first record, changing nothing, and says where it first fails to follow.

    Args:
        path: the audit log, or one of its segments.
        vkey: file of the log's verifier keys; by default where a log tried out here has them.
        checkpoints: files with checkpoints that were kept elsewhere.
        erased: what later segments say was erased from this one.

    Raises:
        UserError: one of the files cannot be read.
    """
    verifiers = verifier_keys(path, vkey)
    try:
        kept = b"\n".join(file.read_bytes() for file in checkpoints)
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror})") from error
    with snapshot(path) as database:
        return _verified(database, verifiers, kept, erased)


def verifier_keys(path: Path, vkey: Path | None = None) -> tuple[Verifier, ...]:
    """The public keys of a log, from a file or from where they are made; UserError without any."""
    vkey = vkey or default_keys(path) / VERIFYING
    try:
        return read_verifiers(vkey)
    except (OSError, ValueError) as error:
        raise UserError(f"{vkey}: no verifier key ({error}); name its file: --vkey FILE") from error


@contextmanager
def snapshot(path: Path) -> Iterator[sqlite3.Connection]:
    """One state of a log, whoever writes to it meanwhile; UserError when it cannot be read."""
    wal = path.with_name(f"{path.name}-wal")
    if wal.exists() and not os.access(path.parent, os.W_OK):
        # SQLite reads no -wal where it cannot write its index
        with TemporaryDirectory() as folder:
            for file in (path, wal):
                shutil.copy(file, folder)
            with snapshot(Path(folder) / path.name) as database:
                yield database
        return
    # without a -wal beside it nobody writes to it, and no lock is needed
    place = f"{path.resolve().as_uri()}?mode=ro{'' if wal.exists() else '&immutable=1'}"
    try:
        with closing(sqlite3.connect(place, uri=True, isolation_level=None)) as database:
            database.execute("BEGIN")  # the first SELECT fixes what all others see
            yield database
    except sqlite3.Error as error:
        raise UserError(f"{path}: cannot be read as an audit log ({error})") from error


def _verified(
    database: sqlite3.Connection,
    verifiers: tuple[Verifier, ...],
    kept: bytes,
    erased: frozenset[tuple[str, int]],
) -> Verification:
    first = database.execute("SELECT body FROM record ORDER BY seq LIMIT 1").fetchone() or (b"",)
    # a file of keys or of checkpoints may serve many logs
    origin = _origin(*first)
    verifiers = tuple(key for key in verifiers if key.name == origin) or verifiers
    walk = walk_from_start(verifiers, *first)
    walk.erased |= {seq for name, seq in erased if name == origin}
    begins = walk.tree.size
    notes: dict[int, set[object]] = {}
    for note, stated in signed_notes(kept, verifiers):
        if stated.size > begins:
            notes.setdefault(stated.size, set()).add(note)
    rows = database.execute(f"SELECT {COLUMNS} FROM record ORDER BY seq")  # noqa: S608 no value
    problem = _walk(walk, rows, notes) or walk.end()
    end = walk.tree.size
    if not problem and notes:
        size = max(notes)
        problem = Problem(
            min(size, end + 1),
            "truncated" if size > end else "forked",
            f"a kept checkpoint covers {size} records",
        )
    told = frozenset((origin, seq) for seq in walk.erased)
    return Verification(end, walk.tree.root.hex(), problem, told)


def _origin(body: object) -> str:
    try:
        return Record.parse(body if isinstance(body, bytes) else b"").origin
    except ValueError:
        return ""


def _walk(walk: Walk, rows: Iterable[Row], notes: dict[int, set[object]]) -> Problem | None:
    """The first problem; takes out of `notes` each kept checkpoint that the log holds."""
    for row in rows:
        signed = walk.signed
        if problem := walk.follow(row):
            return problem
        if notes.pop(row[0], {row[4]}) != {row[4]}:
            return Problem(signed + 1, "forked", f"a kept checkpoint over {row[0]} is another")
    return None
