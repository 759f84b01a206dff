"""What a demonstration hands over: a question, a table, a chart, two lines of code, what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from risk_model.core.estimate import Estimate
from risk_model.core.scores import Floats
from risk_model.evaluation.intervals import reference
from risk_model.lesson.anchors import find, line

Row = dict[str, str | int | float]  # JSON-able; the same keys in every row of a table
WIDTH = 110  # characters a line
DAMAGE = ("wrong", "right", "damage")  # columns: the figure each way, and the difference
OPTIMISM = ("reported", "elsewhere", "too good by")  # the same, where the wrong way reports


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

    @classmethod
    def of(cls, label: str, row: Row) -> Pair:
        """The pair in a row of `damage`, whatever its columns are called."""
        names = OPTIMISM if OPTIMISM[0] in row else DAMAGE
        return cls(label, *(Estimate(float(row[name])) for name in names[:2]))


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


def damage(wrong: Floats, right: Floats, names: tuple[str, str, str] = DAMAGE) -> Row:
    """The means of a figure over repeats [r], the wrong and the right way, and their difference.

    `low` and `high` are the 95 % interval of the mean difference by t, each repeat counted as one:
    where all repeats share a cohort, it is of the way and not of the patients.
    """
    difference = wrong - right
    mean, repeats = float(difference.mean()), len(difference)
    reach = float(reference(repeats) * difference.std(ddof=1) / np.sqrt(repeats))
    means = dict(zip(names, (float(wrong.mean()), float(right.mean()), mean), strict=True))
    return {**means, "low": mean - reach, "high": mean + reach}


def damage_formats(digits: int = 3, names: tuple[str, str, str] = DAMAGE) -> dict[str, str]:
    """The columns of `damage`, to be shown with so many digits."""
    signed = dict.fromkeys((names[2], "low", "high"), f"+z.{digits}f")
    return {**dict.fromkeys(names[:2], f".{digits}f"), **signed}


def beyond_chance(row: Row) -> bool:
    """Whether the interval of a row excludes 0."""
    return not float(row["low"]) <= 0 <= float(row["high"])


def told(row: Row, name: str = "damage", digits: int = 3) -> str:
    """The difference in a row in words: with its interval, and whether it can be told from none.

    >>> told({"damage": 0.0481, "low": 0.0411, "high": 0.0552})
    '+0.048 (+0.041 to +0.055)'
    >>> told({"damage": 0.0004, "low": -0.001, "high": 0.002})
    '+0.000 (-0.001 to +0.002), which cannot be told from none'
    """
    value, low, high = (f"{row[key]:+z.{digits}f}" for key in (name, "low", "high"))
    said = f"{value} ({low} to {high})"
    return said if beyond_chance(row) else f"{said}, which cannot be told from none"


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
