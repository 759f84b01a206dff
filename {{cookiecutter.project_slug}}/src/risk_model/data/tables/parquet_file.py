"""Parquet files in pieces, each column as numbers, timestamps or text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from risk_model.core.errors import UserError

BUFFER = 1 << 18  # bytes; without it a whole row group of every column would be held at once


def open_parquet(path: Path) -> pq.ParquetFile:
    """A Parquet file, to be read in pieces; UserError when it is none."""
    try:
        return pq.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False)
    except (pa.ArrowInvalid, OSError):
        raise UserError(
            f"{path}: starts like Parquet but cannot be read as it; was it copied whole?"
        ) from None


def parquet_pieces(path: Path, names: list[str], rows: int) -> Iterator[pa.RecordBatch]:
    """The file in pieces of at most so many rows, its columns called `names`."""
    try:
        for piece in open_parquet(path).iter_batches(rows, use_threads=False):
            columns = [_plain(column) for column in piece.columns]
            yield pa.RecordBatch.from_arrays(columns, names)
    except (pa.ArrowInvalid, OSError):
        raise UserError(f"{path}: the Parquet file is damaged; copy or export it again") from None


def _plain(column: pa.Array) -> pa.Array:
    """The column as numbers, timestamps or text; what is none of them as the text it prints."""
    types = pa.types
    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    if types.is_nested(kind) or _is_bytes(kind):
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())
    if types.is_time(kind):
        return column.cast(pa.string())
    if types.is_duration(kind):
        return column.cast(pa.duration("s"), safe=False).cast(pa.int64())
    if types.is_decimal(kind):  # by its text: Arrow multiplies by a rounded power of ten
        return column.cast(pa.string()).cast(pa.float64())
    if types.is_float16(kind):
        return column.cast(pa.float64())
    if types.is_large_string(kind) or types.is_string_view(kind):
        return column.cast(pa.string())
    return column


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )
