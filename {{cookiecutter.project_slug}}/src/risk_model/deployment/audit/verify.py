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
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from risk_model.core.errors import UserError
from risk_model.deployment.audit.check import COLUMNS, Problem, Walk, walk_from_start
from risk_model.deployment.audit.checkpoint import VERIFYING, Verifier, read_verifiers
from risk_model.deployment.audit.exported import notes_of, signed
from risk_model.deployment.audit.record import Record
from risk_model.deployment.audit.store import default_keys, is_empty


@dataclass(frozen=True)
class Verification:
    """What was read.

    Attributes:
        records: number of the last record that follows from the first.
        root: over the records up to it, hex.
        problem: the first one.
        kept: how many kept checkpoints were compared.
        origin: of the log.
        before: the last checkpoint of the segment before this one, b"" for the first.
        erased: numbers of records that this log and those after it say were erased.
        set_back: number of the first record that is dated before the one before it, 0 for none.
    """

    records: int
    root: str
    problem: Problem | None
    kept: int
    origin: str
    before: bytes
    erased: frozenset[int]
    set_back: int


def verify(
    path: Path,
    vkey: Path | None = None,
    checkpoints: Sequence[Path] = (),
    later: Verification | None = None,
) -> Verification:
    """Reads a log from its first record, changing nothing, and says where it first fails to follow.

    Args:
        path: the audit log, or one of its segments.
        vkey: file of the log's verifier keys; by default where a log tried out here has them.
        checkpoints: files with checkpoints that were kept elsewhere.
        later: of the segment that goes on from this one, if it was read.

    Raises:
        UserError: one of the files cannot be read.
    """
    verifiers = verifier_keys(path, vkey)
    try:
        kept = b"\n".join(file.read_bytes() for file in checkpoints)
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror})") from error
    with snapshot(path) as database:
        return _verified(database, verifiers, kept, later)


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
    is_empty(path)
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
    later: Verification | None,
) -> Verification:
    (first,) = database.execute("SELECT body FROM record ORDER BY seq LIMIT 1").fetchone() or (b"",)
    origin, before = _beginning(first)
    # a file of keys or of checkpoints may serve many logs
    verifiers = tuple(key for key in verifiers if key.name == origin) or verifiers
    walk = walk_from_start(verifiers, first)
    begins, ends = walk.tree.size, float("inf")
    if later and later.origin == origin:
        walk.erased |= later.erased
        if later.before:
            kept, ends = kept + b"\n" + later.before, int(later.before.split(b"\n")[1])
    notes: dict[int, set[bytes]] = {}
    for size, note in notes_of(origin, kept):
        if begins < size <= ends:
            notes.setdefault(size, set()).add(note)
    expected = len(notes)
    problem = _walk(walk, database, notes, verifiers) or walk.end()
    end, held = walk.tree.size, expected - len(notes)
    cut = max((size for size, found in notes.items() if _signed(found, verifiers)), default=0)
    if not problem and cut:
        problem = Problem(end + 1, "truncated", f"a kept checkpoint covers {cut} records")
    root, erased = walk.tree.root.hex(), frozenset(walk.erased)
    return Verification(end, root, problem, held, origin, before, erased, walk.set_back)


def _beginning(body: object) -> tuple[str, bytes]:
    """The origin of a log by its first record, and the last checkpoint of the segment before it."""
    try:
        record = Record.parse(body if isinstance(body, bytes) else b"")
    except ValueError:
        return "", b""
    return record.origin, (record.previous_checkpoint or "").encode()


def _walk(
    walk: Walk,
    database: sqlite3.Connection,
    notes: dict[int, set[bytes]],
    verifiers: tuple[Verifier, ...],
) -> Problem | None:
    """The first problem; takes out of `notes` the kept checkpoints up to the end of the log."""
    for row in database.execute(f"SELECT {COLUMNS} FROM record ORDER BY seq"):  # noqa: S608 no value
        since = walk.signed
        if problem := walk.follow(row):
            return problem
        if _signed(notes.pop(row[0], set()) - {row[4]}, verifiers):
            return Problem(since + 1, "forked", f"a kept checkpoint over {row[0]} is another")
    return None


def _signed(notes: set[bytes], verifiers: tuple[Verifier, ...]) -> bool:
    """Whether a key of the log signed one of them: what nobody signed is no evidence."""
    return any(signed(note, verifiers) for note in notes)
