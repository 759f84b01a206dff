"""The schema of a table that nobody described, inferred from its columns.

Each column left out is told with the reason. The user reads the schema, corrects it and hands it
back as `data.schema`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.core.reading_rules import ReadingRules
from risk_model.core.schema import Field, Schema
from risk_model.data.first_look.spelling import folded, is_ticked
from risk_model.data.sources.values import (
    COMMON,
    DATE_FORMS,
    UNDERSTOOD,
    refuse,
    to_dates,
    to_numbers,
    trimmed,
)
from risk_model.data.tables.cells import TRUTH
from risk_model.data.tables.csv_file import Where
from risk_model.data.tables.table_file import rows_of

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
# names that a program gives to the numbers of the rows when it saves a table
ROW_NUMBERS = re.compile(
    r"column \d+|unnamed:? ?[\d.]*|__index_level_\d+__|level_\d+|x|index|rn|obs|s\.?no|lfd_?nr|"
    r"row([._ ]?(names?|numbers?|nr|no|id|index))?",
    re.IGNORECASE,
)
SAVED = "a saved row number"
DATE_NAME = re.compile(
    r"(^|[\W_])(date|datum|fecha|dat|dt|dttm|dob|birthdate|datetime)([\W_]|$)|[a-z]{2}datum$|"
    r"(?<!up)(?<!candi)(?<!man)(?<!vali)(?<!consoli)(?<!seda)(?<=[a-z]{2})date$",
    re.IGNORECASE,
)


def clean(
    frame: pd.DataFrame,
    rules: ReadingRules,
    where: Where = rows_of,
    as_text: Sequence[str] = (),
    time: str = "",
) -> pd.DataFrame:
    """Columns as numbers, booleans, dates or trimmed text.

    Those named in `as_text` stay text even when they look like numbers; that of `time` must be
    dates one can read in one way only.

    Raises:
        UserError: columns that hold a mixture, a line each.
    """
    columns, problems = {}, []
    for name in map(str, frame.columns):
        try:
            columns[name] = _typed(frame[name], name, rules, where, as_text, time)
        except UserError as problem:
            problems.append(str(problem))
    if problems:
        raise UserError("\n  ".join(problems))
    return pd.DataFrame(columns, index=frame.index)


def _typed(
    column: pd.Series,
    name: str,
    rules: ReadingRules,
    where: Where,
    as_text: Sequence[str],
    time: str,
) -> pd.Series:
    if not is_text(column):
        return column
    known = isinstance(column.dtype, pd.CategoricalDtype)
    text = column if known else trimmed(column, rules.missing_texts(name))
    if name in rules.folded:
        return one_spelling(text)
    if name in as_text:
        return text
    if name in rules.ticked:
        return ticks(text, name, where)
    if name != time and _spelling_counts(text, name, rules):
        return text
    words = [str(word) for word in text.cat.categories]
    if words and {word.casefold() for word in words} <= {"true", "false"}:
        values = np.array([TRUTH[word.casefold()] for word in words] + [np.nan])
        return pd.Series(values[text.cat.codes], index=text.index)
    dates = to_dates(text, name, where, insist=name == time)
    if dates is not None:
        missing = pd.Series(rules.missing_texts(name), dtype=object)
        unknown = pd.to_datetime(missing, format="%Y-%m-%d", errors="coerce").dropna()
        return dates.where(~dates.isin(unknown))
    numbers = to_numbers(text, name, where, rules)
    return text if numbers is None else numbers


def ticks(text: pd.Series, name: str, where: Where) -> pd.Series:
    """A column of ticks: 1 where one was made, 0 where the cell is empty or says no."""
    words = list(map(str, text.cat.categories))
    values = [1.0 if is_ticked(word) else TRUTH.get(word.casefold(), np.nan) for word in words]
    refuse(text, name, where, np.isnan(values), "ticks")
    return pd.Series(np.append(values, 0.0)[text.cat.codes], index=text.index)


def one_spelling(text: pd.Series, known: Sequence[str] = ()) -> pd.Series:
    """Spellings that fold alike as the known one, or else as the most frequent of them."""
    best: dict[str, str] = {}
    for word in (*known, *text.value_counts().index):
        best.setdefault(folded(str(word)), str(word))
    return text.map(lambda word: best[folded(word)]).astype("category")


def _spelling_counts(text: pd.Series, name: str, rules: ReadingRules) -> bool:
    """Whether whole numbers are codes by their digits: 007 is not 7, and no float has 17."""
    words = [str(word) for word in text.cat.categories]
    return (
        name not in rules.numbers
        and bool(words)
        and all(re.fullmatch(r"\d+", word) for word in words)
        and any(re.fullmatch(r"0\d+|\d{16,}", word) for word in words)
        and not all(re.fullmatch(DATE_FORMS["%Y%m%d"], word) for word in words)
    )


def is_text(column: pd.Series) -> bool:
    """Whether a column holds text."""
    return not (
        pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)
    )


def infer_schema(
    frame: pd.DataFrame,
    name: str,
    outcome: str,
    suspects: Mapping[str, Sequence[float]] | None = None,
) -> tuple[Schema, tuple[Finding, ...]]:
    """The schema of a cleaned table's columns, and a note for each column that no model should see.

    Numbers are plausible in their observed range widened by its span on both sides, and not below 0
    where none was; the categories are the most frequent values with at least 10 rows.
    """
    fields, notes = [], []
    for column in map(str, frame.columns):
        values = frame[column]
        if codes := (suspects or {}).get(column):
            values = values.where(~values.isin(codes))
        reason = reason_to_leave_out(values, column)
        if reason:
            idle = reason == SAVED or values.nunique() < 2
            remedy = "" if idle else _remedy(values, column)
            notes.append(Finding("note", "left out", column, reason, remedy))
        else:
            fields.append(infer_field(values, column))
    return Schema(name, outcome, tuple(fields)), tuple(notes)


def _remedy(column: pd.Series, name: str) -> str:
    if pd.api.types.is_datetime64_any_dtype(column):
        return f"data.time={name} if it is the prediction moment"
    if is_text(column):
        return "group its values if a model should see it"
    return "describe it in data.schema if a model should see it"


def reason_to_leave_out(column: pd.Series, name: str) -> str:
    """Why a column should not be a feature, or "" when nothing speaks against it."""
    recorded = column.dropna()
    distinct = recorded.nunique()
    if distinct < 2:
        return "constant: the same value in every row" if distinct else "nothing is recorded"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "a date: what it says about the patient must be counted from the prediction moment"
    if DATE_NAME.search(name) and distinct > 2:
        return f"by its name a date, and its values are none I can read ({UNDERSTOOD})"
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
    counts = recorded.value_counts()
    if counts.iloc[0] < COMMON:
        return f"no value occurs in {COMMON} rows"
    listed = counts[counts >= COMMON].iloc[:CATEGORIES]
    if listed.sum() < len(recorded) / 2:
        return f"its {len(listed)} most frequent values cover less than half of the rows"
    return ""


def _numbers_reason(recorded: pd.Series, name: str, distinct: int) -> str:
    values = recorded.to_numpy(dtype=float)
    whole = np.isfinite(values).all() and bool((values % 1 == 0).all())
    if whole and distinct > DISTINCT * len(values) and ROW_NUMBERS.fullmatch(name):
        return SAVED
    if distinct <= max(DISTINCT * len(values), COMMON) or not whole:
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
