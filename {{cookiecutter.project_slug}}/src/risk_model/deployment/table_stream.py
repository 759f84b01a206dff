"""Tables of any length, read and written in pieces, so that memory does not grow with their rows.

What is read is a CSV or Parquet file; what is written gets its name when all of it is on disk.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from csv import reader
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from risk_model.core.errors import UserError

ADDED = ("risk", "flagged", "reason", "model_version")
PIECE = 8_192  # rows read and checked together: more outgrow the cache and are slower
GROUP = 16  # pieces written together, as one row group of a Parquet file
NOT_RECORDED = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", ".", "?"]
TRUE, FALSE = ["true", "True", "TRUE", "1", "1.0"], ["false", "False", "FALSE", "0", "0.0"]

WRITERS = {
    ".csv": csv.CSVWriter,
    # Looking for repeated values in the other columns would take longer than scoring them.
    ".parquet": partial(pq.ParquetWriter, use_dictionary=["reason", "model_version"]),
}


class OpenTable(NamedTuple):
    """A file's column names, its number of rows where the file says so, and its pieces."""

    names: list[str]
    rows: int | None
    pieces: Iterable[pa.RecordBatch]


def check_output(output: Path) -> None:
    """UserError when the file is there already or has an ending that is not written."""
    if output.exists():
        raise UserError(f"{output}: exists already; choose another name or move it away")
    if output.suffix not in WRITERS:
        raise UserError(f"{output}: is neither .csv nor .parquet; name one of them")


def parquet_file(path: Path) -> pq.ParquetFile:
    """A Parquet file, to be read in pieces; UserError when it is none."""
    try:  # without the buffer a whole row group of every column would be held at once
        return pq.ParquetFile(path, buffer_size=1 << 18, pre_buffer=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise unreadable(path, [], error) from error


def csv_names(path: Path) -> list[str]:
    """The names in the first row of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        return next(reader(file), [])


def csv_pieces(
    path: Path, types: dict[str, pa.DataType], longest: int = 0
) -> Iterator[pa.RecordBatch]:
    """The pieces of a CSV file.

    Where `longest` is given, rows of so many bytes may hold line ends within quotes.
    """
    convert = csv.ConvertOptions(
        column_types=types,
        null_values=NOT_RECORDED,
        strings_can_be_null=True,
        true_values=TRUE,
        false_values=FALSE,
    )
    blocks = csv.ReadOptions(block_size=longest or None)
    rows = csv.ParseOptions(newlines_in_values=longest > 0)
    try:
        return split_pieces(csv.open_csv(path, blocks, rows, convert), PIECE)
    except pa.ArrowInvalid as error:
        raise unreadable(path, list(types), error) from error


def split_pieces(pieces: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows in pieces of at most so many."""
    for piece in pieces:
        for start in range(0, piece.num_rows, rows):
            yield piece.slice(start, rows)


def check_columns(path: Path, names: list[str], needed: list[str]) -> None:
    """UserError when needed columns are missing, or a name occurs twice or is one of ADDED."""
    if missing := [name for name in needed if name not in names]:
        raise UserError(
            f"{path}: columns missing that the model needs: {', '.join(missing)}; add them, empty "
            "if unknown"
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"{path}: column names given twice: {', '.join(twice)}; rename them")
    if reserved := [name for name in ADDED if name in names]:
        raise UserError(f"{path}: columns named like results: {', '.join(reserved)}; rename them")


def nonempty_pieces(
    pieces: Iterable[pa.RecordBatch], path: Path, names: list[str]
) -> Iterator[pa.RecordBatch]:
    """The pieces that hold rows; the next one is read while one is scored."""
    source = iter(pieces)
    try:
        with ThreadPoolExecutor(1, "read") as thread:
            following = thread.submit(next, source, None)
            while (piece := following.result()) is not None:
                following = thread.submit(next, source, None)
                if piece.num_rows:
                    yield piece
    except (pa.ArrowInvalid, OSError) as error:
        raise unreadable(path, names, error) from error


def unreadable(path: Path, names: list[str], error: Exception) -> UserError:
    """What is wrong with a file, without the value that Arrow's own message repeats."""
    problem = "not readable"
    if column := re.search(r"column #(\d+)", str(error)):
        problem = f"column '{names[int(column[1])]}' holds something else than the schema says"
    return UserError(f"{path}: {problem}; correct the file and write it again in UTF-8")


@contextmanager
def writer(output: Path) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """A function that writes pieces; the file gets its name when all of them are on disk."""
    unfinished = output.with_name(f".{output.name}.partial")
    waiting: list[pa.RecordBatch] = []
    try:
        with unfinished.open("wb") as file, ExitStack() as stack:
            sink: Any = None

            def flush() -> None:
                nonlocal sink
                if waiting:
                    make = WRITERS[output.suffix]
                    sink = sink or stack.enter_context(make(file, waiting[0].schema))
                    sink.write_table(pa.Table.from_batches(waiting))
                    waiting.clear()

            def write(piece: pa.RecordBatch) -> None:
                waiting.append(piece)
                if len(waiting) >= GROUP:
                    flush()

            yield write
            flush()
            stack.close()
            os.fsync(file.fileno())
        unfinished.rename(output)
    finally:
        unfinished.unlink(missing_ok=True)
