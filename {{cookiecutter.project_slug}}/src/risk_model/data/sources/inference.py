"""The schema of a table that nobody described, inferred from its columns.

Each column left out is told with the reason. The user reads the schema, corrects it and hands it
back as `data.schema`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from risk_model.core.findings import Finding
from risk_model.core.schema import Field, Schema
from risk_model.data.sources.csv_file import Where
from risk_model.data.sources.files import rows_of
from risk_model.data.sources.values import COMMON, to_dates, to_numbers, trimmed

# the most frequent values of a column; the rest are unknown to the model: all zeros
CATEGORIES = 30
FLAGGED = 0.05  # share missing above which "not measured" becomes a feature of its own
# share of distinct values above which text names rows, and numbers with such a name do
DISTINCT = 0.9
# rows: from here on whole numbers that rise from row to row, or fill their range, count the rows
ENOUGH = 100
FREE_TEXT = 40  # characters, or half as many words as LISTED: longer is prose
IDENTIFIER = re.compile(
    r"(^|[\W_])(id|ids|nr|nbr|mrn|key|uuid|guid|ssn|number|identifier)$|[a-z](ID|Id)$",
    re.IGNORECASE,
)


def clean(
    frame: pd.DataFrame,
    missing: Sequence[str],
    where: Where = rows_of,
    as_text: Sequence[str] = (),
    time: str = "",
) -> pd.DataFrame:
    """Columns as numbers, booleans, dates or trimmed text; UserError for a mixture.

    Those named in `as_text` stay text even when they look like numbers; that of `time` must be
    dates one can read in one way only.
    """

    def typed(name: str) -> pd.Series:
        if not is_text(frame[name]):
            return frame[name]
        text = trimmed(frame[name], missing)
        if name in as_text:
            return text
        numbers = to_numbers(text, name, where)
        dates = to_dates(text, name, where, insist=name == time) if numbers is None else None
        return next((c for c in (numbers, dates) if c is not None), text)

    return pd.DataFrame({name: typed(name) for name in map(str, frame.columns)}, index=frame.index)


def is_text(column: pd.Series) -> bool:
    """Whether a column holds text."""
    return not (
        pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)
    )


def infer_schema(
    frame: pd.DataFrame, name: str, outcome: str
) -> tuple[Schema, tuple[Finding, ...]]:
    """The schema of a cleaned table's columns, and a note for each column that no model should see.

    Numbers are plausible in their observed range widened by its span on both sides, and not below 0
    where none was; the categories are the most frequent values with at least 10 rows.
    """
    fields, notes = [], []
    for column in map(str, frame.columns):
        reason = reason_to_leave_out(frame[column], column)
        if reason:
            notes.append(
                Finding("note", "left out", column, reason, _remedy(frame[column], column))
            )
        else:
            fields.append(infer_field(frame[column], column))
    return Schema(name, outcome, tuple(fields)), tuple(notes)


def _remedy(column: pd.Series, name: str) -> str:
    if pd.api.types.is_datetime64_any_dtype(column):
        return f"data.time={name} if it is the prediction moment"
    return "describe it in data.schema if a model should see it"


def reason_to_leave_out(column: pd.Series, name: str) -> str:
    """Why a column should not be a feature, or "" when nothing speaks against it."""
    recorded = column.dropna()
    distinct = recorded.nunique()
    if distinct < 2:
        return "constant: the same value in every row" if distinct else "nothing is recorded"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "a date: what it says about the patient must be counted from the prediction moment"
    check: Callable[[pd.Series, str, int], str] = (
        _text_reason if is_text(column) else _numbers_reason
    )
    return check(recorded, name, distinct)


def _text_reason(recorded: pd.Series, name: str, distinct: int) -> str:
    values = pd.Series(recorded.unique().astype(str))
    if values.str.len().mean() > FREE_TEXT or values.str.count(r"\s").mean() > COMMON / 2:
        return "free text"
    if distinct > max(DISTINCT * len(recorded), COMMON) or (
        IDENTIFIER.search(name) and distinct > len(recorded) / 2
    ):
        return "an identifier: its values hardly repeat"
    if recorded.value_counts().iloc[0] < COMMON:
        return f"no value occurs in {COMMON} rows"
    return ""


def _numbers_reason(recorded: pd.Series, name: str, distinct: int) -> str:
    values = recorded.to_numpy(dtype=float)
    if (
        distinct <= max(DISTINCT * len(values), COMMON)
        or not np.isfinite(values).all()
        or (values % 1 != 0).any()
    ):
        return ""
    row_number = distinct == len(values) and (
        (np.diff(values) > 0).all() or np.ptp(values) + 1 == len(values)
    )
    # few patients may all differ in age
    by_chance = len(values) < ENOUGH and values.min() not in (0, 1)
    if (row_number and not by_chance) or IDENTIFIER.search(name):
        return "an identifier: a different whole number in each row"
    return ""


def infer_field(column: pd.Series, name: str) -> Field:
    """One column as a field.

    Boolean for true and false or 0 and 1, a category for words, else a number.
    """
    flag = bool(column.isna().mean() > FLAGGED)
    if is_text(column):
        counts = column.value_counts()
        common = counts[counts >= COMMON].index[:CATEGORIES]
        return Field(
            name, "category", categories=tuple(sorted(map(str, common))), missing_flag=flag
        )
    values = column.to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    if np.isin(values, (0, 1)).all():
        return Field(name, "boolean", missing_flag=flag)
    low, high = _plausible_range(float(values.min()), float(values.max()))
    return Field(name, "number", minimum=low, maximum=high, missing_flag=flag)


def _plausible_range(low: float, high: float) -> tuple[float, float]:
    """Observed range widened by its span, rounded outwards to two digits.

    So it shows no patient's value.
    """
    span = high - low
    step = 10.0 ** (math.floor(math.log10(span)) - 1) if span else 1.0
    below, above = math.floor((low - span) / step) * step, math.ceil((high + span) / step) * step
    return float(f"{max(below, 0.0) if low >= 0 else below:.10g}"), float(f"{above:.10g}")
