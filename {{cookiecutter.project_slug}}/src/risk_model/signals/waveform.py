"""Electrocardiograms and what monitors record beside them: the leads a model knows, at its rate.

Training reads WFDB or DICOM, a request sends JSON; both are checked and resampled by the same
lines. A recording is float32[leads, samples], each lead in the unit of `Signal.units`.
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
from risk_model.signals.waveform_dicom import dicom_record, is_dicom
from risk_model.signals.waveform_features import FIELDS as FIELDS
from risk_model.signals.waveform_records import Record, lead_positions, wfdb_record
from risk_model.signals.waveform_sampling import (
    Samples,
    bridged,
    longest_gap,
    resampled,
    samples_in,
)

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
    """The record at `path`: a DICOM file, or WFDB with or without the ending of one of its files.

    Refused: a lead in another unit than the model's (V and uV become mV), no gain, amplitudes no
    heart has (wrong gain), a lead that is not there, a gap, a record that is cut short, shorter
    than the model needs or not what its header says, all leads flat.

    Raises:
        UserError: it cannot be used; names the file.
    """
    try:
        read_record = record(path, signal)
        _check_units(read_record.units, signal)
        recording, remarks = usable(read_record.leads, read_record.rates, signal)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return Reading(recording, (*read_record.remarks, *remarks), read_record.header)


def record(path: Path, signal: Signal) -> Record:
    """The beginning of the signal's leads as the file has them, but for volts, which become mV.

    Raises:
        UserError: it cannot be read, or not all of it; names no file.
    """
    reader = dicom_record if is_dicom(path) else wfdb_record
    return reader(path, signal.channels, signal.seconds)


def _check_units(units: Sequence[str], signal: Signal) -> None:
    for lead, unit, expected in zip(signal.channels, units, signal.units, strict=True):
        if unit != expected:
            known = "V, mV or uV" if expected == "mV" else expected
            raise UserError(f"lead {lead} is in another unit than {known}; convert it")


def received(value: object, signal: Signal) -> Recording:
    """A request's leads: {"rate": Hz, "unit": "mV", "leads": {"I": [...], ...}}.

    Each lead the model needs must be there, as long as the model reads, null for gaps. The unit
    must be the model's, the rate at least the model's; where leads differ in unit or rate, an
    object gives each lead's: {"unit": {"I": "mV", "ABP": "mmHg"}}. Lead names do not depend on
    case; other leads are not used. UserError as for a file, without repeating a value.
    """
    if not isinstance(value, dict) or set(value) != {"rate", "unit", "leads"}:
        raise UserError("must be an object with rate, unit and leads and nothing else")
    units = _of_leads(value["unit"], signal, "unit")
    for lead, unit, expected in zip(signal.channels, units, signal.units, strict=True):
        if unit != expected:
            of_lead = f" of lead {lead}" if len(set(signal.units)) > 1 else ""
            raise UserError(f"unit{of_lead} must be {expected}")
    rates = [_rate(rate, signal) for rate in _of_leads(value["rate"], signal, "rate")]
    leads = _of_leads(value["leads"], signal, "leads")
    samples = [
        _numbers(lead, name, samples_in(signal.seconds, rate), signal)
        for lead, name, rate in zip(leads, signal.channels, rates, strict=True)
    ]
    return usable(samples, rates, signal)[0]


def _of_leads(value: object, signal: Signal, what: str) -> list[Any]:
    """What an object says of each lead of the model; the same for all where it is no object."""
    if isinstance(value, dict):
        names = list(value)
        return [value[names[position]] for position in lead_positions(names, signal.channels)]
    if what == "leads":
        raise UserError("leads must be an object with a list of numbers for each lead")
    return [value] * len(signal.channels)


def _rate(rate: object, signal: Signal) -> float:
    if (
        isinstance(rate, bool)
        or not isinstance(rate, int | float)
        or not signal.rate <= rate <= FASTEST
    ):
        raise UserError(f"rate must be a number of Hz from {signal.rate:g} to {FASTEST:g}")
    return float(rate)


def _numbers(lead: object, name: str, count: int, signal: Signal) -> Samples:
    if not isinstance(lead, list) or not all(type(v) in (int, float) or v is None for v in lead):
        raise UserError(f"lead {name} must be a list of numbers, or null where there is none")
    if len(lead) != count:
        raise UserError(
            f"lead {name} must hold {count:,} samples: {signal.seconds:g} s at the stated rate"
        )
    try:
        return np.array(lead, dtype=np.float64)
    except OverflowError:
        raise UserError("holds numbers too large for an amplitude") from None


def usable(
    leads: Sequence[Samples], rates: Sequence[float], signal: Signal
) -> tuple[Recording, tuple[Remark, ...]]:
    """The recording of leads, float64[samples] each at its rate and in its unit, and remarks on it.

    Raises:
        UserError: it cannot be used; names no place.
    """
    for name, rate in zip(signal.channels, rates, strict=True):
        if rate < signal.rate:
            raise UserError(
                f"lead {name} is sampled at less than {signal.rate:g} Hz, the rate of the model; "
                "train one with data.rate=…"
            )
    remarks = _bridge(leads, rates, signal)
    _check_amplitudes(leads, signal)
    resampled_leads = [
        resampled(
            bridged(lead[None, : samples_in(signal.seconds, rate)]),
            rate,
            signal.rate,
            signal.shape[1],
        )
        for lead, rate in zip(leads, rates, strict=True)
    ]
    recording = np.concatenate(resampled_leads).astype(np.float32)
    still = waveform_features.flat(recording, signal)
    if still.all():
        raise UserError("all leads are flat; were the electrodes connected?")
    if still.any():
        message = "hold a lead that is flat for half a second or more"
        remarks.append(Remark("warning", "flat lines", message, "check the electrodes"))
    for rate in sorted(set(rates) - {signal.rate}):
        message = f"were sampled at {rate:g} Hz and resampled to {signal.rate:g} Hz"
        remarks.append(Remark("note", "resampled", message))
    return recording, tuple(remarks)


def _bridge(leads: Sequence[Samples], rates: Sequence[float], signal: Signal) -> list[Remark]:
    """A remark where there are gaps; UserError where one is too long, or they are too many."""
    if not any(np.isnan(lead).any() for lead in leads):
        return []
    for name, lead, rate in zip(signal.channels, leads, rates, strict=True):
        if np.isnan(lead).all():
            raise UserError(f"lead {name} has a gap as long as the model reads; record it again")
        if longest_gap(lead[None]) > GAP_SECONDS * rate:
            raise UserError(
                f"lead {name} has a gap of more than {GAP_SECONDS:g} s; record it again"
            )
        if np.isnan(lead).mean() > GAP_SHARE:
            raise UserError(
                f"lead {name} lacks more than {GAP_SHARE:.0%} of its samples; record it again"
            )
    message = f"have gaps of up to {GAP_SECONDS:g} s, bridged by straight lines"
    return [Remark("warning", "gaps", message, "check the electrodes")]


def _check_amplitudes(leads: Sequence[Samples], signal: Signal) -> None:
    """Refuses what a wrong gain makes of a heart, in leads that are in mV.

    A line that does not move at all is looked at later.
    """
    largest = 0.0
    for name, lead, unit in zip(signal.channels, leads, signal.units, strict=True):
        if unit != "mV":
            continue
        with np.errstate(over="ignore"):
            away = np.abs(lead - np.nanmedian(lead))
        if np.nanpercentile(away, 99) > LARGEST:
            raise UserError(
                f"wrong gain: lead {name} reaches more than {LARGEST:g} mV; check gain and unit"
            )
        largest = max(largest, float(np.nanmax(away)))
    if 0 < largest < SMALLEST:
        raise UserError(f"wrong gain: no lead reaches {SMALLEST:g} mV; check gain and unit")


def measure(recording: Recording, signal: Signal) -> dict[str, float | None]:
    """The value of each of FIELDS."""
    return waveform_features.measure(recording, signal)


def describe(recording: Recording, signal: Signal) -> Features:
    """Rhythm, median beats and spectra: float32[signal.described].

    See `waveform_features.describe`.
    """
    return waveform_features.describe(recording, signal)


def array(recording: Recording, signal: Signal) -> Features:
    """The samples themselves, in their units: float32[leads, samples]."""
    return np.asarray(recording, dtype=np.float32)


def parts(recording: Recording, signal: Signal) -> list[Part]:
    """Segments of about half a second."""
    edges = np.linspace(0, signal.seconds, max(round(signal.seconds / NARROW), 1) + 1)
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
