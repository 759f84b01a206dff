"""Recordings read one at a time: the arrays go to a store, the little that is left stays.

A recording that cannot be used stops the run, unless data.set_aside allows so many; what was set
aside is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from risk_model.core.cohort import Rows
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.core.schema import Features, Signal
from risk_model.signals import Reading, Recording, Remark, measured, reader, signal_columns
from risk_model.signals.recording_store import Digests, Recordings, RecordingStore, digest

Remarks = tuple[Remark, ...]


@dataclass(frozen=True)
class Readings:
    """What is kept of n recordings that were read.

    `positions` are theirs among the names, `refused` the messages on those that cannot be used.
    `measured` has a column for each field of the kind.
    """

    positions: Rows
    refused: tuple[str, ...]
    remarks: tuple[Remarks, ...]
    headers: tuple[Mapping[str, Any], ...]
    measured: pd.DataFrame
    signals: Recordings

    def take(self, rows: Rows) -> Readings:
        """These rows, in this order."""
        return replace(
            self,
            positions=self.positions[rows],
            remarks=tuple(self.remarks[row] for row in rows),
            headers=tuple(self.headers[row] for row in rows),
            measured=self.measured.iloc[rows].reset_index(drop=True),
            signals=self.signals.take(rows),
        )

    def notes(self) -> list[Finding]:
        """What was set aside, and the remarks, counted."""
        notes = [
            Finding("warning", "set aside", "recordings", message, "find out why")
            for message in self.refused
        ]
        for remark, count in Counter(r for own in self.remarks for r in own).items():
            message = f"{count:,} recordings: {remark.message}"
            notes.append(
                Finding(remark.severity, remark.kind, "recordings", message, remark.remedy)
            )
        return notes


@dataclass
class Collector:
    """Takes readings one by one; `write` gets the array of each, float32[width]."""

    signal: Signal
    write: Callable[[Features], object]
    positions: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    remarks: list[Remarks] = field(default_factory=list)
    headers: list[Mapping[str, Any]] = field(default_factory=list)
    numbers: list[list[float | None]] = field(default_factory=list)
    described: list[Features] = field(default_factory=list)
    digests: list[int] = field(default_factory=list)
    texts: list[Recording] = field(default_factory=list)

    def add(self, position: int, reading: Reading) -> None:
        """Keeps what is small, and hands on the array."""
        row = signal_columns([reading.recording], self.signal)[0]
        # a copy, or the whole row would stay in memory
        description, array = np.split(row, [self.signal.described])
        self.write(array)
        self.positions.append(position)
        self.remarks.append(reading.remarks)
        self.headers.append(reading.header)
        own = measured([reading.recording], self.signal)
        self.numbers.append([values[0] for values in own.values()])
        self.described.append(description.copy())
        self.digests.append(digest(description, array))
        if isinstance(reading.recording, str):
            self.texts.append(reading.recording)

    def readings(self, stored: Callable[[Digests], RecordingStore]) -> Readings:
        """All of them; `stored` makes the store of what was written from the digests."""
        names = [f.name for f in reader(self.signal).FIELDS]
        return Readings(
            np.array(self.positions, dtype=np.int64),
            tuple(self.refused),
            tuple(self.remarks),
            tuple(self.headers),
            pd.DataFrame(self.numbers, columns=names, dtype=np.float64),
            Recordings(
                np.array(self.described, np.float32).reshape(-1, self.signal.described),
                stored(np.array(self.digests, dtype=np.uint64)),
                np.array(self.texts, dtype=object) if self.signal.kind == "text" else None,
            ),
        )


def read_into(
    collector: Collector,
    names: Sequence[str],
    read_one: Callable[[str], Reading],
    set_aside: int,
) -> None:
    """Reads every recording that can be used; UserError, naming the first too many that cannot."""
    for position, name in enumerate(
        tqdm(names, desc="reading", unit=" recordings", disable=None, leave=False)
    ):
        try:
            reading = read_one(name)
        except UserError as error:
            collector.refused.append(str(error))
            check_refused(collector.refused, set_aside)
        else:
            collector.add(position, reading)


def read_all(
    names: Sequence[str], read_one: Callable[[str], Reading], signal: Signal, set_aside: int
) -> Readings:
    """Every recording that can be used, in memory.

    UserError, naming the first, when more than `set_aside` cannot be used.
    """
    return in_memory(signal, lambda collector: read_into(collector, names, read_one, set_aside))


def of_recordings(recordings: Sequence[Recording], signal: Signal) -> Readings:
    """Recordings that are in memory already."""

    def collect(collector: Collector) -> None:
        for position, recording in enumerate(recordings):
            collector.add(position, Reading(recording))

    return in_memory(signal, collect)


def in_memory(signal: Signal, collect: Callable[[Collector], None]) -> Readings:
    """The readings that `collect` puts into a collector, their arrays in memory."""
    rows: list[Features] = []
    collector = Collector(signal, rows.append)
    collect(collector)
    width = signal.width - signal.described
    whole = np.array(rows, dtype=np.float32).reshape(-1, width)
    return collector.readings(
        lambda digests: RecordingStore(whole, signal.shape, digests, np.arange(len(whole)))
    )


def check_refused(refused: Sequence[str], set_aside: int) -> None:
    """UserError when more than `set_aside` recordings cannot be used; names one."""
    if len(refused) <= set_aside:
        return
    if set_aside == 0:
        raise UserError(
            f"{refused[0]}; or leave out what cannot be read: data.set_aside=… says how many may be"
        )
    raise UserError(
        f"more than {set_aside} recordings cannot be used (data.set_aside={set_aside}): "
        f"{refused[set_aside]}"
    )
