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
from typing import Any

import numpy as np
import numpy.typing as npt

from risk_model.core.errors import UserError
from risk_model.core.inputs import Index, Inputs
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

    def take(self, rows: Rows) -> RecordingStore:
        """These rows, in this order; reads nothing."""
        return replace(self, rows=self.rows[rows])

    def behind(self, simple: Features, rows: Index) -> Features:
        """Reads these rows (a slice or int[m]) behind their simple columns: float32[m, d]."""
        first, wanted = simple.shape[1], self.rows[rows]
        whole = np.empty((len(wanted), first + self.width), dtype=np.float32)
        whole[:, :first] = simple
        if isinstance(self.stored, ArrayFile):
            self.stored.read(wanted, whole[:, first:])
        else:
            whole[:, first:] = self.stored[wanted]
        return whole


@dataclass(frozen=True)
class Recordings:
    """N recordings of a cohort: what describes them, float32[n, described], and their arrays.

    `texts` are the recordings themselves where they are notes: object[n].
    """

    described: Features
    arrays: RecordingStore
    texts: npt.NDArray[np.object_] | None = None

    def take(self, rows: Rows) -> Recordings:
        """These rows, in this order."""
        texts = None if self.texts is None else self.texts[rows]
        return Recordings(self.described[rows], self.arrays.take(rows), texts)

    def behind(self, fields: Inputs) -> Inputs:
        """What models see: the fields, then the description, then the array."""
        return Inputs(np.hstack([fields.simple, self.described]), self.arrays)

    def __getitem__(self, row: int) -> Any:
        """A recording as it was read: the text of a note, else float32 of the signal's shape."""
        if self.texts is not None:
            return self.texts[row]
        nothing = np.empty((1, 0), dtype=np.float32)
        return self.arrays.behind(nothing, np.array([row])).reshape(self.arrays.shape)


def in_memory(arrays: Features) -> Recordings:
    """Arrays that nothing describes, float32[n, width], as they are in memory."""
    nothing = np.empty((len(arrays), 0), dtype=np.float32)
    digests = np.array([digest(nothing, array) for array in arrays], dtype=np.uint64)
    store = RecordingStore(arrays, arrays.shape[1:], digests, np.arange(len(arrays)))
    return Recordings(nothing, store)


def digest(description: Features, array: Features) -> int:
    """A hash of what a row holds of one recording, below 2^64."""
    return int.from_bytes(
        hashlib.sha256(description.tobytes() + array.tobytes()).digest()[:8], "little"
    )
