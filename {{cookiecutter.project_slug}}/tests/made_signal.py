"""A signal simple enough to know everything about: eight numbers in a text file, one per line.

It stands in for a kind that a project need not know: `put_in_place` makes it what reads and draws
waveforms.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from risk_model.core.errors import UserError
from risk_model.core.schema import Features, Field, Schema, Signal
from risk_model.reporting.examples import RecordingExplanation
from risk_model.signals import Part, Reading, Recording, Remark
from risk_model.signals.recording_store import Recordings

if TYPE_CHECKING:  # a process that serves must not import it
    from risk_model.core.cohort import Cohort

SIGNAL = Signal("strip", "waveform", (8,), described=2, units=("mV",), rate=8.0)
FIELDS = (Field("largest", "number", "mV"),)
SCHEMA = Schema("strips", "event", FIELDS, SIGNAL)
REQUEST_BYTES = 4_096
REQUEST_VALUES = 20_000
FROM_FILE = True


def recordings_of(cohort: Cohort) -> Recordings:
    """The recordings of a cohort that has some."""
    assert isinstance(cohort.signals, Recordings)
    return cohort.signals


def texts_of(cohort: Cohort) -> list[str]:
    """The notes of a cohort that has some."""
    texts = recordings_of(cohort).texts
    assert texts is not None
    return [str(text) for text in texts]


def put_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this module what reads and draws waveforms until the test ends."""
    for name in ("signals", "reporting.examples"):
        module = f"risk_model.{name}.waveform"
        monkeypatch.setitem(sys.modules, module, sys.modules[__name__])


def read(path: Path, signal: Signal) -> Reading:
    """The numbers of a file; a file that ends in "negative" is noticed."""
    try:
        numbers = [float(line) for line in path.read_text().splitlines()]
    except (OSError, ValueError):
        raise UserError(f"{path}: is not a strip; record it again") from None
    remarks = (
        (Remark("note", "polarity", "begin below zero"),) if numbers and numbers[0] < 0 else ()
    )
    return Reading(_strip(numbers, f"{path}: "), remarks, {"age": 50.0})


def received(value: object, signal: Signal) -> Recording:
    """The numbers of a request."""
    if not isinstance(value, list) or not all(isinstance(v, float | int) for v in value):
        raise UserError("must be a list of numbers")
    return _strip(value, "")


def _strip(numbers: list[float], where: str) -> Features:
    if len(numbers) != 8:
        raise UserError(f"{where}must hold 8 numbers")
    return np.array(numbers, dtype=np.float32)


def measure(recording: Recording, signal: Signal) -> dict[str, float | None]:
    """The largest number."""
    return {"largest": float(recording.max())}


def describe(recording: Recording, signal: Signal) -> Features:
    """Mean and standard deviation."""
    return np.array([recording.mean(), recording.std()], dtype=np.float32)


def array(recording: Recording, signal: Signal) -> Features:
    """The numbers themselves."""
    return np.asarray(recording, dtype=np.float32)


def parts(recording: Recording, signal: Signal) -> list[Part]:
    """The four quarters."""
    return [{"seconds": [i / 4, (i + 1) / 4]} for i in range(4)]


def without(recording: Recording, part: Part, signal: Signal) -> Recording:
    """The strip with zeros in that quarter."""
    start, end = (round(s * 8) for s in part["seconds"])
    hidden = np.array(recording)
    hidden[start:end] = 0.0
    return hidden


def neutral(signal: Signal) -> Recording:
    """Zeros."""
    return np.zeros(8, dtype=np.float32)


def draw(explained: RecordingExplanation, alternative: str) -> str:
    """The numbers of the strip, and how much its places add in all."""
    added = sum(explained.contributions) if explained.map is None else float(explained.map.sum())
    numbers = " ".join(f"{value:.4f}" for value in explained.recording)
    return f'<svg role="img" aria-label="{alternative}"><text>{numbers}; {added:.3f}</text></svg>'
