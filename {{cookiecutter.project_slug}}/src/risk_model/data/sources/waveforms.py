"""Anybody's electrocardiograms: WFDB or DICOM, listed in a table with outcome and patient."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from risk_model.config.waveform import Leads, Waveforms
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.core.schema import Signal
from risk_model.data.sources.recording_cache import read_cached
from risk_model.data.sources.recordings import cohort_of, listing, schema_of
from risk_model.signals import waveform, waveform_features

SLOWEST, SHORTEST = 50.0, 2.0  # Hz, seconds: less shows no beats


def load(settings: Waveforms) -> Cohort:
    """The records that have an outcome; UserError, naming the file, for what is unfit."""
    path = Path(settings.path)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-.") or "waveforms"
    return of_table(settings, name, f"{path.name}, supplied by the user")


def of_table(settings: Waveforms, name: str, source: str) -> Cohort:
    """The cohort of that name of the records that the table `settings.path` lists."""
    signal, folder = signal_of(settings), Path(settings.path).parent
    entries = listing(settings, settings.file, "WFDB record")
    first = [folder / file for file in entries.recordings[: settings.set_aside + 1]]
    signal = signal_of(settings, _units(first, signal))
    readings = read_cached(
        entries.recordings,
        lambda file: waveform.read(folder / file, signal),
        signal,
        settings.set_aside,
        _files({(folder / file).parent for file in entries.recordings}, Path(settings.path)),
        settings.cache,
    )
    schema = schema_of(name, settings.outcome, signal)
    return cohort_of(entries, readings, schema, source, [*_unit_notes(signal), *readings.notes()])


def _files(folders: Iterable[Path], table: Path) -> Iterator[Path]:
    """All files beside the records but the table: a header names any of them."""
    for folder in sorted(folders):
        if folder.is_dir():
            yield from sorted(path for path in folder.iterdir() if path != table)


def _units(paths: Sequence[Path], signal: Signal) -> tuple[str, ...]:
    """The units of the first of these records that can be read; the others must have the same."""
    for path in paths:
        try:
            return waveform.record(path, signal).units
        except UserError:  # told when all are read
            continue
    return signal.units


def _unit_notes(signal: Signal) -> list[Finding]:
    other = [
        f"{lead} in {unit}"
        for lead, unit in zip(signal.channels, signal.units, strict=True)
        if unit != "mV"
    ]
    if not other:
        return []
    message = f"{', '.join(other)}: read as they are; beats are looked for in leads in mV only"
    return [Finding("note", "unit", "recordings", message)]


def signal_of(settings: Leads, units: Sequence[str] = ()) -> Signal:
    """The signal that the settings ask for, in mV where no units are given.

    UserError when no beat could be seen in it.
    """
    leads = tuple(settings.leads)
    if not leads or len({lead.casefold() for lead in leads}) < len(leads):
        raise UserError("data.leads: name each lead once, such as data.leads=[I,II,V2]")
    if settings.rate < SLOWEST:
        raise UserError(
            f"data.rate={settings.rate:g}: too slow for a QRS complex; use at least {SLOWEST:g} Hz"
        )
    if settings.seconds < SHORTEST:
        raise UserError(
            f"data.seconds={settings.seconds:g}: too short for a rhythm; use at least "
            f"{SHORTEST:g} s"
        )
    shape = (len(leads), round(settings.seconds * settings.rate))
    units = tuple(units) or ("mV",) * len(leads)
    described = waveform_features.count(units)
    return Signal("ecg", "waveform", shape, described, leads, units, settings.rate)
