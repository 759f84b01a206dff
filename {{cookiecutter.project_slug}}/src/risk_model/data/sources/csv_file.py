"""CSV files: the header, the separator and the rows, or the line at which the file is broken.

The `pyarrow` reader takes a column as numbers only when every value of the file is one, and takes
as missing only what it is told to: the category "None" survives.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from risk_model.core.errors import UserError

SEPARATORS = ",;\t|"
BLOCK = 1 << 24  # bytes; no row may be longer
EXAMPLES = 3  # lines named in an error

Where = Callable[[Sequence[int]], str]


@dataclass(frozen=True)
class Header:
    """A CSV file's first row: its names, its separator and the number of lines it takes."""

    names: list[str]
    separator: str
    lines: int


def read_header(path: Path) -> Header:
    """A CSV file's names; its separator is the sign that splits the first row most."""
    try:
        with _text(path) as file:
            lines = [line for line, _ in zip(file, range(64), strict=False)]
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    parsed = []
    for separator in SEPARATORS:
        reader = csv.reader(lines, delimiter=separator)
        parsed.append(Header(next(filter(None, reader), []), separator, reader.line_num))
    header = max(parsed, key=lambda h: len(h.names))
    if not header.names:
        raise UserError(f"{path}: there is no header row; the first row must name the columns")
    return Header(tidy(header.names), header.separator, header.lines)


def tidy(names: Sequence[str]) -> list[str]:
    """Names without spaces around them or line ends within.

    An empty one is named for its position.
    """
    return [" ".join(str(name).split()) or f"column {i}" for i, name in enumerate(names, start=1)]


def numbered(word: str, numbers: Sequence[int], count: int) -> str:
    """Some of `count` numbers for a person: "lines 3, 17, 20 and 4 more"."""
    more = f" and {count - len(numbers):,} more" if count > len(numbers) else ""
    return f"{word}{'s' if count > 1 else ''} {', '.join(map(str, numbers))}{more}"


def lines_of(path: Path, header: Header) -> Where:
    """How to tell a person the lines of rows of this file."""

    def where(rows: Sequence[int]) -> str:
        first = sorted(rows)[:EXAMPLES]
        return numbered("line", _line_numbers(path, header.separator, first), len(rows))

    return where


def _line_numbers(path: Path, separator: str, rows: Sequence[int]) -> list[int]:
    """The lines at which these rows start, 0 being the first row below the header.

    Blank lines count, quoted ones too.
    """
    numbers: list[int] = []
    with _text(path, errors="replace") as file:
        reader, row, start = csv.reader(file, delimiter=separator), -1, 1
        for record in reader:
            if record:
                numbers += [start] * (row in rows)
                row += 1
            start = reader.line_num + 1
            if len(numbers) == len(rows):
                break
    return numbers


def _text(path: Path, errors: str = "strict") -> io.TextIOWrapper:
    return io.TextIOWrapper(
        pa.input_stream(str(path)), encoding="utf-8-sig", errors=errors, newline=""
    )


def read_csv(
    path: Path, header: Header, missing: Sequence[str], as_text: Sequence[str]
) -> pa.Table:
    """The rows below the header; UserError, naming the line, where the file is broken.

    `missing` are the texts that mean "not recorded", `as_text` the columns never taken for numbers.
    """
    ragged: list[int] = []

    def note_ragged(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row.number - header.lines - 1)
        return "skip"

    reading = pa.csv.ReadOptions(
        use_threads=False, column_names=header.names, skip_rows=header.lines, block_size=BLOCK
    )
    parsing = pa.csv.ParseOptions(
        delimiter=header.separator, newlines_in_values=True, invalid_row_handler=note_ragged
    )
    spaces = [" ", "  "] if "" in missing else []
    types = pa.csv.ConvertOptions(
        null_values=[*missing, *spaces],
        strings_can_be_null=True,
        auto_dict_encode=True,
        auto_dict_max_cardinality=1000,
        column_types={name: pa.string() for name in as_text},
    )
    try:
        table = pa.csv.read_csv(path, reading, parsing, types)
    except pa.ArrowInvalid as error:
        raise _unreadable(path, header, error) from None  # pyarrow's own message repeats the row
    if any(is_bytes(value_type(kind)) for kind in table.schema.types):
        raise _not_utf8(path)
    if ragged:
        lines = lines_of(path, header)(ragged)
        raise UserError(
            f"{path}: {len(ragged):,} rows do not have the header's {len(header.names)} values "
            f"({lines}); quote values that contain {header.separator!r} or line ends"
        )
    if _ends_in_quotes(path, table):
        line = lines_of(path, header)([len(table) - 1])
        raise UserError(
            f"{path}: a quote that opens in {line} is never closed; close it, or double it within "
            "a value"
        )
    return table


def _ends_in_quotes(path: Path, table: pa.Table) -> bool:
    """Whether the last value swallowed the lines after it."""
    last = table.column(table.num_columns - 1)[-1].as_py() if len(table) else None
    if not isinstance(last, str) or "\n" not in last:
        return False
    with pa.input_stream(str(path)) as file:
        while chunk := file.read(BLOCK):
            end = chunk
    return not end.rstrip().endswith(b'"')


def _unreadable(path: Path, header: Header, error: pa.ArrowInvalid) -> UserError:
    if "Empty CSV" in str(error):
        return UserError(f"{path}: there are no rows below the header; export the table again")
    if "UTF8" in str(error):
        return _not_utf8(path)
    return UserError(
        f"{path}: cannot be read as CSV with separator {header.separator!r}; is a quote never "
        "closed?"
    )


def _not_utf8(path: Path) -> UserError:
    """Names the first byte that is not UTF-8 and its line."""
    decoder, line, read = codecs.getincrementaldecoder("utf-8")(), 1, 0
    with pa.input_stream(str(path)) as file:
        while chunk := file.read(1 << 20):
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                at = error.start - pending
                line += chunk[: max(at, 0)].count(b"\n")
                return UserError(
                    f"{path}: byte {read + at + 1:,} (line {line:,}) is not UTF-8; convert the "
                    "file, for example with "
                    f"iconv -f WINDOWS-1252 -t UTF-8 {path.name} > utf8.csv"
                )
            line, read = line + chunk.count(b"\n"), read + len(chunk)
    return UserError(
        f"{path}: is not UTF-8; convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8"
    )


def value_type(kind: pa.DataType) -> pa.DataType:
    """The type of a column's values, dictionary-encoded or not."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def is_bytes(kind: pa.DataType) -> bool:
    """Whether values of this type are bytes, which a text that is not UTF-8 becomes."""
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )
