"""A CSV or Parquet file as typed columns, or one line that says where it is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from risk_model.core.errors import UserError
from risk_model.data.sources.csv_file import (
    EXAMPLES,
    Where,
    is_bytes,
    lines_of,
    numbered,
    read_csv,
    read_header,
    tidy,
    value_type,
)


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
        tidy(_open_parquet(path).schema_arrow.names)
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
        table, where = read_csv(path, header, missing, as_text), lines_of(path, header)
    if not len(table):
        raise UserError(f"{path}: there are no rows below the header; export the table again")
    return TableFile(_to_pandas(table, as_text), where)


def rows_of(rows: Sequence[int]) -> str:
    """Row numbers for a person, counted from 1: "rows 3, 17, 20 and 4 more"."""
    return numbered("row", [row + 1 for row in rows[:EXAMPLES]], len(rows))


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


def _to_pandas(table: pa.Table, as_text: Sequence[str]) -> pd.DataFrame:
    columns = zip(tidy(table.column_names), table.columns, strict=True)
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
    kind, types = value_type(column.type), pa.types
    if types.is_nested(kind) or is_bytes(kind):
        return pa.chunked_array(
            [pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())]
        )
    if types.is_time(kind) or (as_text and not types.is_string(kind)):
        return column.cast(pa.string())
    if types.is_duration(kind):
        return column.cast(pa.duration("s"), safe=False).cast(pa.int64())
    if types.is_decimal(kind) or types.is_float16(kind):
        return column.cast(pa.float64())
    # a boolean with gaps has no numpy type
    return column.cast(pa.int8()) if types.is_boolean(kind) else column
