"""Anybody's electrocardiograms: WFDB records, listed in a table with outcome and patient."""

from __future__ import annotations

import re
from pathlib import Path

from risk_model.config.waveform import Leads, Waveforms
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.schema import Signal
from risk_model.data.sources.recordings import cohort_of, listing, read_all, schema_of
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
    readings, rows, notes = read_all(
        entries.recordings, lambda file: waveform.read(folder / file, signal), settings.set_aside
    )
    return cohort_of(
        entries, readings, rows, schema_of(name, settings.outcome, signal), source, notes
    )


def signal_of(settings: Leads) -> Signal:
    """The signal that the settings ask for; UserError when no beat could be seen in it."""
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
    return Signal(
        "ecg", "waveform", shape, waveform_features.count(len(leads)), leads, "mV", settings.rate
    )
