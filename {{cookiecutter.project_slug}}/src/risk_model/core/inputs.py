"""What models see of n rows: simple numbers in memory, and the arrays of recordings as stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from risk_model.core.schema import Features, at_once

Index = slice | npt.NDArray[np.int64]
TOGETHER = 16  # times what is computed together is read together


class Arrays(Protocol):
    """A RecordingStore, of which a project of tables has no module."""

    @property
    def width(self) -> int:
        """How many numbers a recording has."""

    @property
    def digests(self) -> npt.NDArray[np.uint64]:
        """A hash of each recording: uint64[n]."""

    def take(self, rows: npt.NDArray[np.int64]) -> Arrays:
        """These rows, in this order; reads nothing."""

    def behind(self, simple: Features, rows: Index) -> Features:
        """These rows behind their simple columns: float32[m, d]."""


class Signals(Protocol):
    """The Recordings of a cohort, as stored."""

    @property
    def arrays(self) -> Arrays:
        """Their arrays."""

    def take(self, rows: npt.NDArray[np.int64]) -> Signals:
        """These rows, in this order."""

    def behind(self, fields: Inputs) -> Inputs:
        """What models see."""

    def __getitem__(self, row: int) -> Any:
        """A recording as it was read."""


@dataclass(frozen=True)
class Inputs:
    """Float32[n, simple] columns, which baselines see, and the arrays of recordings, if any.

    A slice is that of the matrix float32[n, d] of whole rows, which are read where they are used:
    n images need not fit in memory.
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
        return Inputs(self.simple[rows], self.arrays and self.arrays.take(rows))

    def __getitem__(self, rows: Index) -> Features:
        """Whole rows, by a slice or int[m]: float32[m, d]."""
        simple: Features = self.simple[rows]
        return self.arrays.behind(simple, rows) if self.arrays else simple

    def pieces(self) -> Iterator[Features]:
        """Whole rows, a few at a time beside recordings; those of a table together."""
        n, width = self.shape
        step = at_once(width, n) * TOGETHER if self.arrays else max(n, 1)
        return (self[start : start + step] for start in range(0, max(n, 1), step))

    def map(self, function: Callable[[Features], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """What a function of whole rows gives, piece by piece: [n]."""
        return np.concatenate([function(rows) for rows in self.pieces()])
