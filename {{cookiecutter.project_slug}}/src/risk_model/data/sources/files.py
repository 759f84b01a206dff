"""A whole table in memory, its cells read by the rules: numbers, dates, and trimmed text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from risk_model.core.errors import UserError
from risk_model.core.reading_rules import NOT_RECORDED, ReadingRules
from risk_model.data.first_look.decoration import ambiguous_thousands
from risk_model.data.tables.cells import is_text, same_number, to_numbers, to_texts
from risk_model.data.tables.csv_file import Where
from risk_model.data.tables.table_file import TableFile, nul_byte

ROWS = 1 << 20  # read together
# 007 is not 7, and beyond 16 digits a floating-point number no longer tells neighbours apart
SPELLING_COUNTS = r"^\s*(0\d+|\d{16,})\s*$"


@dataclass(frozen=True)
class TableFrame:
    """A file's columns, and how to tell a person where a row stands in it.

    `frame` holds float64 numbers, datetime64 dates, and text as categoricals without the spaces
    around it; missing is missing. `unmatched` are texts that the rules take as missing, beyond the
    usual ones, and that occur nowhere; `thousands` names the columns of numbers whose point may as
    well part thousands.
    """

    frame: pd.DataFrame
    where: Where
    unmatched: tuple[str, ...] = ()
    thousands: tuple[str, ...] = ()


def read(file: TableFile, rules: ReadingRules, as_text: Sequence[str] = ()) -> TableFrame:
    """All rows of a file.

    Args:
        file: the opened file.
        rules: what its cells mean.
        as_text: the columns never taken for numbers (007 is not 7).

    Raises:
        UserError: there are no rows, or the file is broken; names the place, never a value.
    """
    pieces = list(file.pieces(ROWS))
    if not pieces:
        raise UserError(f"{file.path}: there are no rows below the header; export the table again")
    table = pa.Table.from_batches(pieces)
    columns: dict[str, pd.Series] = {}
    unmatched = {text for text in _extra(rules) if text}
    thousands = []
    for name in file.names:
        column = table.column(name).combine_chunks()
        table = table.drop_columns([name])
        unmatched -= _matched(column, rules, name, unmatched)
        columns[name] = _column(column, rules, name, name in as_text)
        if is_text(column) and columns[name].dtype != np.float64:
            _refuse_nul(column, file)
        parsed = is_text(column) and columns[name].dtype == np.float64
        if parsed and not rules.thousands and name not in rules.numbers and _ambiguous(column):
            thousands.append(name)
    frame = pd.DataFrame(columns)
    return TableFrame(frame, file.where, tuple(sorted(unmatched)), tuple(thousands))


def _refuse_nul(column: pa.Array, file: TableFile) -> None:
    nul = pc.match_substring(column.cast(pa.string()), "\0").fill_null(False)
    if rows := np.flatnonzero(np.asarray(nul)).tolist():
        raise nul_byte(file.path, file.where(rows), file.header is not None)


def _extra(rules: ReadingRules) -> list[str]:
    own = [text for texts in rules.missing_in.values() for text in texts]
    return [text for text in (*rules.missing, *own) if text not in NOT_RECORDED]


def _matched(column: pa.Array, rules: ReadingRules, name: str, texts: set[str]) -> set[str]:
    """Which of these texts the column holds, as itself or as a number spelt in another way."""
    texts = texts & set(rules.missing_texts(name))
    if not texts:
        return set()
    bare = ReadingRules(missing=("",), decimal=rules.decimal, thousands=rules.thousands)
    found = set()
    if is_text(column):
        present = set(pc.unique(to_texts(column, bare, name)).to_pylist())
        found = texts & present
    numbers = {text: number for text in texts if (number := rules.number(text)) is not None}
    if numbers:
        values, _ = to_numbers(column, bare, name)
        found |= {t for t, number in numbers.items() if same_number(values, number, column).any()}
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        found |= texts & set(pc.unique(pc.strftime(column, format="%Y-%m-%d")).to_pylist())
    return found


def _column(column: pa.Array, rules: ReadingRules, name: str, as_text: bool) -> pd.Series:
    types = pa.types
    if types.is_timestamp(column.type) or types.is_date(column.type):
        return _text(column, rules, name) if as_text else _dates(column, rules, name)
    if as_text or (is_text(column) and _spelling_counts(column, rules, name)):
        return _text(column, rules, name)
    if is_text(column) and name in (*rules.ticked, *rules.folded):
        return _text(column, rules, name)
    numbers, wrong = to_numbers(column, rules, name)
    if wrong is None and not (is_text(column) and np.isnan(numbers).all()):
        return pd.Series(numbers)
    return _text(column, rules, name)


def _spelling_counts(column: pa.Array, rules: ReadingRules, name: str) -> bool:
    if name in rules.numbers:
        return False
    return bool(pc.any(pc.match_substring_regex(column.cast(pa.string()), SPELLING_COUNTS)).as_py())


def _text(column: pa.Array, rules: ReadingRules, name: str) -> pd.Series:
    """Trimmed text as a categorical whose categories all occur."""
    texts = to_texts(column, rules, name).dictionary_encode()
    categories = pd.Index(texts.dictionary.to_pylist(), dtype=object)
    codes = np.asarray(texts.indices.fill_null(-1))
    return pd.Series(pd.Categorical.from_codes(codes, categories))


def _dates(column: pa.Array, rules: ReadingRules, name: str) -> pd.Series:
    series = pd.Series(column.to_pandas(date_as_object=False))
    if series.dt.tz is not None:
        series = series.dt.tz_localize(None)
    texts = pd.Series(rules.missing_texts(name), dtype=object)
    missing = pd.to_datetime(texts, format="%Y-%m-%d", errors="coerce").dropna()
    return series.where(~series.dt.normalize().isin(missing))


def _ambiguous(column: pa.Array) -> bool:
    """Whether 12.345 may be twelve thousand: asked only where every fraction has three digits."""
    texts = column.cast(pa.string())
    odd = pc.invert(pc.match_substring_regex(texts, r"^\s*[-+]?\d{1,3}(\.\d{3})?\s*$"))
    if pc.any(odd).as_py() or not pc.any(pc.match_substring_regex(texts, r"\.")).as_py():
        return False
    return ambiguous_thousands([text.strip() for text in pc.unique(texts).to_pylist() if text])
