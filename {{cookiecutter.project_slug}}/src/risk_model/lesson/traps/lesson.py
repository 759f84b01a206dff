"""What a demonstration hands over: a question, a table, what to see and what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Row = dict[str, str | int | float]  # JSON-able; the same keys in every row of a table
WIDTH = 110  # characters a line


@dataclass(frozen=True)
class Lesson:
    """A demonstration that was run.

    `formats` maps the columns to show, in order, to their format ("" for text).
    """

    question: str
    data: str  # which rows, how many, how they were split
    rows: Sequence[Row]
    formats: Mapping[str, str]
    see: str
    do: str
    source: str

    def text(self) -> str:
        """What to print."""
        said = {"data": self.data, "see": self.see, "do": self.do, "source": self.source}
        paragraphs = {name: _paragraph(name, text) for name, text in said.items()}
        head, rest = paragraphs.pop("data"), "\n".join(paragraphs.values())
        return f"{self.question}\n\n{head}\n\n{table(self.rows, self.formats)}\n\n{rest}"


def _paragraph(name: str, text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=f"{name:8}", subsequent_indent=" " * 8)


def table(rows: Sequence[Row], formats: Mapping[str, str]) -> str:
    """Rows as aligned text, numbers to the right, under the names of their columns.

    >>> rows = [{"model": "LR", "AUROC": 0.8234}, {"model": "XGBoost", "AUROC": 0.5}]
    >>> print(table(rows, {"model": "", "AUROC": ".3f"}))
    model    AUROC
    LR       0.823
    XGBoost  0.500
    """
    cells = [
        list(formats),
        *([format(row[name], how) for name, how in formats.items()] for row in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    left = [how == "" for how in formats.values()]
    lines = [
        "  ".join(
            cell.ljust(w) if text else cell.rjust(w)
            for cell, w, text in zip(line, widths, left, strict=True)
        )
        for line in cells
    ]
    return "\n".join(line.rstrip() for line in lines)
