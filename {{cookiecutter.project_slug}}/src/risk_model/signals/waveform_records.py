"""WFDB records, checked against their header before any use.

Units, gain, rate, leads, length and checksum.

The wfdb package reads the sample formats; it fills in what a header leaves out, so what must not be
guessed is looked at in the header first. wfdb is imported when the first record is read: a server
needs none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from risk_model.core.errors import UserError
from risk_model.signals import Remark
from risk_model.signals.waveform_sampling import Samples

TO_MV = {
    "V": 1e3,
    "mV": 1.0,
    "mv": 1.0,
    "uV": 1e-3,
    "uv": 1e-3,
    "µV": 1e-3,  # micro sign
    "μV": 1e-3,  # mu
}
BYTES = {
    "8": 1.0,
    "16": 2.0,
    "24": 3.0,
    "32": 4.0,
    "61": 2.0,
    "80": 1.0,
    "160": 2.0,
    "212": 1.5,
    "310": 4 / 3,
    "311": 4 / 3,
}
GAIN = re.compile(r"\S+\s+\S+\s+(-?[\d.]+(?:[eE][+-]?\d+)?)(?:\(-?\d+\))?(?:/(\S+))?(?:\s|$)")
GAINS = (1e-3, 1e7)  # units of the converter for one mV


class Record(NamedTuple):
    """The needed leads in mV, float64[leads, samples] with NaN in gaps, and the header."""

    samples: Samples
    rate: float
    remarks: tuple[Remark, ...]
    header: Mapping[str, Any]


def record(path: Path, leads: Sequence[str], seconds: float) -> Record:
    """The first `seconds` of these leads.

    Raises:
        UserError: the record is not what its header says; names the file.
    """
    import wfdb

    stem = path.with_suffix("") if path.suffix in (".hea", ".dat") else path
    try:
        text = _header_text(stem)
        header = _try(lambda: wfdb.rdheader(str(stem)), "the header cannot be read")
        positions: list[int] = _try(
            lambda: _check(header, text, stem, leads), "the header cannot be understood"
        )
        count = _needed(header, seconds)
        read = _try(
            lambda: wfdb.rdrecord(str(stem), channels=positions, sampto=count, physical=False),
            "the samples cannot be read",
        )
        return _converted(
            read,
            [_unit(_signal_lines(text)[position]) for position in positions],
            header.sig_len,
            text,
        )
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _try(call: Callable[[], Any], problem: str) -> Any:
    """Wfdb raises whatever a broken file happens to cause; its message may repeat the header."""
    try:
        return call()
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{problem} ({type(error).__name__}); export the record again") from None


def _header_text(stem: Path) -> str:
    path = stem.with_name(f"{stem.name}.hea")
    try:
        content = path.read_bytes()
    except OSError:
        raise UserError(f"there is no header {path.name}, or it cannot be read") from None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _check(header: Any, text: str, stem: Path, leads: Sequence[str]) -> list[int]:
    """The positions of the leads; UserError for what header and file sizes show to be wrong."""
    if getattr(header, "n_seg", None):
        raise UserError("consists of several segments; write them as one record")
    if not header.fs or not header.sig_len or header.sig_len < 0 or header.fs < 0:
        raise UserError("the header does not tell sampling rate and length")
    if (
        not header.file_name
        or len(header.file_name) != header.n_sig
        or None in (header.sig_name or [None])
    ):
        raise UserError(
            "the header does not describe as many leads as it announces; was it cut short?"
        )
    positions = lead_positions(header.sig_name, leads)
    for position, lead in zip(positions, leads, strict=True):
        _check_gain(_signal_lines(text)[position], lead)
        if _unit(_signal_lines(text)[position]) not in TO_MV:
            raise UserError(f"lead {lead} is in another unit than V, mV or uV")
        if header.samps_per_frame[position] != 1:
            raise UserError(
                f"lead {lead} is sampled at another rate than the record; write all leads at one "
                "rate"
            )
    for name in set(header.file_name):
        _check_size(header, stem, name)
    return positions


def lead_positions(names: Sequence[str], leads: Sequence[str]) -> list[int]:
    """Where each needed lead stands among the names; case and spaces do not count.

    Raises:
        UserError: a lead is missing or there twice.
    """
    folded = [name.strip().casefold() for name in names]
    for lead in leads:
        if (times := folded.count(lead.casefold())) != 1:
            problem = "is missing" if times == 0 else f"is there {times} times"
            raise UserError(f"lead {lead} {problem}; needed are {', '.join(leads)}")
    return [folded.index(lead.casefold()) for lead in leads]


def _signal_lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")][1:]


def _check_gain(line: str, lead: str) -> None:
    """UserError for a signal that was never calibrated.

    The wfdb library takes 200 where a header gives no gain, or 0.
    """
    match = GAIN.match(line)
    low, high = GAINS
    if not match or not low <= abs(float(match[1])) <= high:
        raise UserError(
            f"wrong gain: the header gives lead {lead} none, or one that cannot be; calibrate the "
            "record"
        )


def _unit(line: str) -> str:
    """The unit as it is written, mV where none is: the wfdb library drops the sign for micro."""
    match = GAIN.match(line)
    return match[2] or "mV" if match else ""


def _check_size(header: Any, stem: Path, name: str) -> None:
    if "/" in name or "\\" in name:
        raise UserError("the header names samples in another folder; put them beside the header")
    path = stem.with_name(name)
    if not path.is_file():
        raise UserError(f"there is no {name} beside the header")
    inside = [position for position, other in enumerate(header.file_name) if other == name]
    if (size := BYTES.get(header.fmt[inside[0]])) is None:
        raise UserError(f"{name} is in a format whose length cannot be checked; write format 16")
    frames = sum(header.samps_per_frame[position] for position in inside)
    start = header.byte_offset[inside[0]] or 0
    if path.stat().st_size < start + int(frames * header.sig_len * size):
        raise UserError(
            f"{name} is cut short: it holds fewer samples than the header says; copy it again"
        )


def _needed(header: Any, seconds: float) -> int:
    count = round(seconds * float(header.fs))
    if header.sig_len < count:
        raise UserError(f"lasts less than the {seconds:g} s that the model reads")
    return count


def _converted(read: Any, units: Sequence[str], length: int, text: str) -> Record:
    count = read.sig_len
    if length == count and any(read.checksum) and not _as_summed(read):
        raise UserError(
            "the samples are not the ones that the header was written for (checksum); copy both "
            "again"
        )
    remarks = []
    if length > count:
        remarks.append(
            Remark(
                "note",
                "longer",
                f"last longer than {count / read.fs:g} s; only the beginning is read",
            )
        )
    factors = np.array([TO_MV[unit] for unit in units])
    for unit in sorted(set(units) - {"mV", "mv"}):
        remarks.append(Remark("note", "unit", f"are in {unit} and were converted to mV"))
    samples = (
        _try(lambda: read.dac(return_res=64), "the samples cannot be converted").T
        * factors[:, None]
    )
    return Record(samples, float(read.fs), tuple(remarks), _header_fields(text))


def _as_summed(read: Any) -> bool:
    """Whether each lead's sum is the header's, in 16 bits."""
    pairs = zip(read.checksum, read.calc_checksum(), strict=True)
    return all(stated is None or stated % 65536 == match % 65536 for stated, match in pairs)


def _header_fields(text: str) -> dict[str, Any]:
    """Age and sex, where the header's comments tell them."""
    comments = " ".join(line for line in text.splitlines() if line.startswith("#"))
    age = re.search(r"\bage\W{1,4}(\d{1,3})\b", comments, re.IGNORECASE)
    sex = re.search(r"\bsex\W{1,4}(male|female|m|f)\b", comments, re.IGNORECASE)
    fields: dict[str, Any] = {"age": float(age[1])} if age else {}
    return {**fields, "sex": sex[1][0].upper()} if sex else fields
