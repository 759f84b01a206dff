"""Recordings as a cohort: a table lists them, and each file is read once.

A recording that cannot be used stops the run, unless data.set_aside allows so many; what was set
aside is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from risk_model import config
from risk_model.core.cohort import Cohort, Outcome, Rows
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
from risk_model.data.sources.table import rules_of
from risk_model.data.sources.values import trimmed
from risk_model.data.tables.table_file import open_table
from risk_model.signals import Reading, Recording, measured, reader, signal_columns

Recordings = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Listing:
    """The recordings that a table lists: name or text, outcome and index of each."""

    recordings: list[str]
    outcome: Outcome
    index: pd.DataFrame
    notes: tuple[Finding, ...]
    columns: tuple[ColumnReading, ...] = ()
    one_row_per_patient: bool = False


def listing(settings: config.Recordings, column: str, needed: str) -> Listing:
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
    settings: config.Recordings,
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


def _roles(names: list[str], settings: config.Recordings, column: str) -> Roles:
    require_column(column, names, "data.file", settings.path)
    require_column(settings.outcome, names, "data.outcome", settings.path)
    return column_roles([name for name in names if name != column], settings)


def read_all(
    names: Sequence[str], read_one: Callable[[str], Reading], set_aside: int
) -> tuple[list[Reading], Rows, list[Finding]]:
    """Every recording that can be used, its position among `names`, and the remarks, counted.

    UserError, naming the first, when more than `set_aside` cannot be used.
    """
    readings, positions, refused = [], [], []
    for position, name in enumerate(
        tqdm(names, desc="reading", unit=" recordings", disable=None, leave=False)
    ):
        try:
            readings.append(read_one(name))
            positions.append(position)
        except UserError as error:
            refused.append(str(error))
            if len(refused) > set_aside:
                raise _too_many(refused, set_aside) from None
    notes = [
        Finding("warning", "set aside", "recordings", message, "find out why")
        for message in refused
    ]
    counts = Counter(remark for reading in readings for remark in reading.remarks)
    for remark, count in counts.items():
        message = f"{count:,} recordings: {remark.message}"
        notes.append(Finding(remark.severity, remark.kind, "recordings", message, remark.remedy))
    return readings, np.array(positions, dtype=np.int64), notes


def _too_many(refused: list[str], set_aside: int) -> UserError:
    if set_aside == 0:
        return UserError(
            f"{refused[0]}; or leave out what cannot be read: data.set_aside=… says how many may be"
        )
    return UserError(
        f"more than {set_aside} recordings cannot be used (data.set_aside={set_aside}): "
        f"{refused[-1]}"
    )


def cohort_of(
    entries: Listing,
    readings: Sequence[Reading],
    positions: Rows,
    schema: Schema,
    source: str,
    notes: Sequence[Finding],
) -> Cohort:
    """The cohort of the recordings that were read.

    What headers say fills the index where the table is silent.
    """
    index = entries.index.iloc[positions].reset_index(drop=True)
    for name in sorted(
        {key for reading in readings for key in reading.header} - set(index.columns)
    ):
        index[name] = [reading.header.get(name) for reading in readings]
    recordings = objects([reading.recording for reading in readings])
    cohort = cohort_from(recordings, entries.outcome[positions], index, schema, source)
    notes = (*entries.notes, *notes, *cohort.notes)
    single = entries.one_row_per_patient
    return replace(cohort, notes=notes, columns=entries.columns, one_row_per_patient=single)


def cohort_from(
    recordings: Recordings, outcome: Outcome, index: pd.DataFrame, schema: Schema, source: str
) -> Cohort:
    """The cohort of recordings in memory, object[n].

    What can be measured on them becomes its inputs.
    """
    if schema.signal is None:
        raise ValueError("a cohort of recordings needs a schema with a signal")
    inputs, notes = coerce(
        pd.DataFrame(measured(recordings, schema.signal), dtype=np.float64), schema
    )
    return Cohort(
        schema,
        inputs,
        outcome,
        index,
        source,
        notes,
        signal_columns(recordings, schema.signal),
        recordings,
    )


def schema_of(name: str, outcome: str, signal: Signal) -> Schema:
    """The schema of recordings of this signal."""
    return Schema(name, outcome, reader(signal).FIELDS, signal)


def objects(recordings: Sequence[Recording]) -> Recordings:
    """Recordings as object[n], whatever their shapes."""
    array = np.empty(len(recordings), dtype=object)
    for position, recording in enumerate(recordings):
        array[position] = recording
    return array
