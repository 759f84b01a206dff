"""A CSV or Parquet file as typed columns, or one line that says where it is broken.

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

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from risk_model.core.errors import UserError

SEPARATORS = ",;\t|"
BLOCK = 1 << 24  # bytes; no row may be longer
EXAMPLES = 3  # places named in an error

Where = Callable[[Sequence[int]], str]


@dataclass(frozen=True)
class Header:
    """A CSV file's first row: its names, its separator and the number of lines it takes."""

    names: list[str]
    separator: str
    lines: int


@dataclass(frozen=True)
class TableFile:
    """A file's columns, and how to tell a person where a row stands in it."""

    frame: pd.DataFrame
    where: Where


def is_parquet(path: Path) -> bool:
    """Whether the file is Parquet, by its first bytes.

    Raises:
        UserError: the file is missing, empty or a workbook.
    """
    if not path.is_file():
        raise UserError(
            f"data.path: there is no file {path} (looked in {Path.cwd()}); give the path of a CSV "
            "or Parquet file"
        )
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        raise UserError(f"{path}: the file is empty; export the table again, with its header row")
    if start in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise UserError(
            f"{path}: this is a workbook or an archive; save the table as CSV (UTF-8) or Parquet"
        )
    return start == b"PAR1"


def column_names(path: Path) -> list[str]:
    """The file's column names; UserError when it has no header row or a name occurs twice."""
    names = (
        _tidy(_open_parquet(path).schema_arrow.names)
        if is_parquet(path)
        else read_header(path).names
    )
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise UserError(
            f"{path}: column names must differ; {', '.join(map(repr, repeated))} occurs more than "
            "once; rename them"
        )
    return names


def read(path: Path, missing: Sequence[str], as_text: Sequence[str] = ()) -> TableFile:
    """The columns of a CSV or Parquet file.

    Numbers, booleans, dates (datetime64), text as categoricals or strings.

    `missing` are the texts that mean "not recorded"; `as_text` the columns never taken for numbers
    (007 is not 7). UserError, naming the place, for no rows, ragged rows, text that is not UTF-8
    and files that cannot be read.
    """
    where: Where = rows_of
    if is_parquet(path):
        table = _read_parquet(path)
    else:
        header = read_header(path)
        table, where = _read_csv(path, header, missing, as_text), _lines_of(path, header)
    if not len(table):
        raise UserError(f"{path}: there are no rows below the header; export the table again")
    return TableFile(_to_pandas(table, as_text), where)


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
    return Header(_tidy(header.names), header.separator, header.lines)


def _tidy(names: Sequence[str]) -> list[str]:
    """Names without spaces around them or line ends within.

    An empty one is named for its position.
    """
    return [" ".join(str(name).split()) or f"column {i}" for i, name in enumerate(names, start=1)]


def rows_of(rows: Sequence[int]) -> str:
    """Row numbers for a person, counted from 1: "rows 3, 17, 20 and 4 more"."""
    return _numbered("row", [row + 1 for row in rows[:EXAMPLES]], len(rows))


def _numbered(word: str, numbers: Sequence[int], count: int) -> str:
    more = f" and {count - len(numbers):,} more" if count > len(numbers) else ""
    return f"{word}{'s' if count > 1 else ''} {', '.join(map(str, numbers))}{more}"


def _lines_of(path: Path, header: Header) -> Where:
    def where(rows: Sequence[int]) -> str:
        first = sorted(rows)[:EXAMPLES]
        return _numbered("line", _line_numbers(path, header.separator, first), len(rows))

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


def _read_csv(
    path: Path, header: Header, missing: Sequence[str], as_text: Sequence[str]
) -> pa.Table:
    ragged: list[int] = []

    def note_ragged(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row.number - header.lines - 1)
        return "skip"

    spaces = [" ", "  "] if "" in missing else []
    try:
        table = pa.csv.read_csv(
            path,
            pa.csv.ReadOptions(
                use_threads=False,
                column_names=header.names,
                skip_rows=header.lines,
                block_size=BLOCK,
            ),
            pa.csv.ParseOptions(
                delimiter=header.separator, newlines_in_values=True, invalid_row_handler=note_ragged
            ),
            pa.csv.ConvertOptions(
                null_values=[*missing, *spaces],
                strings_can_be_null=True,
                auto_dict_encode=True,
                auto_dict_max_cardinality=1000,
                column_types={name: pa.string() for name in as_text},
            ),
        )
    except pa.ArrowInvalid as error:
        raise _unreadable(path, header, error) from None  # pyarrow's own message repeats the row
    if any(_is_bytes(_value_type(kind)) for kind in table.schema.types):
        raise _not_utf8(path)
    if ragged:
        lines = _lines_of(path, header)(ragged)
        raise UserError(
            f"{path}: {len(ragged):,} rows do not have the header's {len(header.names)} values "
            f"({lines}); "
            f"quote values that contain {header.separator!r} or line ends"
        )
    if _ends_in_quotes(path, table):
        line = _lines_of(path, header)([len(table) - 1])
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


def _open_parquet(path: Path) -> pyarrow.parquet.ParquetFile:
    try:
        return pa.parquet.ParquetFile(path)
    except (pa.ArrowInvalid, OSError):
        raise UserError(
            f"{path}: starts like Parquet but cannot be read as it; was it copied whole?"
        ) from None


def _read_parquet(path: Path) -> pa.Table:
    try:
        return _open_parquet(path).read(use_threads=False).replace_schema_metadata(None)
    except (pa.ArrowInvalid, OSError):
        raise UserError(f"{path}: the Parquet file is damaged; copy or export it again") from None


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _to_pandas(table: pa.Table, as_text: Sequence[str]) -> pd.DataFrame:
    columns = zip(_tidy(table.column_names), table.columns, strict=True)
    return pd.DataFrame(
        {name: _column_to_pandas(column, name in as_text) for name, column in columns}
    )


def _column_to_pandas(column: pa.ChunkedArray, as_text: bool) -> pd.Series:
    series: pd.Series = _plain(column, as_text).to_pandas(date_as_object=False)
    if pd.api.types.is_datetime64_any_dtype(series):
        return series.dt.tz_localize(None) if series.dt.tz is not None else series
    return series


def _plain(column: pa.ChunkedArray, as_text: bool) -> pa.ChunkedArray:
    """The column as numbers, timestamps or text: what pandas has a type of its own for."""
    kind, types = _value_type(column.type), pa.types
    if types.is_nested(kind) or _is_bytes(kind):
        return pa.chunked_array(
            [pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())]
        )
    if types.is_time(kind) or (as_text and not types.is_string(kind)):
        return column.cast(pa.string())
    if types.is_duration(kind):
        return column.cast(pa.duration("s"), safe=False).cast(pa.int64())
    if types.is_decimal(kind) or types.is_float16(kind):
        return column.cast(pa.float64())
    return (
        column.cast(pa.int8()) if types.is_boolean(kind) else column
    )  # a boolean with gaps has no numpy type
