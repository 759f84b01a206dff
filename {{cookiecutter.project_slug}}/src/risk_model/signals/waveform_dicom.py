"""Electrocardiograms as DICOM: the leads of a waveform object, in the unit that it states.

DICOM PS3.3 C.10.9. Of the header only age and sex go on. pydicom is imported when the first file is
read: a server needs none.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from risk_model.core.errors import UserError
from risk_model.signals.waveform_checks import AGAIN, attempt
from risk_model.signals.waveform_header import OLDEST, PER_YEAR, calibration, unit_remarks
from risk_model.signals.waveform_records import Record, beginning, lead_positions
from risk_model.signals.waveform_sampling import samples_in

# the standard leads by the last number of their code, in SCP-ECG and in ISO 11073 (MDC)
LEADS = {
    **{"1": "I", "2": "II", "61": "III", "62": "aVR", "63": "aVL", "64": "aVF"},
    **{str(number + 2): f"V{number}" for number in range(1, 7)},
}
CODED = re.compile(r"(?:5\.6\.3-9-|2:)(\d+)")


def is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM files do."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def dicom_record(path: Path, leads: Sequence[str], seconds: float) -> Record:
    """The first `seconds` of these leads, from the first group of channels that is no derived one.

    Raises:
        UserError: the file is cut short, has no waveform, lacks a lead or its calibration, or ends
            too early; names no file.
    """
    dataset = attempt(lambda: _parsed(path), "is not a readable DICOM file")
    groups = dataset.get("WaveformSequence") or []
    originals = [n for n, g in enumerate(groups) if g.get("WaveformOriginality") != "DERIVED"]
    if not originals:
        raise UserError("is a DICOM file without a waveform; name electrocardiograms only")
    group = groups[originals[0]]
    channels: list[Any] = attempt(
        lambda: list(group.ChannelDefinitionSequence), "its channels cannot be understood"
    )
    names = attempt(lambda: [_lead(channel) for channel in channels], "a channel has no name")
    positions = lead_positions(names, leads)
    written = [_unit(channels[at], lead) for at, lead in zip(positions, leads, strict=True)]
    samples = attempt(
        lambda: _samples(dataset, originals[0], positions), "the samples cannot be read"
    )
    rate = attempt(lambda: float(group.SamplingFrequency), "the sampling rate cannot be read")
    count = samples_in(seconds, rate)
    values = [
        lead[:count] * calibration(unit).factor for lead, unit in zip(samples, written, strict=True)
    ]
    remarks = [*beginning(samples.shape[1], count, seconds), *unit_remarks(set(written))]
    units = tuple(calibration(unit).unit for unit in written)
    return Record(tuple(values), (rate,) * len(leads), units, tuple(remarks), _patient(dataset))


def _parsed(path: Path) -> Any:
    import pydicom

    # its warnings and its log quote the header's values
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    return pydicom.dcmread(path)


def _lead(channel: Any) -> str:
    """The name of a standard lead by its code, else the channel's label or its meaning."""
    source = channel.ChannelSourceSequence[0]
    coded = CODED.fullmatch(str(source.get("CodeValue") or ""))
    if coded and coded[1] in LEADS:
        return LEADS[coded[1]]
    label = channel.get("ChannelLabel") or source.CodeMeaning
    return re.sub(r"^lead\s+|\s*\(.*\)$", "", str(label), flags=re.IGNORECASE)


def _unit(channel: Any, lead: str) -> str:
    """The unit's code; UserError where values are not what the unit says, or are shifted."""
    units = channel.get("ChannelSensitivityUnitsSequence") or []
    if not channel.get("ChannelSensitivity") or not units:
        raise UserError(
            f"wrong gain: lead {lead} has no sensitivity or no unit of it; calibrate the record"
        )
    if channel.get("ChannelTimeSkew") or channel.get("ChannelSampleSkew"):
        raise UserError(f"lead {lead} is shifted against the others (skew); {AGAIN} without")
    return str(units[0].get("CodeValue") or "")


def _samples(dataset: Any, group: int, positions: Sequence[int]) -> Any:
    """The leads in their units, float64[leads, samples]; NaN where the file was filled up."""
    from pydicom.waveforms.numpy_handler import multiplex_array

    values = np.asarray(multiplex_array(dataset, group, as_raw=False), dtype=np.float64)
    item = dataset.WaveformSequence[group]
    padding = item.get("WaveformPaddingValue")
    if padding is not None:
        raw = multiplex_array(dataset, group, as_raw=True)
        stored = isinstance(padding, bytes)
        values[raw == (np.frombuffer(padding, raw.dtype)[0] if stored else padding)] = np.nan
    return np.ascontiguousarray(values[:, positions].T)


def _patient(dataset: Any) -> dict[str, Any]:
    """Age in years and sex, where the header tells them."""
    fields: dict[str, Any] = {}
    age, sex = str(dataset.get("PatientAge") or ""), str(dataset.get("PatientSex") or "")
    if re.fullmatch(r"\d{1,3}[YMWD]", age):
        years = int(age[:-1]) / PER_YEAR[age[-1].lower()]
        if years <= OLDEST:
            fields["age"] = years
    if sex in ("F", "M", "O"):
        fields["sex"] = sex
    return fields
