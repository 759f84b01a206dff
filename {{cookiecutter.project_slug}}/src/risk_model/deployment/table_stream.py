"""Tables of any length, scored in pieces, so that memory does not grow with their rows.

The next piece is read while one is scored; what is written gets its name when all of it is on disk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from risk_model.core.errors import UserError
from risk_model.data.tables.table_file import TableFile

ADDED = ("risk", "flagged", "reason", "input_warnings", "input_units", "model_version")
PIECE = 8_192  # rows read and checked together: more outgrow the cache and are slower
GROUP = 16  # pieces written together, as one row group of a Parquet file
Item = TypeVar("Item")
MOST = 12  # columns of a file that a message lists

WRITERS = {
    ".csv": csv.CSVWriter,
    # Looking for repeated values in the other columns would take longer than scoring them.
    ".parquet": partial(pq.ParquetWriter, use_dictionary=list(ADDED[2:])),
}


class OpenTable(NamedTuple):
    """An open file: its column names, its number of rows where it says so, and its pieces."""

    path: Path
    names: list[str]
    rows: int | None
    pieces: Iterable[pa.RecordBatch]


def of(table: TableFile, rows: int = 0) -> OpenTable:
    """A CSV or Parquet file in pieces of so many rows, PIECE when none are given."""
    return OpenTable(table.path, table.names, table.rows, table.pieces(rows or PIECE))


def renamed(table: OpenTable, names: list[str]) -> OpenTable:
    """The same table under other column names."""
    pieces = (piece.rename_columns(names) for piece in table.pieces)
    return table._replace(names=names, pieces=pieces)


def check_output(output: Path) -> None:
    """UserError when the file is there already or has an ending that is not written."""
    if output.exists():
        raise UserError(f"{output}: exists already; choose another name or move it away")
    if output.suffix not in WRITERS:
        raise UserError(f"{output}: is neither .csv nor .parquet; name one of them")


def check_columns(path: Path, names: list[str], needed: list[str]) -> None:
    """UserError when needed columns are missing, or one to be copied is called like a result."""
    if missing := [name for name in needed if name not in names]:
        near = {name: near_names(name, names) for name in missing}
        hints = [f"{name} (is it {like[0]}?)" if like else name for name, like in near.items()]
        there = ", ".join(names[:MOST]) + (" …" if len(names) > MOST else "")
        raise UserError(
            f"{path}: columns missing that the model needs: {', '.join(hints)}; the file has "
            f"{there}; rename them, or add one that nobody recorded as an empty column"
        )
    if reserved := [name for name in ADDED if name in names and name not in needed]:
        raise UserError(f"{path}: columns named like results: {', '.join(reserved)}; rename them")


def near_names(name: str, names: list[str]) -> list[str]:
    """Columns that may be meant by a name, the nearest first."""
    folded = {other.casefold(): other for other in names}
    return [folded[near] for near in get_close_matches(name.casefold(), folded, n=1)]


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The items; the next one is made in a thread while one is worked on."""
    source = iter(items)
    with ThreadPoolExecutor(1, "read") as thread:
        following = thread.submit(next, source, None)
        while (item := following.result()) is not None:
            following = thread.submit(next, source, None)
            yield item


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
