"""Columns brought to the types of a schema, what every source does last.

Does every value mean what its column says? Values that cannot be true become missing, and are
counted.

What every source does last: bring its columns to the types of its schema.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import pandas as pd

from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.core.schema import Field, Schema

WORTH_SAYING = 0.01  # share of rows


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
