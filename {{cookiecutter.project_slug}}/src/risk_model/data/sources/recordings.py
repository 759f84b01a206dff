"""Recordings as a cohort: a table lists them, and each file is read once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from risk_model.config.recordings import Recordings
from risk_model.core.cohort import Cohort, Outcome
from risk_model.core.column_reading import ColumnReading
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.core.schema import Schema, Signal
from risk_model.data.sources.coerce import coerce, require_column
from risk_model.data.sources.column_doubts import patient_doubts
from risk_model.data.sources.column_roles import (
    NONE,
    Roles,
    column_roles,
    index_of,
    role_readings,
)
from risk_model.data.sources.doubts import answered
from risk_model.data.sources.files import read
from risk_model.data.sources.inference import clean
from risk_model.data.sources.outcome import events
from risk_model.data.sources.recording_readings import Readings, of_recordings
from risk_model.data.sources.table import rules_of
from risk_model.data.sources.values import trimmed
from risk_model.data.tables.table_file import open_table
from risk_model.signals import Recording, reader


@dataclass(frozen=True)
class Listing:
    """The recordings that a table lists: name or text, outcome and index of each."""

    recordings: list[str]
    outcome: Outcome
    index: pd.DataFrame
    notes: tuple[Finding, ...]
    columns: tuple[ColumnReading, ...] = ()
    one_row_per_patient: bool = False


def listing(settings: Recordings, column: str, needed: str) -> Listing:
    """The rows of a CSV or Parquet table that have an outcome, a subject and text in `column`.

    `needed` says in words what that column holds. UserError as for any table, and when a setting is
    missing.
    """
    for key in ("path", "outcome"):
        if getattr(settings, key) in ("", "???"):
            example = f"a table with a row a recording, its {needed} in the column {column!r}"
            raise UserError(
                f"data.{key} is not set; say data.path=… ({example}) and data.outcome=… (a column)"
            )
    opened = open_table(Path(settings.path))
    roles = _roles(opened.names, settings, column)
    texts = [settings.outcome, column, *roles.text_columns, roles.column.get("time", "")]
    file = read(opened, rules_of(settings), texts)
    return listing_of(file.frame, settings, column, file.where)


def listing_of(
    frame: pd.DataFrame,
    settings: Recordings,
    column: str,
    where: Callable[[Sequence[int]], str],
) -> Listing:
    """The same of a table that was read already."""
    roles = _roles(list(map(str, frame.columns)), settings, column)
    rules = rules_of(settings)
    outcome = trimmed(frame[settings.outcome], rules.missing_texts(settings.outcome))
    labels = events(outcome, settings.outcome, settings.positive)
    needed = list(roles.column.values())
    time = roles.column.get("time", "")
    cleaned = clean(frame[needed], rules, where, roles.text_columns, time)
    index, doubts = index_of(cleaned, roles, pd.Timestamp.now().normalize())
    doubts += patient_doubts(cleaned, index, roles, settings, labels)
    texts = frame[column].astype(object).where(frame[column].notna(), None)
    usable = ~np.isnan(labels) & texts.notna().to_numpy()
    if "subject_id" in index:
        usable &= index["subject_id"].notna().to_numpy()
    rows, notes = np.flatnonzero(usable), answered(doubts, settings.accept)
    if omitted := int((~usable).sum()):
        message = f"{omitted:,} rows have no outcome, no subject or nothing in {column!r}"
        notes.append(Finding("warning", "rows left out", column, message, "find out why"))
    names = [str(text) for text in texts.iloc[rows]]
    index = index.iloc[rows].reset_index(drop=True)
    columns = (ColumnReading(settings.outcome, "outcome"), *role_readings(roles, index))
    single = settings.subject == NONE
    return Listing(names, labels[rows].astype(np.int8), index, tuple(notes), columns, single)


def _roles(names: list[str], settings: Recordings, column: str) -> Roles:
    require_column(column, names, "data.file", settings.path)
    require_column(settings.outcome, names, "data.outcome", settings.path)
    return column_roles([name for name in names if name != column], settings)


def cohort_of(
    entries: Listing, readings: Readings, schema: Schema, source: str, notes: Sequence[Finding]
) -> Cohort:
    """The cohort of the recordings that were read.

    What headers say fills the index where the table is silent.
    """
    positions = readings.positions
    index = entries.index.iloc[positions].reset_index(drop=True)
    for name in sorted({key for header in readings.headers for key in header} - set(index.columns)):
        index[name] = [header.get(name) for header in readings.headers]
    cohort = _cohort(readings, entries.outcome[positions], index, schema, source)
    notes = (*entries.notes, *notes, *cohort.notes)
    single = entries.one_row_per_patient
    return replace(cohort, notes=notes, columns=entries.columns, one_row_per_patient=single)


def cohort_from(
    recordings: Sequence[Recording],
    outcome: Outcome,
    index: pd.DataFrame,
    schema: Schema,
    source: str,
) -> Cohort:
    """The cohort of recordings in memory.

    What can be measured on them becomes its inputs.
    """
    if schema.signal is None:
        raise ValueError("a cohort of recordings needs a schema with a signal")
    return _cohort(of_recordings(recordings, schema.signal), outcome, index, schema, source)


def _cohort(
    readings: Readings, outcome: Outcome, index: pd.DataFrame, schema: Schema, source: str
) -> Cohort:
    inputs, notes = coerce(readings.measured, schema)
    return Cohort(
        schema,
        inputs,
        outcome,
        index,
        source,
        notes,
        readings.signals,
    )


def schema_of(name: str, outcome: str, signal: Signal) -> Schema:
    """The schema of recordings of this signal."""
    return Schema(name, outcome, reader(signal).FIELDS, signal)
