"""What each column of a table was taken for: the first thing a run says of a new table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

MOST = 6  # columns named in one line


@dataclass(frozen=True)
class ColumnReading:
    """One column: what it was read as, why, and the setting that changes it.

    `why` and `change` are empty for a column about which there is nothing to say.
    """

    column: str
    read_as: str
    why: str = ""
    change: str = ""


def reading_lines(columns: Sequence[ColumnReading]) -> list[str]:
    """The readings as lines of one table; columns with nothing to say share a line."""
    if not columns:
        return []
    rows = [("read as", "column", "why", "change with")]
    plain = [column for column in columns if not (column.why or column.change)]
    rows += [_row(column) for column in columns if column.why or column.change]
    for read_as, group in groupby(sorted(plain, key=lambda c: c.read_as), lambda c: c.read_as):
        names = [column.column for column in group]
        more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
        rows.append((f"{read_as} ({len(names)})", ", ".join(names[:MOST]) + more, "", ""))
    widths = [max(len(row[i]) for row in rows if i == 0 or row[2] or row[3]) for i in range(3)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip()
        for row in rows
    ]


def _row(column: ColumnReading) -> tuple[str, str, str, str]:
    return column.read_as, column.column, column.why, column.change
