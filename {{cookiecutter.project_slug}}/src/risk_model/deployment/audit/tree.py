"""The hash tree over the records (RFC 6962), of which only the frontier is kept.

A leaf is SHA-256(0x00 and the record's bytes), a node SHA-256(0x01 and both below it). The frontier
holds the root of each complete subtree, from the left: log2(n) hashes of n records, which are all
that the next record and the root need.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from hashlib import sha256

EMPTY = sha256(b"").digest()
SIZE = 32  # bytes of a hash


def leaf_hash(body: bytes) -> bytes:
    """The leaf of a record's bytes as stored."""
    return sha256(b"\0" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The node above two others."""
    return sha256(b"\1" + left + right).digest()


@dataclass
class Tree:
    """A tree of `size` records by its frontier."""

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, size: int, frontier: bytes) -> Tree:
        """The tree of a stored frontier; ValueError when it is not one of that size."""
        if size < 0 or len(frontier) != SIZE * size.bit_count():
            raise ValueError("not the frontier of a tree of this size")
        return cls(size, [frontier[i : i + SIZE] for i in range(0, len(frontier), SIZE)])

    def push(self, leaf: bytes) -> None:
        """Adds a record."""
        complete = self.size
        while complete & 1:
            leaf, complete = node_hash(self.hashes.pop(), leaf), complete >> 1
        self.hashes.append(leaf)
        self.size += 1

    @property
    def root(self) -> bytes:
        """The hash over all records."""
        if not self.hashes:
            return EMPTY
        return reduce(lambda right, left: node_hash(left, right), reversed(self.hashes))

    @property
    def frontier(self) -> bytes:
        """The frontier as it is stored."""
        return b"".join(self.hashes)

    def copy(self) -> Tree:
        """The same tree, to try what may fail."""
        return replace(self, hashes=self.hashes.copy())
