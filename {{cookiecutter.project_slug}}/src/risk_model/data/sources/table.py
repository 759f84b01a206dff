"""Anybody's table: a CSV or Parquet file of which only path and outcome are known.

Everything else is inferred from values, with names as a hint. `Cohort.columns` says what each
column was taken for; a doubt that would change the split or the audit stops the run until a
setting answers it, other doubts are warnings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from risk_model import config
from risk_model.core.cohort import Cohort, Rows
from risk_model.core.column_reading import ColumnReading
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.core.reading_rules import ReadingRules
from risk_model.core.schema import Schema
from risk_model.core.setting_syntax import setting
from risk_model.data.existing_scores import with_hidden
from risk_model.data.sources.coerce import coerce, declare_recorded_after, refusals, require_column
from risk_model.data.sources.column_doubts import column_doubts, patient_doubts, suspects
from risk_model.data.sources.column_roles import (
    AUTO,
    INPUTS_TOO,
    NONE,
    Roles,
    column_roles,
    index_of,
    is_vague,
    joined,
    parts_of,
    repeated_identifier,
    role_readings,
)
from risk_model.data.sources.doubts import answered
from risk_model.data.sources.files import TableFrame, read
from risk_model.data.sources.inference import clean, infer_schema
from risk_model.data.sources.outcome import events, outcome_doubts
from risk_model.data.sources.user_schema import read_schema, typed
from risk_model.data.tables.table_file import open_table


def load(settings: config.Table) -> Cohort:
    """The rows of the file that have an outcome, and what each column was taken for.

    Raises:
        UserError: the table is unfit, or a doubt must be answered first; with the remedy and
            without any patient's value.
    """
    path, outcome = Path(_required(settings.path, "path")), _required(settings.outcome, "outcome")
    opened = open_table(path)
    _check_names(settings, opened.names)
    own_schema = (
        read_schema(Path(settings.schema), opened.names, path.name) if settings.schema else None
    )
    if own_schema:
        own_schema = with_hidden(own_schema, settings.compare_with, opened.names)
    rules = rules_of(settings, own_schema)
    roles = column_roles(opened.names, settings)
    file = read(opened, rules, _read_as_text(settings, opened.names, roles, own_schema))
    labels = events(file.frame[outcome], outcome, settings.positive)
    table = _interpret(file, settings, rules, roles, own_schema, labels)
    rows, dropped = _rows_to_keep(labels, table.index, outcome)
    inputs, index = (
        frame.iloc[rows].reset_index(drop=True) for frame in (table.inputs, table.index)
    )
    codes = {} if own_schema else suspects(inputs, settings.accept)
    columns = list(table.columns)
    left_out: tuple[Finding, ...] = ()
    if own_schema:
        schema = own_schema
    else:
        schema, left_out = infer_schema(inputs, _cohort_name(path), outcome, codes)
        told = {column.column for column in columns}
        left = [ColumnReading(n.where, "left out", n.message, n.remedy) for n in left_out]
        columns += [*_readings(schema, inputs, told), *left]
    schema = replace(_declare(schema, settings, left_out), reading=rules)
    values, changed = coerce(inputs, schema)
    doubts = [
        *table.doubts,
        *outcome_doubts(file.frame[outcome], outcome, settings.positive),
        *column_doubts(inputs, schema, codes, settings.accept),
        *refusals(inputs, schema, schema_given=own_schema is not None),
        *_unmatched(file),
    ]
    event = f"{int(np.nansum(labels)):,} events in {int((~np.isnan(labels)).sum()):,} rows"
    event = f"{settings.positive} is the event: {event}" if settings.positive else event
    return Cohort(
        schema,
        values,
        labels[rows].astype(np.int8),
        index,
        f"{path.name}, supplied by the user",
        (*answered(doubts, settings.accept), *dropped, *left_out, *changed),
        columns=(ColumnReading(outcome, "outcome", event), *columns),
        one_row_per_patient=settings.subject == NONE,
    )


def rules_of(settings: config.Table, own_schema: Schema | None = None) -> ReadingRules:
    """The reading rules of the settings, with those of a schema that is given.

    Raises:
        UserError: a mark or a word is none that is understood.
    """
    choices = {
        "decimal": (".", ","),
        "thousands": ("", ".", ",", "'", " "),
        "censored": ("", "limit", "half"),
    }
    for key, known in choices.items():
        if getattr(settings, key) not in known:
            words = ", ".join(repr(word) for word in known)
            raise UserError(f"data.{key}={getattr(settings, key)}: must be one of {words}")
    if settings.decimal == settings.thousands:
        raise UserError("data.decimal and data.thousands must be different marks")
    rules = ReadingRules(
        tuple(map(str, settings.missing)),
        _by_column(settings.missing_in),
        settings.decimal,
        settings.thousands,
        settings.censored,  # type: ignore[arg-type]  # checked above
        tuple(settings.numbers),
        tuple(settings.ticked),
        tuple(settings.folded),
    )
    return rules.with_rules_of(own_schema.reading) if own_schema else rules


def _by_column(entries: list[str]) -> dict[str, tuple[str, ...]]:
    """The texts of each column that `smoker=9` names."""
    texts: dict[str, tuple[str, ...]] = {}
    for entry in map(str, entries):
        name, sign, text = entry.rpartition("=")
        if not sign:
            raise UserError(
                f"data.missing_in: {entry!r} names no column; write "
                f"{setting('data.missing_in', ['COLUMN=' + entry])}"
            )
        texts[name] = (*texts.get(name, ()), text)
    return texts


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


NAMING = ("exclude", "recorded_after", "numbers", "categories", "ticked", "folded")


def _check_names(settings: config.Table, names: list[str]) -> None:
    if settings.outcome not in names and any(re.fullmatch(r"[-+\d.,/: ]+", name) for name in names):
        # not listed, as columns are elsewhere: they may be a patient's values
        raise UserError(
            f"{settings.path}: the first row looks like data; put a row of column names above it"
        )
    columns_by_key = [("outcome", settings.outcome)]
    columns_by_key += [(key, name) for key in NAMING for name in getattr(settings, key)]
    columns_by_key += [("missing_in", name) for name in _by_column(settings.missing_in)]
    for key, name in columns_by_key:
        require_column(name, names, f"data.{key}", settings.path)


def _read_as_text(
    settings: config.Table, names: list[str], roles: Roles, own_schema: Schema | None
) -> list[str]:
    """Columns whose spelling matters: 007 is not 7, and 20150101 is a date."""
    fields = own_schema.fields if own_schema else ()
    subject = roles.column.get("subject", "")
    return [
        settings.outcome,
        *settings.categories,
        *(field.name for field in fields if field.kind == "category"),
        *(name for role, name in roles.column.items() if role != "age"),
        *parts_of(subject, names),
        *filter(is_vague, names),
    ]


@dataclass(frozen=True)
class _Interpreted:
    """The columns that may become fields, the index, and what was noticed on the way."""

    inputs: pd.DataFrame
    index: pd.DataFrame
    columns: list[ColumnReading]
    doubts: list[Finding]


def _interpret(
    file: TableFrame,
    settings: config.Table,
    rules: ReadingRules,
    roles: Roles,
    own_schema: Schema | None,
    labels: np.ndarray,
) -> _Interpreted:
    """Roles first, then what is left as inputs."""
    subject, frame = roles.column.get("subject", ""), file.frame
    parts = parts_of(subject, list(map(str, frame))) if subject else []
    if len(parts) > 1:
        frame = frame.assign(**{subject: joined(frame, parts)})
    others = [*roles.column.values()] if own_schema else list(map(str, frame))
    keep = [c for c in others if c not in settings.exclude and c != settings.outcome]
    vague = ""
    if settings.subject == AUTO and not subject and not own_schema:
        vague = repeated_identifier(frame[keep])
    texts = [*roles.text_columns, *parts, *settings.categories, *filter(None, [vague])]
    cleaned = clean(frame[keep], rules, file.where, texts, roles.column.get("time", ""))
    index, doubts = index_of(cleaned, roles, pd.Timestamp.now().normalize())
    columns = role_readings(roles, index)
    if vague:
        roles = replace(roles, column={**roles.column, "subject": vague})
        index["subject_id"] = cleaned[vague].astype(object)
        why = "values repeat as patients' do"
        columns.append(ColumnReading(vague, "patient", why, setting("data.subject", "none")))
    given = {vague, *(name for role, name in roles.column.items() if role not in INPUTS_TOO)}
    given |= {part for part in parts if len(parts) > 1}
    inputs = (
        typed(file, own_schema, rules)
        if own_schema
        else cleaned[[name for name in cleaned if name not in given]]
    )
    doubts += patient_doubts(cleaned, index, roles, settings, labels)
    doubts += [_thousands(name) for name in file.thousands if name in inputs]
    return _Interpreted(inputs, index, columns, doubts)


def _thousands(name: str) -> Finding:
    message = "every fraction has exactly three digits and every whole number is below 1,000: is "
    message += "the point a mark between thousands?"
    yes, no = "'data.thousands=.' 'data.decimal=,'", setting("data.numbers", [name])
    remedy = f"if it is, {yes}; if not, {no}"
    return Finding("error", "ambiguous numbers", name, message, remedy)


def _unmatched(file: TableFrame) -> list[Finding]:
    if not file.unmatched:
        return []
    texts = ", ".join(map(repr, file.unmatched))
    message = f"{texts} occurs in no column, so that nothing was read as missing for it"
    return [Finding("warning", "missing code", "data.missing", message, "look at how it is spelt")]


def _readings(schema: Schema, inputs: pd.DataFrame, told: set[str]) -> list[ColumnReading]:
    """What each input was read as; silent about plain numbers, and words that are all listed.

    A column in `told` has its line as a role, and gets another only for what is amiss.
    """
    readings = []
    for field in schema.fields:
        why = change = ""
        if field.kind == "category":
            column = inputs[field.name]
            rare = int((column.notna() & ~column.isin(field.categories)).sum())
            digits = all(re.fullmatch(r"\d+", c) for c in field.categories) and field.categories
            if digits and field.name not in told:
                why, change = "digits, read as codes", setting("data.numbers", [field.name])
            elif rare:
                why = f"{rare:,} rows hold rarer words, which the service would refuse"
        kind = {"number": "number", "boolean": "yes or no", "category": "words"}[field.kind]
        if why or field.name not in told:
            readings.append(ColumnReading(field.name, kind, why, change))
    return readings


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
        message = f"{count:,} rows have no outcome"
        notes.append(Finding("warning", "rows left out", outcome, message, "find out why"))
    if count := int((has_outcome & ~has_subject).sum()):
        message = f"{count:,} rows have no subject: they could be anybody's"
        notes.append(Finding("warning", "rows left out", "subject", message, "find out why"))
    return np.flatnonzero(has_outcome & has_subject), notes


def _declare(schema: Schema, settings: config.Table, left_out: tuple[Finding, ...]) -> Schema:
    """The schema for this outcome; what the settings declare goes before what the schema says."""
    outcome, recorded_after = settings.outcome, settings.recorded_after
    if outcome in schema.names:
        raise UserError(
            f"data.schema: the outcome {outcome!r} must not be one of the fields; take it out"
        )
    schema = replace(schema, outcome=outcome)
    if recorded_after:
        schema = declare_recorded_after(
            schema, [name for name in recorded_after if name in schema.names]
        )
    if not schema.inputs:
        reasons = (
            "; ".join(f"{note.where}: {note.message}" for note in left_out[:5])
            or "all are excluded or roles"
        )
        raise UserError(f"data.path: no column is left to learn from ({reasons})")
    return schema
