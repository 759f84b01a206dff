"""WFDB records, checked against their header before any use.

The wfdb package reads the sample formats; what it would guess, and what it does not compare (length
and sums), is looked at here. wfdb is imported when the first record is read: a server needs none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from risk_model.core.errors import UserError
from risk_model.signals import Remark
from risk_model.signals.waveform_checks import attempt, check_size, check_sums
from risk_model.signals.waveform_header import (
    calibration,
    header_text,
    patient_fields,
    signal_lines,
    stated_unit,
    unit_remarks,
)
from risk_model.signals.waveform_sampling import Samples, samples_in


class Record(NamedTuple):
    """Each needed lead, float64[samples] with NaN in gaps, at its own rate in Hz and in its unit.

    Volts of every size are mV; other units are as the file has them.
    """

    leads: tuple[Samples, ...]
    rates: tuple[float, ...]
    units: tuple[str, ...]
    remarks: tuple[Remark, ...]
    header: Mapping[str, Any]


class Stretch(NamedTuple):
    """The needed leads of one segment, or of the one piece that a record is.

    `per_frame` says how many samples each has where the record counts one; `written` are the units
    before conversion.
    """

    leads: Sequence[Samples]
    per_frame: list[int]
    written: list[str]

    @property
    def units(self) -> tuple[str, ...]:
        """The units of the leads."""
        return tuple(calibration(unit).unit for unit in self.written)


def wfdb_record(path: Path, leads: Sequence[str], seconds: float) -> Record:
    """The first `seconds` of these leads.

    Args:
        path: the record, with or without the ending of its header or of its samples.
        leads: their names; case does not count.
        seconds: how much to read.

    Raises:
        UserError: the record is not what its header says; names no file.
    """
    stem = stem_of(path)
    text = header_text(stem)
    header = _header(stem)
    if not header.fs or header.fs < 0:
        raise UserError("the header does not tell the sampling rate")
    frames = samples_in(seconds, header.fs)
    beginning_of = _joined if hasattr(header, "seg_name") else _stretch
    stretch, length = attempt(
        lambda: beginning_of(header, text, stem, leads, frames), "the header cannot be understood"
    )
    fields, doubts = patient_fields(text)
    remarks = beginning(length, frames, seconds) + unit_remarks(set(stretch.written)) + doubts
    rates = tuple(header.fs * count for count in stretch.per_frame)
    return Record(tuple(stretch.leads), rates, stretch.units, tuple(remarks), fields)


def beginning(length: int, needed: int, seconds: float) -> list[Remark]:
    """A remark where a record is longer than what is read of it.

    Raises:
        UserError: it is shorter.
    """
    if length < needed:
        raise UserError(f"lasts less than the {seconds:g} s that the model reads")
    message = f"last longer than {seconds:g} s; only the beginning is read"
    return [Remark("note", "longer", message)] if length > needed else []


def stem_of(path: Path) -> Path:
    """The record's path without the ending of a file: what wfdb calls its name."""
    whole = path.with_name(f"{path.name}.hea")
    return path if whole.exists() or not path.suffix else path.with_suffix("")


def _header(stem: Path) -> Any:
    import wfdb

    return attempt(lambda: wfdb.rdheader(str(stem)), "the header cannot be read")


def _joined(
    header: Any, text: str, stem: Path, leads: Sequence[str], frames: int
) -> tuple[Stretch, int]:
    """The leads over the segments that hold the first frames, and the length of the whole.

    NaN where a segment is empty.
    """
    if len(header.seg_name) != header.n_seg:
        raise UserError(
            "the header does not list as many segments as it announces; was it cut short?"
        )
    start = 0
    counts: list[int] = []
    pieces: list[Stretch | None] = []
    for name, length in zip(header.seg_name, header.seg_len, strict=True):
        count = min(length, frames - start)
        if count > 0:
            counts.append(count)
            pieces.append(None if name == "~" else _segment(header, stem, name, leads, count))
        start += length
    first = next((piece for piece in pieces if piece), None)
    if first is None:
        raise UserError("begins with an empty segment; cut the record where its signals begin")
    whole = [piece or _empty(first, count) for piece, count in zip(pieces, counts, strict=True)]
    if any(piece[1:] != first[1:] for piece in whole):
        raise UserError("has segments with other units or samples per frame than its first")
    joined = [np.concatenate(parts) for parts in zip(*(s.leads for s in whole), strict=True)]
    return first._replace(leads=joined), start


def _segment(header: Any, stem: Path, name: str, leads: Sequence[str], count: int) -> Stretch:
    path = stem.with_name(name)
    try:
        text, own = header_text(path), _header(path)
        if hasattr(own, "seg_name"):
            raise UserError("has segments of its own; list those in the record's header")
        if own.fs != header.fs:
            raise UserError("is sampled at another rate than the record")
        return _stretch(own, text, path, leads, count)[0]
    except UserError as error:
        raise UserError(f"segment {name}: {error}") from None


def _empty(like: Stretch, count: int) -> Stretch:
    return like._replace(leads=[np.full(count * times, np.nan) for times in like.per_frame])


def _stretch(
    header: Any, text: str, stem: Path, leads: Sequence[str], frames: int
) -> tuple[Stretch, int]:
    """The first frames of the leads, as many as there are, and the length of the whole."""
    import wfdb

    positions = _check(header, stem, leads)
    lines = signal_lines(text)
    written = [stated_unit(lines[at], lead) for at, lead in zip(positions, leads, strict=True)]
    end = min(frames, header.sig_len) if header.sig_len else None

    def read(**asked: Any) -> Any:
        return attempt(
            lambda: wfdb.rdrecord(
                str(stem), channels=positions, sampto=end, smooth_frames=False, **asked
            ),
            "the samples cannot be read",
        )

    signals = read()
    length = header.sig_len or signals.sig_len
    if signals.sig_len == length:
        skewed = any(header.skew[at] for at in positions)
        check_sums(header, positions, read(ignore_skew=True) if skewed else signals)
    per_frame = [header.samps_per_frame[at] or 1 for at in positions]
    values = [np.array(lead, dtype=np.float64) for lead in signals.e_p_signal]
    _blank_beyond(values, header, positions, signals.sig_len, length)
    converted = [
        lead[: frames * count] * calibration(unit).factor
        for lead, unit, count in zip(values, written, per_frame, strict=True)
    ]
    return Stretch(converted, per_frame, written), length


def _blank_beyond(
    values: Sequence[Samples], header: Any, positions: Sequence[int], frames: int, length: int
) -> None:
    """NaN where a skewed lead would lie behind the end; wfdb leaves zeros in some of it."""
    for lead, at in zip(values, positions, strict=True):
        beyond = max(frames + (header.skew[at] or 0) - length, 0)
        if beyond:
            lead[len(lead) - beyond * (header.samps_per_frame[at] or 1) :] = np.nan


def _check(header: Any, stem: Path, leads: Sequence[str]) -> list[int]:
    """The positions of the leads; UserError for what header and file sizes show to be wrong."""
    if header.sig_len is not None and header.sig_len <= 0:
        raise UserError("the header says that it holds no samples")
    if (
        not header.file_name
        or len(header.file_name) != header.n_sig
        or None in (header.sig_name or [None])
    ):
        raise UserError(
            "the header does not describe as many leads as it announces; was it cut short?"
        )
    positions = lead_positions(header.sig_name, leads)
    for name in dict.fromkeys(header.file_name[at] for at in positions):
        check_size(header, stem, name)
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
