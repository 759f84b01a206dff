"""Made-up columns: what each cell means, and how somebody may have written it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

Rng = np.random.Generator
Value = float | str | None

# how numbers are written in the whole file: the marks before a fraction and between thousands
STYLES = {
    "point": (".", ""),
    "decimal comma": (",", ""),
    "1.234,5": (",", "."),
    "1,234.5": (".", ","),
    "1 234.5": (".", " "),
    "1'234.5": (".", "'"),
}
NUMBERS = ("whole", "fraction", "log-normal", "large", "below zero", "grade")
KINDS = (
    *NUMBERS,
    "category",
    "yes or no",
    "tick box",
    "leading zeros",
    "ICD",
    "date",
    "free text",
    "constant",
    "row number",
    "range",
    "two numbers",
    "duration",
)
DECORATIONS = (
    "plain",
    "unit",
    "percent",
    "apostrophe",
    "formula",
    "unicode minus",
    "parentheses",
    "censored",
)
CODES = ("", "NA", "999", "-9", "9", "unknown", "n.d.", "9999-12-31")
DATES = {
    "iso": "%Y-%m-%d",
    "iso slashes": "%Y/%m/%d",
    "iso and time": "%Y-%m-%d 14:05:00",
    "iso and zone": "%Y-%m-%dT08:30:00Z",
    "compact": "%Y%m%d",
    "points": "%d.%m.%Y",
    "day first": "%d/%m/%Y",
    "month first": "%m/%d/%Y",
    "dashes": "%d-%m-%Y",
    "month in letters": "%d-%b-%Y",
    "AM and PM": "%m/%d/%Y 2:05 PM",
    "two-digit years": "%d.%m.%y",
    "Excel serial": "",
}
UNITS = ("mg/L", "mmol/L", "U/L", "g/dL", "µmol/L", "mmHg", "kg")
NAMES = (
    "crp",
    "heart rate",
    "Na+ [mmol/L]",
    "größe",
    "lab, first",
    "score (total)",
    "x=y",
    "it's",
    "a:b",
    "bmi",
    "Hb_g/dL",
    "K%",
    "100",
    "temp.max",
    'so-called "risk"',
    "null",
    "stay",
    "value#1",
    "albumin",
    "ratio a/b",
)
WORDS = (
    ("ward", "clinic", "home", "intensive care"),
    ("A+", "A-", "B+", "0+", "AB+"),
    ("I", "II", "III", "IV"),
    ("40-49", "50-59", "60-69", "70+"),
    ("none", "mild", "severe"),
    ("St. Gallen; Nord", "Zürich, Süd", "Genève"),
    ("1", "2a", "2b", "3"),
)
YES_NO = (
    ("yes", "no"),
    ("Y", "N"),
    ("true", "false"),
    ("TRUE", "FALSE"),
    ("1", "0"),
    ("ja", "nein"),
)


@dataclass
class Column:
    """A column whose meaning is known.

    `cells` are written in the file, "" being empty; `truth` is what each means, None being not
    recorded; `raw` the number that stands in a cell, a code for "not recorded" too. `wanted` is
    "number", "category", "yes or no", "date", "left out", "unreadable" or a role. `settings` are
    what a user who knows the column says of it.
    """

    name: str
    kind: str
    wanted: str
    cells: list[str]
    truth: list[Value]
    raw: list[float | None] = field(default_factory=list)
    decoration: str = "plain"
    code: str = ""
    form: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


def number(rng: Rng, kind: str, rows: int) -> list[str]:
    """Plain decimal texts of one kind of measurement."""
    draw: dict[str, Callable[[], list[str]]] = {
        "whole": lambda: [f"{v:.0f}" for v in rng.normal(80, 15, rows).clip(30, 180)],
        "fraction": lambda: [f"{v:.2f}" for v in rng.normal(40, 6, rows).clip(8, 90)],
        "log-normal": lambda: [f"{v:.1f}" for v in rng.lognormal(2, 0.9, rows).clip(0.1, 200)],
        "large": lambda: [f"{v:.1f}" for v in rng.lognormal(6.5, 1.0, rows).clip(5, 90000)],
        "below zero": lambda: [f"{v:.1f}" for v in rng.normal(-1, 4, rows)],
        "grade": lambda: [str(v) for v in rng.integers(0, 5, rows)],
    }
    texts = draw[kind]()
    return [text.replace("-0.0", "0.0") if float(text) == 0 else text for text in texts]


def styled(text: str, style: str) -> str:
    """A plain decimal text with the marks of a style."""
    decimal, thousands = STYLES[style]
    sign = "-" * text.startswith("-")
    whole, point, fraction = text.lstrip("-").partition(".")
    if thousands and len(whole) > 3:
        whole = f"{int(whole):,}".replace(",", thousands)
    return sign + whole + (decimal + fraction if point else "")


def numbers_column(rng: Rng, name: str, rows: int, style: str) -> Column:
    """Numbers, plain or decorated."""
    kind = str(rng.choice(NUMBERS))
    decoration = str(rng.choice(DECORATIONS)) if rng.random() < 0.5 else "plain"
    if decoration in ("unicode minus", "parentheses"):
        kind = "below zero"
    elif decoration != "plain" and kind in ("grade", "below zero"):
        # few whole numbers with a unit are doses, "<2" among grades is a grade: groups, for all
        # that anybody can know
        kind = "log-normal"
    plain = number(rng, kind, rows)
    truth: list[Value] = [float(text) for text in plain]
    cells = [styled(text, style) for text in plain]
    settings: dict[str, Any] = {}
    if decoration != "plain":
        cells, truth = _decorated(rng, decoration, cells, truth)
        settings = {"censored": "limit"} if decoration == "censored" else {"numbers": [name]}
    raw = [float(value) if value is not None else None for value in truth]
    column = Column(name, kind, "number", cells, truth, raw, decoration, settings=settings)
    usable = ["", "NA", "unknown", "n.d."]
    # "-9" is a value among negative ones, 999 among large ones and 9 among larger ones
    usable += {"grade": ["9", "-9", "999"], "whole": ["-9", "999"], "fraction": ["-9", "999"]}.get(
        kind, ["-9"] if kind == "log-normal" else []
    )
    return with_code(rng, column, usable)


def _decorated(
    rng: Rng, decoration: str, cells: list[str], truth: list[Value]
) -> tuple[list[str], list[Value]]:
    some = rng.random(len(cells)) < rng.choice([0.3, 1.0])
    unit = str(rng.choice(UNITS))
    space = str(rng.choice(["", " "]))
    ways: dict[str, Callable[[str], str]] = {
        "unit": lambda text: f"{text} {unit}",
        "percent": lambda text: f"{text}{space}%",
        "apostrophe": lambda text: f"'{text}",
        "formula": lambda text: f'="{text}"',
        "unicode minus": lambda text: text.replace("-", "\u2212"),
        "parentheses": lambda text: f"({text[1:]})" if text.startswith("-") else text,
    }
    if decoration == "censored":
        numbers = np.array(truth, dtype=float)
        limit = float(np.sort(numbers)[len(cells) // 8])
        below = numbers <= limit
        written = cells[int(np.flatnonzero(numbers == limit)[0])]
        cells = [f"<{written}" if b else cell for cell, b in zip(cells, below, strict=True)]
        return cells, [limit if b else v for v, b in zip(truth, below, strict=True)]
    way = ways[decoration]
    signs = decoration in ("unicode minus", "parentheses")
    return [way(c) if s or signs else c for c, s in zip(cells, some, strict=True)], truth


def with_code(rng: Rng, column: Column, usable: list[str]) -> Column:
    """The column with 10 to 15 % of its cells not recorded, in one of the usable ways."""
    if rng.random() < 0.4:
        return column
    code = str(rng.choice(usable))
    rows = rng.random(len(column.cells)) < 0.15
    rows[rng.permutation(len(rows))[:12]] = True  # frequent: a rare text may be a patient's own
    raw = float(code) if code.lstrip("-").isdigit() else None
    for i in np.flatnonzero(rows):
        column.cells[i], column.truth[i] = code, None
        if column.raw:
            column.raw[i] = raw
    column.code = code
    if code not in ("", "NA"):
        column.settings = {**column.settings, "missing_in": {column.name: [code]}}
    return column


def words_column(rng: Rng, name: str, rows: int) -> Column:
    """A few words, seldom a rare one among them."""
    words = WORDS[int(rng.integers(len(WORDS)))]
    texts = [str(word) for word in rng.choice(words, rows)]
    if rng.random() < 0.3:
        texts[int(rng.integers(rows))] = "Rumpelstiltskin's own"
    column = Column(name, "category", "category", list(texts), list(texts))
    return with_code(rng, column, ["", "NA", "unknown", "n.d."])


def yes_no_column(rng: Rng, name: str, rows: int) -> Column:
    """Two words, of which one says yes."""
    yes, no = YES_NO[int(rng.integers(len(YES_NO)))]
    truth = rng.random(rows) < 0.4
    cells = [yes if t else no for t in truth]
    column = Column(name, "yes or no", "yes or no", cells, [float(t) for t in truth], form=yes)
    column.raw = [float(t) for t in truth]
    return with_code(rng, column, ["", "NA"])


def tick_column(rng: Rng, name: str, rows: int) -> Column:
    """A mark where something is so, and nothing where it is not."""
    mark = str(rng.choice(["x", "X", "✓", "1", "yes"]))
    truth = rng.random(rows) < 0.4
    cells = [mark if t else "" for t in truth]
    values: list[Value] = [float(t) for t in truth]
    column = Column(name, "tick box", "tick box", cells, values, [float(t) for t in truth])
    column.settings = {"ticked": [name]}
    return column


def codes_column(rng: Rng, name: str, rows: int) -> Column:
    """Codes with leading zeros, or of diagnoses."""
    if rng.random() < 0.5:
        known, kind = [f"{v:03d}" for v in rng.permutation(120)[:8]], "leading zeros"
        known[0] = "007"
    else:
        known, kind = ["E11.9", "I10", "I25.1", "J44.0", "N18.3", "C50"], "ICD"
        if rng.random() < 0.4:
            known = ["250.00", "401.9", "428", "V57", "E885", "276.1"]
    texts = [str(word) for word in rng.choice(known, rows)]
    return with_code(
        rng, Column(name, kind, "category", list(texts), list(texts)), ["", "NA", "unknown"]
    )


def day(rng: Rng) -> date:
    """A day in twelve years."""
    return date(2011, 1, 1) + timedelta(days=int(rng.integers(0, 4380)))


def date_column(rng: Rng, name: str, rows: int, role: bool) -> Column:
    """Days in one of the forms."""
    form = str(rng.choice(list(DATES)))
    days = [day(rng) for _ in range(rows)]
    cells = [_day(d, form) for d in days]
    column = Column(name, "date", "time" if role else "date", cells, [str(d) for d in days])
    column.form = form
    if role and form in ("two-digit years", "Excel serial"):  # nobody can read them
        column.settings = {"time": "none", "exclude": [name]}
    codes = ["", "NA"]
    if form in ("iso", "iso slashes", "points", "day first", "compact"):
        codes.append("9999-12-31")
    column = with_code(rng, column, codes)
    if column.code == "9999-12-31":
        last = _day(date(9999, 12, 31), form)
        column.cells = [last if c == "9999-12-31" else c for c in column.cells]
        column.settings = {"missing_in": {name: [str(rng.choice([last, "9999-12-31"]))]}}
    return column


def _day(d: date, form: str) -> str:
    return d.strftime(DATES[form]) if DATES[form] else str((d - date(1899, 12, 30)).days)


def text_column(rng: Rng, name: str, rows: int) -> Column:
    """Prose, a constant, or the numbers of the rows as a program saves them."""
    kind = str(rng.choice(["free text", "constant", "row number"]))
    if kind == "free text":
        words = "seen on the ward by Dr Meyer, stable and well since then; to be reviewed".split()
        cells = [" ".join(rng.permutation(words)[:9]) + f" {i}" for i in range(rows)]
    elif kind == "constant":
        cells = [str(rng.choice(["3", "adult", "1.5"]))] * rows
    else:
        name = str(rng.choice(["Unnamed: 0", "index", "row_number", "X"]))
        cells = [str(i) for i in range(rows)]
    return Column(name, kind, "left out", cells, list(cells))


def several_numbers_column(rng: Rng, name: str, rows: int) -> Column:
    """Cells of more than one number: no reader may take one of them for the whole."""
    kind = str(rng.choice(["range", "two numbers", "duration"]))
    low, more = rng.integers(60, 120, rows), rng.integers(5, 60, rows)
    if kind == "range":
        cells = [f"{a}-{a + b}" for a, b in zip(low, more, strict=True)]
    elif kind == "two numbers":
        cells = [f"{a + b}/{a}" for a, b in zip(low, more, strict=True)]
    else:
        clock = rng.random() < 0.5
        cells = [
            f"{a}:{b:02d}" if clock else f"{a} h {b} min" for a, b in zip(low, more, strict=True)
        ]
    settings = {"categories": [name]}
    return Column(name, kind, "unreadable", cells, list(cells), settings=settings)
