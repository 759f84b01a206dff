"""Cells of a table as numbers, truth values or texts, by the rules that the schema holds.

What does a cell mean? Training, evaluation elsewhere and scoring all ask here, so a file means the
same to each of them. A cell that is none of what its column holds is marked, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from risk_model.core.reading_rules import ReadingRules
from risk_model.data.first_look.decoration import censored_limit, plain_number
from risk_model.data.first_look.spelling import folded, is_ticked

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(inf|infinity|nan)", re.I | re.A)
TRUTH = {
    **dict.fromkeys("1 1.0 true yes y t positive dead died deceased".split(), 1.0),
    **dict.fromkeys("0 0.0 false no n f negative alive survived".split(), 0.0),
}


def is_text(column: pa.Array | pa.ChunkedArray) -> bool:
    """Whether the cells are text, dictionary-encoded or not."""
    kind = column.type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind))


def to_texts(column: pa.Array, rules: ReadingRules, name: str) -> pa.Array:
    """Text without the spaces around it, null where nothing was recorded: string[n]."""
    texts = column.cast(pa.string())
    texts = pc.utf8_trim_whitespace(texts)
    missing = pa.array([*rules.missing_texts(name), *_coded(texts, rules, name)], pa.string())
    return pc.if_else(pc.is_in(texts, value_set=missing), pa.scalar(None, pa.string()), texts)


def _coded(texts: pa.Array, rules: ReadingRules, name: str) -> list[str]:
    """The cells that spell a number which means "not recorded" in another way: 999.0 for 999."""
    numbers = rules.missing_numbers(name)
    if not numbers:
        return []
    spelt = [t for t in pc.unique(texts).to_pylist() if t and re.fullmatch(r"-?\d+\.?\d*", t)]
    return [t for t in spelt if not re.match(r"-?0\d", t) and float(t) in numbers]


def same_number(values: Floats, number: float, column: pa.Array) -> Mask:
    """Which values of a column are that number, as exactly as the column's type can hold it."""
    single = pa.types.is_float32(column.type)
    return np.asarray(values == (float(np.float32(number)) if single else number))


def to_numbers(column: pa.Array, rules: ReadingRules, name: str) -> tuple[Floats, Mask | None]:
    """Numbers, NaN where nothing was recorded: float64[n]; and which cells hold something else.

    None instead of the mask when none does.
    """
    wrong = None
    if is_text(column):
        values, wrong = _texts_to_numbers(column, rules, name)
    elif pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        values, wrong = np.full(len(column), np.nan), np.asarray(column.is_valid())
    else:
        values = _plain_numbers(column)
    for missing in rules.missing_numbers(name):
        if (coded := same_number(values, missing, column)).any():
            values = np.where(coded, np.nan, values)
    return values, wrong


def to_truth(column: pa.Array, rules: ReadingRules, name: str) -> tuple[Floats, Mask | None]:
    """Truth values as 0 and 1, NaN where nothing was recorded: float64[n]; and what is neither."""
    ticked = name in rules.ticked

    def read(text: str) -> float | None:
        return 1.0 if ticked and is_ticked(text) else TRUTH.get(text.casefold())

    if is_text(column):
        values, wrong = _each_text(to_texts(column, rules, name), read)
    else:
        values, wrong = to_numbers(column, rules, name)
        neither = ~np.isnan(values) & (values != 0) & (values != 1)
        wrong = neither if neither.any() else None
    if ticked:
        values = np.where(np.isnan(values), 0.0, values)
    return values, wrong


def category_codes(texts: pa.Array, categories: Sequence[str], fold: bool) -> npt.NDArray[np.int64]:
    """The place of each text among the categories, -1 where it is none of them: int64[n].

    With `fold`, spellings that fold alike are one.
    """
    if not fold:
        code = pc.index_in(texts, value_set=pa.array(list(categories), pa.string()))
        return np.asarray(code.fill_null(-1), dtype=np.int64)
    place = {folded(category): i for i, category in reversed(list(enumerate(categories)))}
    encoded = texts.dictionary_encode()
    codes = [place.get(folded(text), -1) for text in encoded.dictionary.to_pylist()]
    at = np.asarray(encoded.indices.fill_null(len(codes)), dtype=np.int64)
    code_of: npt.NDArray[np.int64] = np.array([*codes, -1], dtype=np.int64)
    return code_of[at]


def number_reader(rules: ReadingRules, name: str) -> Callable[[str], float | None]:
    """A function from a trimmed text of that column to its number; None where it holds none."""
    decorated = name in rules.numbers

    def read(text: str) -> float | None:
        if rules.decimal == "." and not rules.thousands and NUMBER.fullmatch(text):
            return float(text)
        marked = rules.decimal != "." or rules.thousands
        if marked and (number := _marked(text, rules)) is not None:
            return number
        if rules.censored and (limit := censored_limit(text, rules.decimal)) is not None:
            return limit / 2 if rules.censored == "half" and text.lstrip()[0] in "<≤" else limit
        return plain_number(text, rules.decimal, rules.thousands) if decorated else None

    return read


def _marked(text: str, rules: ReadingRules) -> float | None:
    """A number written with the marks of the rules; None when a mark stands where none can."""
    mark, decimal = re.escape(rules.thousands or " "), re.escape(rules.decimal)
    grouped = rf"\d{{1,3}}({mark}\d{{3}})+|\d+" if rules.thousands else r"\d+"
    if not re.fullmatch(rf"[-+]?({grouped})({decimal}\d*)?([eE][-+]?\d+)?", text, re.ASCII):
        return None
    plain = text.replace(rules.thousands, "") if rules.thousands else text
    return float(plain.replace(rules.decimal, "."))


def _plain_numbers(column: pa.Array) -> Floats:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _texts_to_numbers(
    column: pa.Array, rules: ReadingRules, name: str
) -> tuple[Floats, Mask | None]:
    """By Arrow's parser where all cells are plain numbers, else by `number_reader`: equal."""
    if rules.decimal == "." and not rules.thousands:
        try:
            return _plain_numbers(pc.cast(column, pa.float64())), None
        except pa.ArrowInvalid:
            column = to_texts(column, rules, name)
        try:
            return _plain_numbers(pc.cast(column, pa.float64())), None
        except pa.ArrowInvalid:
            pass
    return _each_text(to_texts(column, rules, name), number_reader(rules, name))


def _each_text(column: pa.Array, read: Callable[[str], float | None]) -> tuple[Floats, Mask | None]:
    """Every distinct text read once: float64[n], and which cells could not be read."""
    encoded = column.dictionary_encode() if not pa.types.is_dictionary(column.type) else column
    numbers = [read(text) for text in encoded.dictionary.to_pylist()]
    codes = np.asarray(encoded.indices.fill_null(len(numbers)))
    values = np.array([np.nan if n is None else n for n in numbers] + [np.nan])[codes]
    wrong = np.array([n is None for n in numbers] + [False])[codes]
    return values, wrong if wrong.any() else None
