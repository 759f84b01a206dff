"""Anybody's table: a CSV or Parquet file of which only path and outcome are known.

Everything else is inferred from names and values, told in notes, and can be set: roles with
data.subject=… and its like, the schema with data.schema=….
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from risk_model import config
from risk_model.core.cohort import Cohort, Rows
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.core.schema import Schema
from risk_model.data.sources.coerce import coerce, declare_recorded_after, require_column
from risk_model.data.sources.column_roles import (
    AUTO,
    TEXT_ROLES,
    Roles,
    column_roles,
    index_of,
    repeated_identifier,
)
from risk_model.data.sources.files import TableFile, column_names, read
from risk_model.data.sources.inference import clean, infer_schema
from risk_model.data.sources.outcome import events
from risk_model.data.sources.user_schema import read_schema, typed
from risk_model.data.sources.values import trimmed

# the other roles tell who, when and where; race is for the audit by group
INPUTS_TOO = "age", "sex"


def load(settings: config.Table) -> Cohort:
    """The rows of the file that have an outcome.

    Notes say what was recognised, inferred or left out.

    UserError, with the remedy and without any patient's value, for whatever makes the table unfit:
    see `files`, `values`, `outcome` and `column_roles`.
    """
    path, outcome = Path(_required(settings.path, "path")), _required(settings.outcome, "outcome")
    names = column_names(path)
    _check_names(settings, names)
    own_schema = read_schema(Path(settings.schema), names, path.name) if settings.schema else None
    roles = column_roles(names, settings)
    file = read(path, settings.missing, _read_as_text(outcome, roles, own_schema))
    labels = events(trimmed(file.frame[outcome], settings.missing), outcome, settings.positive)
    index, columns, notes = _index_and_columns(file, settings, roles, own_schema)
    rows, dropped = _rows_to_keep(labels, index, outcome)
    columns, index = (frame.iloc[rows].reset_index(drop=True) for frame in (columns, index))
    schema, inferred = (
        (own_schema, ()) if own_schema else infer_schema(columns, _cohort_name(path), outcome)
    )
    schema = _declare(schema, outcome, settings.recorded_after, inferred)
    inputs, changed = coerce(columns, schema)
    source = f"{path.name}, supplied by the user"
    return Cohort(
        schema,
        inputs,
        labels[rows].astype(np.int8),
        index,
        source,
        (*dropped, *notes, *inferred, *changed),
    )


def _required(value: str, key: str) -> str:
    if value in ("", "???"):
        raise UserError(
            f"data.{key} is not set; say data.path=… (a CSV or Parquet file) and data.outcome=… (a "
            "column)"
        )
    return str(value)


def _cohort_name(path: Path) -> str:
    """The file's name without what directories and the registry do not take."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-.") or "table"


def _check_names(settings: config.Table, names: list[str]) -> None:
    if settings.outcome not in names and any(re.fullmatch(r"[-+\d.,/: ]+", name) for name in names):
        # not listed, as columns are elsewhere: they may be a patient's values
        raise UserError(
            f"{settings.path}: the first row looks like data; put a row of column names above it"
        )
    columns_by_key = [("outcome", settings.outcome)]
    columns_by_key += [
        (key, name) for key in ("exclude", "recorded_after") for name in getattr(settings, key)
    ]
    for key, name in columns_by_key:
        require_column(name, names, f"data.{key}", settings.path)


def _read_as_text(outcome: str, roles: Roles, own_schema: Schema | None) -> list[str]:
    """Columns whose spelling matters: 007 is not 7."""
    categories = [f.name for f in own_schema.fields if f.kind == "category"] if own_schema else []
    return list(
        {outcome, *categories, *(name for role, name in roles.column.items() if role in TEXT_ROLES)}
    )


def _index_and_columns(
    file: TableFile, settings: config.Table, roles: Roles, own_schema: Schema | None
) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    """The index, the columns that may become fields, and what was recognised."""
    selection = (
        list(roles.column.values())
        if own_schema
        else [c for c in file.frame if c not in settings.exclude]
    )
    frame = file.frame[selection].drop(columns=settings.outcome, errors="ignore")
    time = roles.column.get("time", "")
    cleaned = clean(frame, settings.missing, file.where, roles.text_columns, time)
    index, roles = index_of(cleaned, roles)
    notes = roles.notes()
    if (
        settings.subject == AUTO
        and "subject" not in roles.column
        and (repeated := repeated_identifier(cleaned))
    ):
        index["subject_id"] = cleaned[repeated.where].astype(object)
        cleaned, notes = cleaned.drop(columns=repeated.where), [*notes, repeated]
    roles_only = [name for role, name in roles.column.items() if role not in INPUTS_TOO]
    columns = (
        typed(file, own_schema, settings.missing)
        if own_schema
        else cleaned.drop(columns=roles_only)
    )
    return index, columns, notes


def _rows_to_keep(
    labels: np.ndarray, index: pd.DataFrame, outcome: str
) -> tuple[Rows, list[Finding]]:
    """Rows with an outcome and, where subjects are recorded, with a subject."""
    has_outcome = ~np.isnan(labels)
    has_subject = (
        index["subject_id"].notna().to_numpy()
        if "subject_id" in index
        else np.ones(len(labels), dtype=bool)
    )
    notes = []
    if count := int((~has_outcome).sum()):
        notes.append(
            Finding(
                "warning",
                "rows left out",
                outcome,
                f"{count:,} rows have no outcome",
                "find out why",
            )
        )
    if count := int((has_outcome & ~has_subject).sum()):
        message = f"{count:,} rows have no subject: they could be anybody's"
        notes.append(Finding("warning", "rows left out", "subject", message, "find out why"))
    return np.flatnonzero(has_outcome & has_subject), notes


def _declare(
    schema: Schema, outcome: str, recorded_after: Sequence[str], excluded: Sequence[Finding]
) -> Schema:
    """The schema for this outcome; what the settings declare goes before what the schema says."""
    if outcome in schema.names:
        raise UserError(
            f"data.schema: the outcome {outcome!r} must not be one of the fields; take it out"
        )
    schema = Schema(schema.name, outcome, schema.fields)
    if recorded_after:
        schema = declare_recorded_after(
            schema, [name for name in recorded_after if name in schema.names]
        )
    if not schema.inputs:
        reasons = (
            "; ".join(f"{note.where}: {note.message}" for note in excluded[:5])
            or "all are excluded or roles"
        )
        raise UserError(f"data.path: no column is left to learn from ({reasons})")
    return schema
