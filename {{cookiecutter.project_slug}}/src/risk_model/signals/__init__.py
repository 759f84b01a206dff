"""Recordings beside the fields: an image, a waveform or a text.

Each is read one way for training and for a request.

Each kind is one module of this folder with the functions of `Reader`. What can be measured on a
recording becomes ordinary fields, so that quality, leaks, sites and drift are looked at as in any
table; what describes it simply is for the baselines; the array is for a network. Nothing here is
fitted, and nothing here needs pandas or torch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import numpy as np

from risk_model.core.findings import Severity
from risk_model.core.schema import Features, Field, Schema, Signal, encode

Recording = Any  # float32 of signal.shape for an image or a waveform, str for a text
# a place in a recording, as JSON: {"box": [...]}, {"seconds": [...]}, {"characters": [...]}
Part = Mapping[str, Any]


class Remark(NamedTuple):
    """Something about one recording that a reviewer should know.

    Its words are those of many recordings, so that they can be counted.
    """

    severity: Severity
    kind: str
    message: str
    remedy: str = ""


@dataclass(frozen=True)
class Reading:
    """A recording as read from a file, remarks on it, and its header's part of the index."""

    recording: Recording
    remarks: tuple[Remark, ...] = ()
    header: Mapping[str, Any] = field(default_factory=dict)


class Reader(Protocol):
    """What the module of a kind offers.

    Errors are UserError in one line, without a value of the patient's.
    """

    FIELDS: tuple[Field, ...]
    REQUEST_BYTES: int  # the largest body of a request
    REQUEST_VALUES: (
        int  # lists, objects and what they hold in one, for each of which memory is taken
    )
    # a listing names a file to `read` in its column `file`; else it holds the text itself in `text`
    FROM_FILE: bool

    def read(self, path: Path, signal: Signal) -> Reading:
        """A file's recording; UserError, naming the file, when it cannot be used."""

    def received(self, value: object, signal: Signal) -> Recording:
        """A request's JSON value as a recording; UserError when it cannot be used."""

    def measure(self, recording: Recording, signal: Signal) -> dict[str, float | None]:
        """The value of each of FIELDS."""

    def describe(self, recording: Recording, signal: Signal) -> Features:
        """Simple numbers about the recording: float32[signal.described]."""

    def array(self, recording: Recording, signal: Signal) -> Features:
        """What a network sees: float32 of signal.shape."""

    def parts(self, recording: Recording, signal: Signal) -> list[Part]:
        """Places that can be hidden one at a time, to learn what they contribute."""

    def without(self, recording: Recording, part: Part, signal: Signal) -> Recording:
        """The recording with that place hidden: local mean, baseline, no word."""

    def neutral(self, signal: Signal) -> Recording:
        """A recording that is nobody's and says nothing: the golden case of a package."""


def reader(signal: Signal) -> Reader:
    """The module that reads signals of this kind."""
    return cast(Reader, import_module(f"{__name__}.{signal.kind}"))


def measured(recordings: Collection[Recording], signal: Signal) -> dict[str, list[float | None]]:
    """The fields of n recordings: n values of each, None where one is absent or implausible."""
    kind = reader(signal)
    values = [kind.measure(recording, signal) for recording in recordings]
    return {f.name: [_plausible(value[f.name], f) for value in values] for f in kind.FIELDS}


def _plausible(value: float | None, field: Field) -> float | None:
    return value if value is not None and field.plausible(value) else None


def signal_columns(recordings: Collection[Recording], signal: Signal) -> Features:
    """What stands behind the fields in the rows of n recordings: float32[n, signal.width]."""
    kind, rows = reader(signal), np.empty((len(recordings), signal.width), dtype=np.float32)
    for row, recording in zip(rows, recordings, strict=True):
        row[: signal.described] = kind.describe(recording, signal)
        row[signal.described :] = kind.array(recording, signal).ravel()
    return rows


def rows(recordings: Collection[Recording], schema: Schema) -> Features:
    """Whole rows of n recordings, as a model sees them: float32[n, d]."""
    if schema.signal is None:
        raise ValueError("this schema has no signal")
    return np.hstack(
        [
            encode(measured(recordings, schema.signal), schema),
            signal_columns(recordings, schema.signal),
        ]
    )
