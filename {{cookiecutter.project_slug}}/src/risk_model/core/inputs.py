"""What models see of n rows: simple numbers in memory, and the arrays of recordings as stored.

An image at real size takes a hundred times the memory of what is measured on it. So only the simple
numbers are a matrix; whole rows are put together where they are used, a few at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from risk_model.core.schema import Features, at_once

Index = slice | npt.NDArray[np.int64]
TOGETHER = 16  # times what is computed together is read together


class Arrays(Protocol):
    """The arrays of n recordings, flattened; wherever they are stored, they are read by row."""

    @property
    def width(self) -> int:
        """How many numbers each has."""

    @property
    def digests(self) -> npt.NDArray[np.uint64]:
        """A hash of each recording's description and array: uint64[n]."""

    def __len__(self) -> int: ...

    def take(self, rows: npt.NDArray[np.int64]) -> Arrays:
        """These rows, in this order; reads nothing."""

    def read(self, rows: Index, into: Features) -> None:
        """Reads these rows (a slice or int[m]) into float32[m, width]."""


@dataclass(frozen=True)
class Inputs:
    """Float32[n, simple] columns, which baselines see, and the arrays of recordings, if any.

    A slice of it is that of the matrix float32[n, d] of whole rows.
    """

    simple: Features
    arrays: Arrays | None = None

    def __len__(self) -> int:
        return len(self.simple)

    @property
    def shape(self) -> tuple[int, int]:
        """Of the matrix of whole rows."""
        return len(self), self.simple.shape[1] + (self.arrays.width if self.arrays else 0)

    def take(self, rows: npt.NDArray[np.int64]) -> Inputs:
        """These rows, in this order; of recordings nothing is read."""
        return Inputs(self.simple[rows], None if self.arrays is None else self.arrays.take(rows))

    def __getitem__(self, rows: Index) -> Features:
        """Whole rows, by a slice or int[m]: float32[m, d]."""
        simple = self.simple[rows]
        if self.arrays is None:
            return simple
        whole = np.empty((len(simple), self.shape[1]), dtype=np.float32)
        whole[:, : simple.shape[1]] = simple
        self.arrays.read(rows, whole[:, simple.shape[1] :])
        return whole

    def pieces(self) -> Iterator[Features]:
        """Whole rows, a few at a time beside recordings; those of a table together."""
        if self.arrays is None:
            yield self.simple
            return
        step = at_once(self.shape[1], len(self)) * TOGETHER
        yield from (self[start : start + step] for start in range(0, len(self), step))
