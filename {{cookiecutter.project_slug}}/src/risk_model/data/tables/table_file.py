"""A CSV or Parquet file, opened: its columns, its rows in pieces, and where a row stands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from risk_model.core.errors import UserError
from risk_model.data.tables.csv_file import (
    EXAMPLES,
    Header,
    Where,
    csv_pieces,
    lines_of,
    numbered,
    read_header,
    tidy,
)
from risk_model.data.tables.parquet_file import open_parquet, parquet_pieces

WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


@dataclass(frozen=True)
class TableFile:
    """A file of which the names of the columns are known and no row is read yet.

    `rows` is their number where the file says it. `where` tells a person where rows stand, 0 being
    the first.
    """

    path: Path
    names: list[str]
    header: Header | None
    rows: int | None
    where: Where

    def pieces(self, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows in order, at most so many together; values as text, numbers or timestamps.

        Raises:
            UserError: the file is broken; names the place, and never a value.
        """
        if self.header is None:
            yield from parquet_pieces(self.path, self.names, rows)
            return
        for block in csv_pieces(self.path, self.header):
            for start in range(0, block.num_rows, rows):
                yield block.slice(start, rows)


def open_table(path: Path, key: str = "data.path") -> TableFile:
    """A file that a setting names; what it is shows in its first bytes, not in its name.

    Raises:
        UserError: it is missing, empty or a workbook, has no header row, or a name occurs twice.
    """
    if _is_parquet(path, key):
        file = open_parquet(path)
        names, rows = tidy(file.schema_arrow.names), file.metadata.num_rows
        table = TableFile(path, names, None, rows, rows_of)
    else:
        header = read_header(path)
        table = TableFile(path, header.names, header, None, lines_of(path, header))
    if any("\0" in name for name in table.names):
        raise nul_byte(path, "a column's name", table.header is not None)
    repeated = sorted({name for name in table.names if table.names.count(name) > 1})
    if repeated:
        raise UserError(
            f"{path}: column names must differ; {', '.join(map(repr, repeated))} occurs more than "
            "once; rename them"
        )
    return table


def nul_byte(path: Path, where: str, is_csv: bool) -> UserError:
    """One line for a byte that programs take for the end of a text."""
    example = (
        f", for example with tr -d '\\000' < {shlex.quote(path.name)} > clean.csv" if is_csv else ""
    )
    return UserError(f"{path}: {where}: holds a NUL byte; take it out{example}")


def _is_parquet(path: Path, key: str) -> bool:
    if not path.is_file():
        raise UserError(
            f"{key}: there is no file {path} (looked in {Path.cwd()}); give the path of a CSV or "
            "Parquet file"
        )
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        raise UserError(f"{path}: the file is empty; export the table again, with its header row")
    if start in WORKBOOKS:
        raise UserError(
            f"{path}: this is a workbook or an archive; save the table as CSV (UTF-8) or Parquet"
        )
    return start == b"PAR1"


def rows_of(rows: Sequence[int]) -> str:
    """Row numbers for a person, counted from 1: "rows 3, 17, 20 and 4 more"."""
    return numbered("row", [row + 1 for row in sorted(rows)[:EXAMPLES]], len(rows))
