"""Existing scores: columns that hold another model's or a clinician's risk of the outcome.

`data.compare_with` names them. No model sees one; each is judged on the models' patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.predictions import OPPOSITE
from risk_model.core.schema import Field, Schema
from risk_model.core.setting_syntax import setting
from risk_model.data.sources.coerce import require_column

KEY = "data.compare_with"


def column_of(entry: str, columns: Sequence[str]) -> str:
    """The column that an entry of the setting means: "prg2m" and "1-prg2m" both mean prg2m."""
    return entry if entry in columns else entry.removeprefix(OPPOSITE)


def with_hidden(schema: Schema, entries: Sequence[str], columns: Sequence[str]) -> Schema:
    """The schema with a field that no model sees for each named column of the table it lacks."""
    names = dict.fromkeys(column_of(entry, columns) for entry in entries)
    lacking = [name for name in names if name in columns and name not in schema.names]
    fields = [Field(name, "number", recorded_after=True) for name in lacking]
    return replace(schema, fields=(*schema.fields, *fields))


def with_scores(cohort: Cohort, entries: Sequence[str]) -> Cohort:
    """The cohort with the named columns as scores, and hidden from the models.

    Raises:
        UserError: there is no such column, or it does not hold probabilities.
    """
    if not entries:
        return cohort
    schema, scores = cohort.schema, {}
    for entry in entries:
        name = column_of(entry, schema.names)
        _refuse_other_use(name, cohort)
        require_column(name, schema.names, KEY, schema.name)
        values = _probabilities(cohort.inputs[name], schema.field(name))
        scores[entry] = 1 - values if name != entry else values
    hidden = {column_of(entry, schema.names) for entry in entries}
    fields = tuple(
        replace(f, recorded_after=f.recorded_after or f.name in hidden) for f in schema.fields
    )
    readings = tuple(
        replace(c, read_as="existing score", why="no model sees it", change=setting(KEY, []))
        if c.column in hidden
        else c
        for c in cohort.columns
    )
    schema = replace(schema, fields=fields)
    if not schema.width:
        raise UserError(f"{KEY}: no other column is left to learn from; name fewer")
    return replace(cohort, schema=schema, scores=pd.DataFrame(scores), columns=readings)


def _refuse_other_use(name: str, cohort: Cohort) -> None:
    """UserError where the column is in the table and is read as something else, or as nothing."""
    for column in cohort.columns:
        if column.column == name and name not in cohort.schema.names:
            why = f" ({column.why})" if column.why else ""
            raise UserError(
                f"{KEY}: column {name!r} is read as: {column.read_as}{why}; name a column of risks "
                "between 0 and 1"
            )


def _probabilities(column: pd.Series[float], field: Field) -> pd.Series[float]:
    where = f"{KEY}: column {field.name!r}"
    if field.kind == "category":
        raise UserError(f"{where} holds words; name a column of risks between 0 and 1")
    values = column.astype(float)
    recorded, outside = int(values.notna().sum()), int((~values.dropna().between(0, 1)).sum())
    if not recorded:
        raise UserError(f"{where} is empty; name another, or leave it out")
    if outside:
        raise UserError(
            f"{where} holds {outside:,} of {recorded:,} values outside 0 to 1; name a column of "
            "risks (per cent divided by 100), not of points"
        )
    return values
