"""The check that records follow from each other and from what was signed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from risk_model.deployment.audit.checkpoint import Checkpoint, Verifier
from risk_model.deployment.audit.record import Record
from risk_model.deployment.audit.tree import Tree, leaf_hash

Kind = Literal["gap", "edited", "reordered", "truncated", "forked", "bad signature"]
# seq, leaf, body, frontier, checkpoint as they are stored
Row = tuple[int, object, object, object, object]
COLUMNS = "seq, leaf, body, frontier, checkpoint"


@dataclass(frozen=True)
class Problem:
    """The first record that is not what was written, and what happened to it."""

    seq: int
    kind: Kind
    detail: str

    def __str__(self) -> str:
        return f"record {self.seq}: {self.kind} ({self.detail})"


class Walk:
    """Follows the records of a log, in order, from a tree that is trusted.

    Args:
        tree: over what comes before the first record.
        verifiers: that may have signed the first checkpoint; after it, one key is in force until a
            record that it endorsed names another.
    """

    def __init__(self, tree: Tree, verifiers: tuple[Verifier, ...]) -> None:
        self.tree, self.verifiers = tree, verifiers
        self.signed = tree.size  # records that a checkpoint covers
        self.without_body: set[int] = set()
        self.erased: set[int] = set()  # as events say
        self.time, self.set_back = "", 0  # of the last record; the first that is dated before it
        self._next: Verifier | None = None

    def follow(self, row: Row) -> Problem | None:
        """Takes the next record; what is wrong with it, None if nothing is."""
        seq, leaf, body, frontier, note = row
        expected = self.tree.size + 1
        if seq != expected:
            return Problem(expected, "gap", "it was removed")
        if not isinstance(leaf, bytes):
            return Problem(seq, "edited", "its leaf is not a hash")
        if body is None:
            self.without_body.add(seq)
        elif problem := self._body(seq, leaf, body):
            return problem
        self.tree.push(leaf)
        if note is None and frontier is None:
            return None
        return self.checkpoint(seq, frontier, note)

    def end(self) -> Problem | None:
        """What is wrong with the end: a record no checkpoint covers, a body erased by no event."""
        if self.signed != self.tree.size:
            return Problem(self.signed + 1, "bad signature", "no checkpoint covers it")
        if lost := self.without_body - self.erased:
            return Problem(min(lost), "edited", "no erasure tells of its lost body")
        return None

    def _body(self, seq: int, leaf: bytes, body: object) -> Problem | None:
        try:
            record = Record.parse(body) if isinstance(body, bytes) else None
        except ValueError:
            record = None
        if record and record.seq != seq:
            return Problem(seq, "reordered", f"it says that it is record {record.seq}")
        if not isinstance(body, bytes) or not record or leaf_hash(body) != leaf:
            return Problem(seq, "edited", "it does not match its leaf")
        self.erased.update(record.erased or ())
        if record.time < self.time and not self.set_back:
            self.set_back = seq
        self.time = record.time
        if record.type == "key_rotation":
            return self._rotation(seq, record)
        return None

    def _rotation(self, seq: int, record: Record) -> Problem | None:
        for verifier in self.verifiers:
            with suppress(ValueError):
                endorsed = verifier.signed_text(str(record.endorsement).encode()).decode()
                if endorsed == f"{record.vkey}\n":
                    self._next = Verifier.parse(endorsed)
                    return None
        return Problem(seq, "bad signature", "the key in force did not endorse the new one")

    def checkpoint(self, seq: int, frontier: object, note: object) -> Problem | None:
        """Compares what stands with the last record of a batch with the tree up to it."""
        for verifier in self.verifiers:
            try:
                stated = Checkpoint.read(note if isinstance(note, bytes) else b"", verifier)
            except ValueError:
                continue
            if (stated.size, stated.root) != (seq, self.tree.root):
                return Problem(self.signed + 1, "edited", f"the signed root over {seq} is another")
            if frontier != self.tree.frontier:
                return Problem(seq, "edited", "its frontier is not that of the tree")
            self.signed, self.verifiers = seq, (self._next or verifier,)
            self._next = None
            return None
        return Problem(seq, "bad signature", "its checkpoint is not signed by the key in force")


def walk_from(verifiers: tuple[Verifier, ...], seq: int, frontier: object, note: object) -> Walk:
    """A walk from a checkpoint in the log; ValueError when it does not hold."""
    walk = Walk(Tree.of(seq, frontier if isinstance(frontier, bytes) else b""), verifiers)
    if problem := walk.checkpoint(seq, frontier, note):
        raise ValueError(str(problem))
    # the record before may have named the next key
    signed_by = verifiers.index(walk.verifiers[0])
    walk.verifiers = verifiers[signed_by : signed_by + 2]
    return walk


def walk_from_start(verifiers: tuple[Verifier, ...], first: object) -> Walk:
    """A walk from the first record of a file, which names the segment before it, if there is one.

    A file that does not begin as a log or as a segment does has a gap before its first record.
    """
    with suppress(ValueError):
        record = Record.parse(first if isinstance(first, bytes) else b"")
        if record.previous_checkpoint and record.previous_frontier:
            frontier, note = bytes.fromhex(record.previous_frontier), record.previous_checkpoint
            return walk_from(verifiers, record.seq - 1, frontier, note.encode())
    return Walk(Tree(), verifiers)
