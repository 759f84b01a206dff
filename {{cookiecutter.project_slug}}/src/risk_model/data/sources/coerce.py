"""Columns brought to the types of a schema, what every source does last.

Does every value mean what its column says? Values that cannot be true become missing, and are
counted.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.errors import UserError
from risk_model.core.findings import Finding, Severity
from risk_model.core.schema import Field, Schema
from risk_model.data.sources.doubts import accepted

WORTH_SAYING = 0.01  # share of rows
MOSTLY = 0.5  # share of a field's values that break its rule, above which it is another quantity
REFUSED = "rows refused"  # the kind of the finding that counts them

Mask = npt.NDArray[np.bool_]


def coerce(frame: pd.DataFrame, schema: Schema) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """The schema's columns in its order and types, and notes on implausible values.

    Numbers become float64 with NaN, booleans float64 0, 1 or NaN, categories text or None.
    """
    columns, notes = {}, []
    for field in schema.fields:
        column = (
            as_text(frame[field.name])
            if field.kind == "category"
            else frame[field.name].astype(float)
        )
        if field.kind == "number":
            column, note = _drop_implausible(column, field)
            notes += note
        elif field.kind == "category":
            notes += _unknown_categories(column, field)
        columns[field.name] = column
    return pd.DataFrame(columns, index=frame.index).reset_index(drop=True), tuple(notes)


def refused_rows(frame: pd.DataFrame, schema: Schema) -> dict[str, Mask]:
    """For each input, the rows whose value the service would refuse: bool[n] by name."""
    return {field.name: _refused(frame[field.name], field) for field in schema.inputs}


def _refused(column: pd.Series, field: Field) -> Mask:
    if field.kind == "category":
        wrong = column.notna() & ~column.isin(field.categories)
    elif field.kind == "number":
        wrong = column.notna() & ~column.astype(float).between(*field.bounds)
    else:
        wrong = column.notna() & ~column.isin([0, 1])
    if not field.missing_allowed:
        wrong |= column.isna()
    return np.asarray(wrong, dtype=bool)


def refusals(frame: pd.DataFrame, schema: Schema, schema_given: bool) -> list[Finding]:
    """What the service would refuse: how many rows, and the fields that mostly do not fit.

    A field of which most values break the rule of a schema that was given is an error: it is in
    another unit, or in other words, than the schema was made for.
    """
    refused = refused_rows(frame, schema)
    findings = [
        _misfit(frame[name], schema.field(name), int((rows & frame[name].notna()).sum()))
        for name, rows in refused.items()
        if schema_given and (rows & frame[name].notna()).sum() > MOSTLY * frame[name].notna().sum()
    ]
    count = int(np.logical_or.reduce(list(refused.values())).sum()) if refused else 0
    if count:
        worst = sorted(refused, key=lambda name: -int(refused[name].sum()))[:5]
        fields = ", ".join(f"{n} {refused[n].sum():,}" for n in worst if refused[n].any())
        message = f"the service would refuse {count:,} of {len(frame):,} rows ({fields})"
        severity: Severity = "warning" if count > WORTH_SAYING * len(frame) else "note"
        findings.append(Finding(severity, REFUSED, "rows", message))
    return findings


def _misfit(column: pd.Series, field: Field, count: int) -> Finding:
    if field.kind == "number":
        median = float(column.astype(float).median())
        what = f"their median is {median:.3g}, the schema wants {field.range_text()}: another unit?"
    else:
        what = "the schema does not list them: other words?"
    message = f"{count:,} of {int(column.notna().sum()):,} values do not fit; {what}"
    remedy = (
        f"bring the column to the schema's form; if it is right as it is, {accepted(field.name)}"
    )
    return Finding("error", "another unit or other words", field.name, message, remedy)


def as_text(column: pd.Series) -> pd.Series:
    """Text where something was recorded, None elsewhere."""
    text = column.astype(object)
    return text.where(text.notna(), None)


def declare_recorded_after(schema: Schema, names: Sequence[str]) -> Schema:
    """The schema with exactly these fields hidden from models; UserError for an unknown one."""
    for name in names:
        require_column(name, schema.names, "data.recorded_after", schema.name)
    return schema.declare_recorded_after(list(names))


def require_column(name: str, columns: Sequence[str], key: str, where: str) -> None:
    """UserError when a column that a setting names is not there, with near matches first."""
    if name not in columns:
        raise UserError(
            f"{key}: there is no column {name!r} in {where}; {near_matches(name, columns)}"
        )


def near_matches(name: str, columns: Sequence[str], most: int = 30) -> str:
    """What the user may have meant: "did you mean 'died'? Columns are ..."."""
    folded = {str(c).casefold(): str(c) for c in columns}
    near = [folded[c] for c in difflib.get_close_matches(name.casefold(), folded, n=3)]
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    more = f" and {len(columns) - most} more" if len(columns) > most else ""
    return f"{hint}Columns are {', '.join(list(map(str, columns))[:most])}{more}"


def _drop_implausible(column: pd.Series, field: Field) -> tuple[pd.Series, list[Finding]]:
    low = -float("inf") if field.minimum is None else field.minimum
    high = float("inf") if field.maximum is None else field.maximum
    plausible = column.between(low, high) & column.abs().lt(float("inf"))
    count = int((column.notna() & ~plausible).sum())
    if not count:
        return column, []
    outside = f"values outside the plausible range ({field.range_text()})"
    message = f"{outside} were taken as missing: {count:,}"
    remedy = "widen the range in the schema if they are real"
    note = Finding("note", "implausible values", field.name, message, remedy)
    return column.where(plausible), [note]


def _unknown_categories(column: pd.Series, field: Field) -> list[Finding]:
    unknown = float((column.notna() & ~column.isin(field.categories)).mean())
    if unknown <= WORTH_SAYING:
        return []
    message = (
        f"{unknown:.0%} of the rows have a value the schema does not list; a model sees them "
        "all alike"
    )
    return [Finding("note", "unlisted categories", field.name, message)]
