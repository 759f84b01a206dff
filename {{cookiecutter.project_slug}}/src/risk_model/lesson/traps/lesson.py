"""What a demonstration hands over: a question, a table, a chart, two lines of code, what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from risk_model.core.estimate import Estimate
from risk_model.lesson.anchors import find, line

Row = dict[str, str | int | float]  # JSON-able; the same keys in every row of a table
WIDTH = 110  # characters a line


@dataclass(frozen=True)
class Code:
    """The line that makes the mistake, the one that does not, and what guards the second.

    Both are anchors with a text (`lesson/anchors.py`), so that what is shown is code that runs.
    `test` is the test of this project that fails where the mistake is made: file::function.
    """

    wrong: str
    right: str
    test: str

    @property
    def lines(self) -> dict[str, tuple[str, str]]:
        """Line and place, by wrong and right."""
        anchors = {"wrong": self.wrong, "right": self.right}
        return {way: (line(anchor), find(anchor).name) for way, anchor in anchors.items()}


@dataclass(frozen=True)
class Pair:
    """A figure the wrong way and the right way; None where there is but one of them."""

    label: str
    wrong: Estimate | None = None
    right: Estimate | None = None


@dataclass(frozen=True)
class Chart:
    """What is drawn of a demonstration: pairs on one axis, and the names of both sides."""

    axis: str
    wrong: str
    right: str
    pairs: Sequence[Pair]


@dataclass(frozen=True)
class Lesson:
    """A demonstration that was run.

    `formats` maps the columns to show, in order, to their format ("" for text).
    """

    question: str
    data: str  # which rows, how many, how they were split
    rows: Sequence[Row]
    formats: Mapping[str, str]
    chart: Chart
    code: Code
    see: str
    do: str
    source: str

    def text(self) -> str:
        """What to print."""
        code = "\n".join(
            f"{way:8}{code}\n{'':8}{place}" for way, (code, place) in self.code.lines.items()
        )
        said = {"see": self.see, "do": self.do, "test": self.code.test, "source": self.source}
        rest = "\n".join(_paragraph(name, text) for name, text in said.items())
        head = f"{self.question}\n\n{_paragraph('data', self.data)}"
        return f"{head}\n\n{table(self.rows, self.formats)}\n\n{code}\n\n{rest}"

    def cells(self) -> list[dict[str, str]]:
        """The table as texts, by column."""
        return [
            {name: format(row[name], how) for name, how in self.formats.items()}
            for row in self.rows
        ]


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
