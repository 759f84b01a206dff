"""Electrocardiograms: the leads a model knows, in mV, at its rate, as long as it reads.

Training reads WFDB records, a request sends JSON; both are checked and resampled by the same lines.
A recording is float32[leads, samples] in mV; a network sees it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from risk_model.core.errors import UserError
from risk_model.core.schema import Features, Signal
from risk_model.signals import Part, Reading, Recording, Remark, waveform_features
from risk_model.signals.waveform_features import FIELDS as FIELDS
from risk_model.signals.waveform_records import lead_positions, record
from risk_model.signals.waveform_sampling import Samples, bridged, longest_gap, resampled

REQUEST_BYTES = 1 << 22  # twelve leads of ten seconds at 1,000 Hz, 20 characters a number, and room
REQUEST_VALUES = 250_000  # twice as many numbers as these have
FROM_FILE = True
FASTEST = 20_000.0  # Hz that a request may state
# gaps shorter than a QRS complex are bridged, as long as they are few
GAP_SECONDS, GAP_SHARE = 0.1, 0.05
# mV: no heart reaches the first, and some lead must reach the second
LARGEST, SMALLEST = 20.0, 0.05
NARROW = 0.5  # seconds hidden at a time


def read(path: Path, signal: Signal) -> Reading:
    """The WFDB record at `path`, with or without .hea or .dat.

    Refused: another unit than V, mV or uV, no gain, amplitudes no heart has (wrong gain), a lead
    that is not there, a gap, a record that is cut short, shorter than the model needs or not what
    its header says, all leads flat.

    Raises:
        UserError: it cannot be used; names the file.
    """
    wfdb_record = record(path, signal.channels, seconds_of(signal))
    try:
        recording, remarks = usable(wfdb_record.samples, wfdb_record.rate, signal)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return Reading(recording, (*wfdb_record.remarks, *remarks), wfdb_record.header)


def received(value: object, signal: Signal) -> Recording:
    """A request's leads: {"rate": Hz, "unit": "mV", "leads": {"I": [...], ...}}.

    Each lead the model needs must be there, of one length, null for gaps.

    The unit must be the model's; the rate at least the model's; the duration the model's. Lead
    names do not depend on case; other leads are not used. UserError as for a file, without
    repeating a value.
    """
    if not isinstance(value, dict) or set(value) != {"rate", "unit", "leads"}:
        raise UserError("must be an object with rate, unit and leads and nothing else")
    if value["unit"] != signal.unit:
        raise UserError(f"unit must be {signal.unit}")
    rate, leads = value["rate"], value["leads"]
    if (
        isinstance(rate, bool)
        or not isinstance(rate, int | float)
        or not signal.rate <= rate <= FASTEST
    ):
        raise UserError(f"rate must be a number of Hz from {signal.rate:g} to {FASTEST:g}")
    if not isinstance(leads, dict):
        raise UserError("leads must be an object with a list of numbers for each lead")
    channels = [
        leads[list(leads)[position]] for position in lead_positions(list(leads), signal.channels)
    ]
    samples = _numbers(channels, round(seconds_of(signal) * rate), signal)
    return usable(samples, float(rate), signal)[0]


def _numbers(leads: Sequence[object], count: int, signal: Signal) -> Samples:
    for name, lead in zip(signal.channels, leads, strict=True):
        if not isinstance(lead, list) or not all(
            type(v) in (int, float) or v is None for v in lead
        ):
            raise UserError(f"lead {name} must be a list of numbers, or null where there is none")
        if len(lead) != count:
            raise UserError(
                f"lead {name} must hold {count:,} samples: {seconds_of(signal):g} s at the stated "
                "rate"
            )
    try:
        return np.array(leads, dtype=np.float64)
    except OverflowError:
        raise UserError("holds numbers too large for an amplitude") from None


def usable(samples: Samples, rate: float, signal: Signal) -> tuple[Recording, tuple[Remark, ...]]:
    """The recording of float64[leads, samples] in mV at `rate`, and remarks on it.

    Raises:
        UserError: it cannot be used; names no place.
    """
    if rate < signal.rate:
        raise UserError(
            f"is sampled at less than {signal.rate:g} Hz, the rate of the model; train one with "
            "data.rate=…"
        )
    remarks = _bridge(samples, rate, signal)
    _check_amplitudes(samples, signal)
    recording = resampled(bridged(samples), rate, signal.rate, signal.shape[1]).astype(np.float32)
    still = waveform_features.flat(recording, signal.rate)
    if still.all():
        raise UserError("all leads are flat; were the electrodes connected?")
    if still.any():
        message = "hold a lead that is flat for half a second or more"
        remarks.append(Remark("warning", "flat lines", message, "check the electrodes"))
    if rate != signal.rate:
        message = f"were sampled at {rate:g} Hz and resampled to {signal.rate:g} Hz"
        remarks.append(Remark("note", "resampled", message))
    return recording, tuple(remarks)


def _bridge(samples: Samples, rate: float, signal: Signal) -> list[Remark]:
    missing = np.isnan(samples)
    if not missing.any():
        return []
    worst = signal.channels[int(missing.mean(axis=1).argmax())]
    if longest_gap(samples) > GAP_SECONDS * rate:
        raise UserError(f"lead {worst} has a gap of more than {GAP_SECONDS:g} s; record it again")
    if missing.mean(axis=1).max() > GAP_SHARE:
        raise UserError(
            f"lead {worst} lacks more than {GAP_SHARE:.0%} of its samples; record it again"
        )
    message = f"have gaps of up to {GAP_SECONDS:g} s, bridged by straight lines"
    return [Remark("warning", "gaps", message, "check the electrodes")]


def _check_amplitudes(samples: Samples, signal: Signal) -> None:
    """Refuses what a wrong gain makes of a heart.

    A line that does not move at all is looked at later.
    """
    with np.errstate(over="ignore"):
        away = np.abs(samples - np.nanmedian(samples, axis=1, keepdims=True))
    size = np.nanpercentile(away, 99, axis=1)
    if size.max() > LARGEST:
        lead = signal.channels[int(size.argmax())]
        raise UserError(
            f"wrong gain: lead {lead} reaches more than {LARGEST:g} mV; check gain and unit"
        )
    if 0 < float(np.nanmax(away)) < SMALLEST:
        raise UserError(f"wrong gain: no lead reaches {SMALLEST:g} mV; check gain and unit")


def seconds_of(signal: Signal) -> float:
    """How long a recording of this signal lasts."""
    return signal.shape[1] / signal.rate


def measure(recording: Recording, signal: Signal) -> dict[str, float | None]:
    """The value of each of FIELDS."""
    return waveform_features.measure(recording, signal.rate)


def describe(recording: Recording, signal: Signal) -> Features:
    """Rhythm, median beats and spectra: float32[signal.described].

    See `waveform_features.describe`.
    """
    return waveform_features.describe(recording, signal.rate)


def array(recording: Recording, signal: Signal) -> Features:
    """The samples themselves, in mV: float32[leads, samples]."""
    return np.asarray(recording, dtype=np.float32)


def parts(recording: Recording, signal: Signal) -> list[Part]:
    """Segments of about half a second."""
    edges = np.linspace(0, seconds_of(signal), max(round(seconds_of(signal) / NARROW), 1) + 1)
    return [{"seconds": [float(start), float(end)]} for start, end in pairwise(edges)]


def without(recording: Recording, part: Mapping[str, Any], signal: Signal) -> Recording:
    """The recording with a straight line in place of that segment, in every lead."""
    start, end = (round(second * signal.rate) for second in part["seconds"])
    edited = np.array(recording)
    line = np.linspace(0, 1, end - start, dtype=np.float32)
    first, last = recording[:, [start]], recording[:, [end - 1]]
    edited[:, start:end] = first + (last - first) * line
    return edited


def neutral(signal: Signal) -> Recording:
    """A line at zero."""
    return np.zeros(signal.shape, dtype=np.float32)
