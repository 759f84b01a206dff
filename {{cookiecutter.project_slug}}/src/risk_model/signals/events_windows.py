"""The kernel: the events of any number of moments become columns, the same way for one and many.

Training, files to score, requests, rules of eligibility and the grid of a sequence all go through
it, so that they agree in every bit. numpy only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from risk_model.core.schema import Features
from risk_model.signals.event_spec import HOUR, START, Take, micros

Integers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
# "ago" of what never changes: longer than any window, and in every one of them
STATIC = int(np.iinfo(np.int64).max)
EVER = "ever"


class Block(NamedTuple):
    """Events of some moments, each array [k], in the order of moment, field, time and row.

    `moment` counts from 0; `ago` is microseconds before the moment, STATIC for what never changes;
    `row` is the place in the source, which orders what happened at the same time.
    """

    moment: Integers
    field: Integers
    ago: Integers
    value: Values
    row: Integers

    def check_order(self) -> None:
        """Raises ValueError where one event stands before another that should precede it."""
        good = np.ones(max(len(self.moment) - 1, 0), dtype=bool)
        for key, falls in ((self.row, 0), (self.ago, 1), (self.field, 0), (self.moment, 0)):
            before, after = (key[1:], key[:-1]) if falls else (key[:-1], key[1:])
            good = (before < after) | ((before == after) & good)
        if not good.all():
            raise ValueError("events are out of order: not by moment, field, time and row")

    def once(self) -> Block:
        """The block with each result once in a field, however many codings it has."""
        again = np.ones(max(len(self.moment) - 1, 0), dtype=bool)
        for key in (self.row, self.ago, self.field, self.moment):
            again &= key[1:] == key[:-1]
        return self.take(~np.r_[False, again]) if again.any() else self

    def take(self, chosen: npt.NDArray[np.bool_]) -> Block:
        """Some of the events, in their order."""
        if chosen.all():
            return self
        return self.at(np.flatnonzero(chosen))

    def at(self, positions: npt.NDArray[np.intp]) -> Block:
        """The events at these positions, in that order."""
        moment, field, ago, value, row = (key[positions] for key in self)
        return Block(moment, field, ago, value, row)  # type: ignore[arg-type]


class Segments(NamedTuple):
    """Stretches of a block that belong to one cell: `start` and `end` are its first and last."""

    value: Values
    ago: Integers
    start: npt.NDArray[np.intp]
    end: npt.NDArray[np.intp]

    @property
    def size(self) -> npt.NDArray[np.intp]:
        """How many events each has."""
        return self.end - self.start + 1

    def mean(self, values: Values) -> Values:
        """The mean of float64[k] in each."""
        means: Values = np.add.reduceat(values, self.start) / self.size
        return means


def _hours_since(of: Segments) -> Values:
    return np.where(of.ago[of.end] == STATIC, np.nan, of.ago[of.end] / HOUR)


def _slope(of: Segments) -> Values:
    """Least squares per hour, centred first; NaN where all events have one time."""
    hours = np.where(of.ago == STATIC, np.nan, -of.ago / HOUR)
    of_each = np.repeat(np.arange(len(of.start)), of.size)
    across = hours - of.mean(hours)[of_each]
    up = of.value - of.mean(of.value)[of_each]
    width = np.add.reduceat(across * across, of.start)
    together = np.add.reduceat(across * up, of.start)
    moved = width > 0
    return np.where(moved, together / np.where(moved, width, 1.0), np.nan)


TAKE: Mapping[Take, Callable[[Segments], npt.NDArray[np.generic]]] = {
    "last": lambda of: of.value[of.end],
    "first": lambda of: of.value[of.start],
    "min": lambda of: np.minimum.reduceat(of.value, of.start),
    "max": lambda of: np.maximum.reduceat(of.value, of.start),
    "mean": lambda of: of.mean(of.value),
    "count": lambda of: of.size,
    "slope": _slope,
    "hours_since": _hours_since,
}


class Column(NamedTuple):
    """What a column holds: `take` of the events of a field, numbered from 0, in a window."""

    field: int
    take: Take
    window: str


class Kernel:
    """Columns of events: float32[moments, columns], NaN where there is nothing and 0 for counts."""

    def __init__(self, columns: Sequence[Column], fields: int) -> None:
        self.blank = np.array([0 if c.take == "count" else np.nan for c in columns], np.float32)
        self.windows: dict[str, dict[Take, Integers]] = {}
        for position, column in enumerate(columns):
            takes = self.windows.setdefault(column.window, {})
            if column.take not in takes:
                takes[column.take] = np.full(fields, -1)
            takes[column.take][column.field] = position
        self.fields = fields

    def __call__(self, start: Integers, block: Block) -> Features:
        """The rows of n moments: float32[n, columns].

        Args:
            start: microseconds from the index event to each moment, int64[n].
            block: their events; later than the moment is none of them.

        Raises:
            ValueError: the events are out of order, or one is later than its moment.
        """
        block.check_order()
        if len(block.ago) and block.ago.min() < 0:
            raise ValueError("an event is later than its moment")
        out, block = np.tile(self.blank, (len(start), 1)), block.once()
        for window, takes in self.windows.items():
            seen = block.take(_within(window, start, block))
            if not len(seen.moment):
                continue
            key = seen.moment * self.fields + seen.field
            first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
            segments = Segments(seen.value, seen.ago, first, np.r_[first[1:], len(key)] - 1)
            for take, place in takes.items():
                to = place[seen.field[first]]
                placed = to >= 0
                cells = TAKE[take](segments)[placed]
                out[seen.moment[first][placed], to[placed]] = cells
        return out


def _within(window: str, start: Integers, block: Block) -> npt.NDArray[np.bool_]:
    """Which events lie in (moment - window, moment], or between index event and moment."""
    if window == EVER:
        return np.ones(len(block.ago), dtype=bool)
    inside = block.ago <= start[block.moment] if window == START else block.ago < micros(window)
    within: npt.NDArray[np.bool_] = inside | (block.ago == STATIC)
    return within
