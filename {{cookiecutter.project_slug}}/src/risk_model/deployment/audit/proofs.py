"""Proofs that need the tree and not the log: that a record is in it, and that it only grew.

An inclusion proof shows one record to somebody who sees none of the others; a consistency proof
shows that a later checkpoint holds all that an earlier one held. Both are those of RFC 6962; the
text of an inclusion proof is a C2SP tlog-proof, which other tools check.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from risk_model.core.errors import UserError
from risk_model.deployment.audit.check import walk_from_start
from risk_model.deployment.audit.checkpoint import Verifier
from risk_model.deployment.audit.tree import Tree, node_hash
from risk_model.deployment.audit.verify import snapshot


@dataclass(frozen=True)
class Leaves:
    """The leaves of a log or of a segment, and the tree over what came before them."""

    before: Tree
    leaves: Sequence[bytes]

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self.before.size + len(self.leaves)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The proof that the leaf of that index is in the tree of the first `size` leaves."""
        return self._path(index, 0, size)

    def consistency(self, old: int, size: int) -> list[bytes]:
        """The proof that the tree of `size` leaves goes on from that of the first `old` ones."""
        return self._subproof(old, 0, size, whole=True) if 0 < old < size else []

    def _path(self, index: int, low: int, high: int) -> list[bytes]:
        if high - low == 1:
            return []
        middle = low + _split(high - low)
        if index < middle:
            return [*self._path(index, low, middle), self._hash(middle, high)]
        return [*self._path(index, middle, high), self._hash(low, middle)]

    def _subproof(self, old: int, low: int, high: int, whole: bool) -> list[bytes]:
        if old == high:
            return [] if whole else [self._hash(low, high)]
        middle = low + _split(high - low)
        if old <= middle:
            return [*self._subproof(old, low, middle, whole), self._hash(middle, high)]
        return [*self._subproof(old, middle, high, whole=False), self._hash(low, middle)]

    def _hash(self, low: int, high: int) -> bytes:
        """The root over the leaves from `low` up to `high`."""
        if high <= self.before.size:
            # a complete subtree left of the first leaf is one of the frontier
            return self.before.hashes[_bits(self.before.size).index(high - low)]
        if high - low == 1:
            return self.leaves[low - self.before.size]
        middle = low + _split(high - low)
        return node_hash(self._hash(low, middle), self._hash(middle, high))


def prove(path: Path, seq: int, verifiers: tuple[Verifier, ...]) -> str:
    """The proof that record `seq` is in the log, against its last checkpoint, as a tlog-proof.

    Raises:
        UserError: the log has no such record, or cannot be read.
    """
    leaves, note = read_leaves(path, verifiers)
    if not leaves.before.size < seq <= leaves.size:
        held = f"{leaves.before.size + 1} to {leaves.size}"
        raise UserError(f"{path}: holds the records {held}; name one of them")
    proof = leaves.inclusion(seq - 1, leaves.size)
    lines = ["c2sp.org/tlog-proof@v1", f"index {seq - 1}", *map(_text, proof)]
    return "\n".join([*lines, "", note.decode()])


def read_leaves(path: Path, verifiers: tuple[Verifier, ...]) -> tuple[Leaves, bytes]:
    """The leaves in a log and its last checkpoint; UserError when it cannot be read."""
    with snapshot(path) as database:
        rows = database.execute("SELECT leaf, body, checkpoint FROM record ORDER BY seq").fetchall()
    if not rows:
        raise UserError(f"{path}: holds no record")
    before = walk_from_start(verifiers, rows[0][1]).tree
    return Leaves(before, [leaf for leaf, _, _ in rows]), rows[-1][2]


def _text(node: bytes) -> str:
    return base64.b64encode(node).decode()


def _bits(size: int) -> list[int]:
    return [1 << bit for bit in reversed(range(size.bit_length())) if size >> bit & 1]


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
