"""The file of an audit log: its lock, its exact schema, and one transaction for each batch.

What may go wrong between a record and the disk ends the batch with an error, and what is on the
disk is read again before the next one: nothing is assumed of a file that somebody else can reach.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from risk_model.core.errors import UserError
from risk_model.deployment.audit.check import COLUMNS, Walk, walk_from, walk_from_start
from risk_model.deployment.audit.checkpoint import Checkpoint, Keys, Verifier, make_keys
from risk_model.deployment.audit.exported import export_checkpoint, last_checkpoint
from risk_model.deployment.audit.record import Event, Kind, Record, allowed, event
from risk_model.deployment.audit.tree import Tree, leaf_hash

TAIL = 256  # records read again, at least, when a log is opened
# Compared word by word when a log is opened: a trigger could swallow a record. Each row is one
# record; the last one of a batch carries the tree's frontier and the signed checkpoint.
SCHEMA = {
    "record": "CREATE TABLE record (seq INTEGER PRIMARY KEY AUTOINCREMENT, leaf BLOB NOT NULL, "
    "body BLOB, salt BLOB, frontier BLOB, checkpoint BLOB)",
    "subject": "CREATE TABLE subject (reference BLOB PRIMARY KEY, pseudonym TEXT NOT NULL)",
    "no_update": "CREATE TRIGGER no_update BEFORE UPDATE ON record WHEN NEW.body IS NOT NULL "
    "OR (NEW.seq, NEW.leaf, NEW.frontier, NEW.checkpoint) "
    "IS NOT (OLD.seq, OLD.leaf, OLD.frontier, OLD.checkpoint) "
    "BEGIN SELECT RAISE(ABORT, 'append-only'); END",
    "no_delete": "CREATE TRIGGER no_delete BEFORE DELETE ON record "
    "BEGIN SELECT RAISE(ABORT, 'append-only'); END",
}
# what SQLite makes by itself for these
INTERNAL = "VALUES ('table', 'sqlite_sequence'), ('index', 'sqlite_autoindex_subject_1')"


class AuditError(Exception):
    """The record could not be made durable, so the answer must not be given."""


class Store:
    """The only writer of a log's file; one thread at a time.

    Args:
        path: the log; its lock is on the file itself, whatever name leads to it.
        keys: folder of its keys; by default a folder beside the log's own, made with a new log.
        checkpoints: file to which every checkpoint is added before its records count as durable.
        constant: facts that stand in every record.

    Raises:
        UserError: another process writes to it, it was changed, or its keys do not fit.
        OSError, sqlite3.Error: the disk refuses.
    """

    def __init__(
        self,
        path: Path,
        keys: Path | None = None,
        checkpoints: Path | None = None,
        constant: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        self.path = path.resolve()
        new = is_empty(self.path)
        self.keys = _keys(self.path, keys, new)
        self._origin = self.keys.signer.verifier.name
        here = {"origin": self._origin, "instance": str(uuid.uuid4())}
        self._common = {**allowed(constant), **here}
        self._tree, self._durable, self._checkpoints = Tree(), b"", checkpoints
        if checkpoints:
            self._durable = last_checkpoint(checkpoints, self.keys.verifiers, new)
        self._database: sqlite3.Connection | None = None
        self._data_version, self._wal = 0, self.path.with_name(f"{self.path.name}-wal")
        self._wal_identity = (0, 0)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = _locked(self.path)
        try:
            self._database = self._open()
        except BaseException:
            self.close()
            raise

    def event(
        self, kind: Kind, facts: Mapping[str, object], committed: bytes = b"", subject: str = ""
    ) -> Event:
        """An event of this log that happens now."""
        return event(kind, facts, self._common, self.keys.secret, committed, subject)

    def go_on_from(self, tree: Tree) -> None:
        """Begins a segment: an empty file whose records follow those of another."""
        if self._tree.size:
            raise AuditError("not an empty log")
        self._tree = tree.copy()

    def commit(self, events: list[Event]) -> None:
        """Makes a batch durable in one transaction, or raises what went wrong."""
        try:
            database = self._database = self._database or self._open()
            pseudonyms = _pseudonyms(database, events)
            tree, rows = self._tree.copy(), []
            for each in events:
                body = each.body(tree.size + 1, pseudonyms.get(each.reference, ""))
                leaf = leaf_hash(body)
                tree.push(leaf)
                rows += [tree.size, leaf, body, each.salt, None, None]
            text = Checkpoint(self._origin, tree.size, tree.root).text
            rows[-2:] = tree.frontier, (note := self.keys.signer.sign(text))
            self._insert(database, rows, len(events), tree.size)
            self._tree = tree
            if self._checkpoints:
                export_checkpoint(self._checkpoints, note)
            self._durable = note
        except BaseException:
            # After any failure nothing is assumed of the connection or of what it wrote.
            self.disconnect()
            raise

    @property
    def tree(self) -> Tree:
        """The tree over all records."""
        return self._tree

    def close(self) -> None:
        """Closes the database first: SQLite's own locks end with any handle of its file."""
        self.disconnect()
        os.close(self._file)

    def _insert(
        self, database: sqlite3.Connection, rows: list[object], count: int, last: int
    ) -> None:
        # One statement: with several, the thread would hand over the GIL for each. It writes
        # nothing when another connection has changed anything since the schema was compared.
        values = ",".join(["(?,?,?,?,?,?)"] * count)
        unchanged = "WHERE (SELECT data_version FROM pragma_data_version) = ?"
        insert = f"INSERT INTO record SELECT * FROM (VALUES {values}) {unchanged}"  # noqa: S608
        written = database.execute(insert, [*rows, self._data_version])
        if (written.rowcount, written.lastrowid) != (count, last):
            raise AuditError("another connection changed the file")
        if database.in_transaction:
            database.execute("COMMIT")
        self._check_files()

    def _check_files(self) -> None:
        """AuditError when the file, or what SQLite wrote beside it, is not where it was."""
        try:
            there = _identity(self.path) == _identity(self._file)
            if self._database is not None:
                there = there and _identity(self._wal) == self._wal_identity
        except FileNotFoundError:
            there = False
        if not there:
            raise AuditError("the file or its -wal was removed or replaced")

    def disconnect(self) -> None:
        """Closes the database and with it the -wal, but keeps the lock."""
        if self._database is not None:
            self._database.close()
        self._database = None

    def _open(self) -> sqlite3.Connection:
        self._check_files()
        database = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        try:
            database.execute("PRAGMA journal_mode=WAL")
            # NORMAL may lose the last commits when the power goes
            database.execute("PRAGMA synchronous=FULL")
            [[self._data_version]] = database.execute("PRAGMA data_version")
            self._tree = self._read_again(database)
            self._wal_identity = _identity(self._wal)
        except BaseException:
            database.close()
            raise
        return database

    def _read_again(self, database: sqlite3.Connection) -> Tree:
        """The tree, if schema, last records and the last known checkpoint hold, else UserError."""
        query = f"SELECT name, sql FROM sqlite_master WHERE (type, name) NOT IN ({INTERNAL})"  # noqa: S608
        objects = sorted(database.execute(query))
        if not objects and not self._durable:
            database.executescript(f"BEGIN; {'; '.join(SCHEMA.values())}; COMMIT;")
            objects = sorted(SCHEMA.items())
        if not objects:
            problem = "it is empty, though a checkpoint of it is known"
        elif objects != sorted(SCHEMA.items()):
            problem = "not the schema of an audit log (another version's, or changed since)"
        else:
            walk, problem = _tail(database, self.keys.verifiers)
            if not problem and walk.tree.size and walk.verifiers[-1] != self.keys.signer.verifier:
                problem = "its last checkpoint is not signed by the key given"
            if not problem and self._durable and not _holds(database, self._durable):
                problem = "it does not hold the last checkpoint that is known of it"
            if not problem:
                return walk.tree
        remedy = (
            "keep log, keys and checkpoints as evidence and start a new log with keys of its own"
        )
        raise UserError(f"{self.path}: {problem}; {remedy}")


def _tail(database: sqlite3.Connection, verifiers: tuple[Verifier, ...]) -> tuple[Walk, str]:
    """Follows the last records, at least TAIL of them; what is wrong with them, in words."""
    anchor = database.execute(
        "SELECT seq, frontier, checkpoint FROM record WHERE checkpoint IS NOT NULL "
        "AND seq <= (SELECT max(seq) FROM record) - ? ORDER BY seq DESC LIMIT 1",
        (TAIL,),
    ).fetchone()
    first = database.execute("SELECT body FROM record ORDER BY seq LIMIT 1").fetchone() or (b"",)
    try:
        walk = walk_from(verifiers, *anchor) if anchor else walk_from_start(verifiers, *first)
    except ValueError as error:
        return Walk(Tree(), verifiers), str(error)
    rows = f"SELECT {COLUMNS} FROM record WHERE seq > ? ORDER BY seq"  # noqa: S608 no value
    for row in database.execute(rows, (walk.tree.size,)):
        if problem := walk.follow(row):
            return walk, str(problem)
    highest = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'record'").fetchone()
    if highest and highest[0] > walk.tree.size:
        return walk, f"the records after {walk.tree.size} were removed"
    # a body may be missing because of an erasure: whether that was recorded is for `verify`
    covered = walk.signed == walk.tree.size
    return walk, "" if covered else f"no checkpoint covers the records after {walk.signed}"


def _holds(database: sqlite3.Connection, note: bytes) -> bool:
    """Whether the log's own checkpoint over as many records is this one, or the log goes on from it
    as the first of a new segment.
    """
    size = int(note.split(b"\n")[1])
    row = database.execute("SELECT checkpoint FROM record WHERE seq = ?", (size,)).fetchone()
    first = database.execute("SELECT body FROM record WHERE seq = ?", (size + 1,)).fetchone()
    return bool(row == (note,) or (not row and first and _follows(first[0], note)))


def _follows(body: bytes, note: bytes) -> bool:
    return Record.parse(body).previous_checkpoint == note.decode()


def _pseudonyms(database: sqlite3.Connection, events: list[Event]) -> dict[bytes, str]:
    """Each subject's pseudonym; new ones are written in the transaction of the batch."""
    references = {each.reference for each in events} - {b""}
    if not references:
        return {}
    select = f"SELECT * FROM subject WHERE reference IN ({','.join('?' * len(references))})"  # noqa: S608
    known: dict[bytes, str] = dict(database.execute(select, [*references]))
    if new := {name: str(uuid.uuid4()) for name in references - known.keys()}:
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO subject VALUES (?, ?)", new.items())
    return known | new


def _keys(path: Path, directory: Path | None, new: bool) -> Keys:
    """The keys given; without any, those in the folder that is made with a new log."""
    made_here = directory or default_keys(path)
    if directory is None and new and not made_here.exists():
        make_keys(made_here)
    if path.parent in (made_here.resolve(), *made_here.resolve().parents):
        raise UserError(f"{made_here}: keys may not lie in the log's folder; move them elsewhere")
    return Keys.load(made_here)


def default_keys(path: Path) -> Path:
    """Where the keys of a log are, unless a folder is named: for trying out, on the same disk."""
    folder = path.resolve().parent
    # a closed segment is named NAME.FIRST-LAST.db
    return folder.with_name(f"{folder.name}-keys") / path.name.partition(".")[0]


def is_empty(path: Path) -> bool:
    """Whether there is no log yet; UserError when one was there: SQLite would delete its -wal."""
    empty = not path.exists() or path.stat().st_size == 0
    if empty and path.with_name(f"{path.name}-wal").exists():
        raise UserError(
            f"{path}: missing or empty, though its -wal is there, which may hold its last records; "
            "keep that as evidence and put the log back"
        )
    return empty


def _locked(path: Path) -> int:
    """The log's file, open and locked by its inode until the process ends, however it ends."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(file)
        raise UserError(
            f"{path}: another process writes to this audit log; stop that server first, or give "
            "each server a log of its own"
        ) from error
    os.fchmod(file, 0o600)
    return file


def _identity(file: Path | int) -> tuple[int, int]:
    status = file.stat() if isinstance(file, Path) else os.fstat(file)
    return status.st_dev, status.st_ino
