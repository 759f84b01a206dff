"""The arrays of recordings, one of which is in memory at a time unless more are asked for.

Images at real size do not fit into memory together. They are written to one file while they are
read, row by row, and read from it by row: nothing is mapped, so that what was read does not stay
resident. Small sets stay in memory, behind the same functions.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from risk_model.core.errors import UserError
from risk_model.core.inputs import Index
from risk_model.core.schema import Features

Rows = npt.NDArray[np.int64]
Digests = npt.NDArray[np.uint64]


class ArrayFile:
    """Rows of float32 in a file, read by number: `file[rows]` is float32[m, width]."""

    def __init__(self, path: Path, width: int) -> None:
        self.path, self._bytes = path, 4 * width
        self._file = path.open("rb", buffering=0)

    def read(self, rows: Rows, into: Features) -> None:
        """Reads rows, in the file's order, into float32[m, width].

        Raises:
            UserError: the file ends before one of them.
        """
        for place in np.argsort(rows, kind="stable"):
            start = int(rows[place]) * self._bytes
            if os.preadv(self._file.fileno(), [into[place]], start) != self._bytes:
                raise UserError(f"{self.path}: was cut short while it was read; run again")


@dataclass(frozen=True)
class RecordingStore:
    """Arrays of one shape, in memory or in a file, of which `rows` are these n recordings.

    `all_digests` are uint64, a hash of each stored recording's description and array.
    """

    stored: Features | ArrayFile
    shape: tuple[int, ...]
    all_digests: Digests
    rows: Rows

    @property
    def width(self) -> int:
        """How many numbers a recording has."""
        return prod(self.shape)

    @property
    def digests(self) -> Digests:
        """A hash of each of the n recordings: uint64[n]."""
        return self.all_digests[self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: Rows) -> RecordingStore:
        """These rows, in this order; reads nothing."""
        return replace(self, rows=self.rows[rows])

    def read(self, rows: Index, into: Features) -> None:
        """Reads these rows (a slice or int[m]) into float32[m, width]."""
        wanted = self.rows[rows]
        if isinstance(self.stored, ArrayFile):
            self.stored.read(wanted, into)
        else:
            into[:] = self.stored[wanted]


def digest(description: Features, array: Features) -> int:
    """A hash of what a row holds of one recording, below 2^64."""
    return int.from_bytes(
        hashlib.sha256(description.tobytes() + array.tobytes()).digest()[:8], "little"
    )
