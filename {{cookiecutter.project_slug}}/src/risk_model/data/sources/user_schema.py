"""A schema that the user wrote: does the table keep to it?

Every field must be there and be what it is said to be.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from risk_model.core.errors import UserError
from risk_model.core.reading_rules import ReadingRules
from risk_model.core.schema import Field, Schema
from risk_model.data.sources.coerce import require_column
from risk_model.data.sources.files import TableFrame
from risk_model.data.sources.inference import is_text, one_spelling, ticks
from risk_model.data.sources.values import refuse, to_numbers
from risk_model.data.tables.cells import TRUTH
from risk_model.data.tables.csv_file import Where


def read_schema(path: Path, columns: list[str], table: str) -> Schema:
    """The schema in a JSON file; UserError when it is none, or names a field without a column."""
    if not path.is_file():
        raise UserError(
            f"data.schema: there is no file {path}; the command data writes the inferred schema to "
            "start from"
        )
    try:
        schema = Schema.from_json(path.read_text(encoding="utf-8"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"data.schema: {path} is not a schema ({type(error).__name__}: {error})"
        ) from None
    for name in schema.names:
        require_column(name, columns, f"data.schema: {path}", table)
    return schema


def typed(file: TableFrame, schema: Schema, rules: ReadingRules) -> pd.DataFrame:
    """The schema's fields as it describes them; UserError, with the place, for text in a number."""
    return pd.DataFrame(
        {f.name: _coerced(file, f, rules) for f in schema.fields}, index=file.frame.index
    )


def _coerced(file: TableFrame, field: Field, rules: ReadingRules) -> pd.Series:
    column, name = file.frame[field.name], field.name
    if field.kind == "category":
        return one_spelling(column, field.categories) if name in rules.folded else column
    if not is_text(column):
        return column.astype(float)
    if field.kind == "boolean":
        return (ticks if name in rules.ticked else _booleans)(column, name, file.where)
    numbers = to_numbers(column, name, file.where, rules, insist=True)
    return column.astype(float) if numbers is None else numbers


def _booleans(texts: pd.Series, name: str, where: Where) -> pd.Series:
    numbers = np.array([TRUTH.get(word.casefold(), np.nan) for word in texts.cat.categories])
    refuse(texts, name, where, np.isnan(numbers), "true or false")
    return pd.Series(np.append(numbers, np.nan)[texts.cat.codes], index=texts.index)
