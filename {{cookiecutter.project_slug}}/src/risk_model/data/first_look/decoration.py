"""Numbers written with decoration, which a reader would take for words.

Is a column of text a column of numbers: "5.1 mg/L", "'62", "1,2", "120/80", "<8.1", "3 days"?
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from risk_model.data.first_look import written_numbers
from risk_model.data.first_look.compound_numbers import are_bands, are_days, compound, is_date

Kind = Literal[
    "unit",
    "apostrophe",
    "formula",
    "quotes",
    "percent",
    "currency",
    "thousands",
    "decimal comma",
    "decimal comma and thousands",
    "minus sign",
    "trailing minus",
    "leading sign",
    "parentheses",
    "censored",
    "approximate",
    "flag",
    "range",
    "fraction",
    "duration",
    "time of day",
    "exponent comma",
    "power of ten",
    "ending",
]

DISTINCT = 3  # numbers that differ: two are a category
NUMBERS = 0.5  # of the distinct texts are numbers, decorated or not
FEW = 10  # whole numbers, with "3+" among them, are a scale
SAMPLE = 500  # texts to look at before all
_CHOICES = re.compile(r"\d{1,2}(?:, ?\d{1,2}){2,}")  # of several answers
_WITH_LETTER = re.compile(r"\d{1,3} ?[A-Za-z]")  # 34F for age and sex, flight 41D, stage 3a
_LINES = re.compile(r"\d+:\d")  # verses and lines are no durations
_PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_UNHARMED = {"unit", "apostrophe", "formula", "quotes", "percent", "currency", "flag"} | {
    "minus sign",
    "leading sign",
    "parentheses",
}
_FORMS: dict[str, Kind] = {
    "thousands": "thousands",
    "dot": "thousands",
    "comma": "decimal comma",
    "decimal comma": "decimal comma",
    "decimal comma and thousands": "decimal comma and thousands",
    "exponent comma": "exponent comma",
    "power of ten": "power of ten",
}


@dataclass(frozen=True)
class Decoration:
    """How the numbers of a text column are written."""

    kind: Kind
    detail: str  # the units, or nothing: never a patient's value
    rows: int


def decorations(texts: Sequence[str], counts: npt.NDArray[np.int64]) -> list[Decoration]:
    """The decorations of a column's numbers, most rows first.

    `texts`: its distinct trimmed texts; `counts`: int64, the rows of each. A text may have several
    ("5,1 mg/L"). Empty when the column is words, codes (E11.9, S0012), dates, age bands that
    follow each other, grades ("2+"), or plain numbers. Units are listed in `detail`: "g/L, mg/L".

    >>> decorations(["5.1 mg/L", "7 mg/L", "12 mg/L"], np.array([2, 1, 1]))
    [Decoration(kind='unit', detail='mg/L', rows=4)]
    """
    rows = dict(zip(texts, map(int, counts), strict=True))
    some = list(rows)[:: max(1, len(rows) // SAMPLE)]
    if sum(_marks(text) is not None for text in some) < 0.6 * NUMBERS * len(some):
        return []
    read = {text: _marks(text) for text in rows}
    numbers = {text: marks for text, marks in read.items() if marks is not None}
    if len(numbers) < max(DISTINCT, NUMBERS * len(rows)) or not any(numbers.values()):
        return []
    if _words_after_all(numbers, rows.keys() - numbers.keys()):
        return []
    numbers = _letters_behind(numbers)
    commas = _comma_kind(list(numbers))
    tally: Counter[Kind] = Counter()
    details: defaultdict[Kind, Counter[str]] = defaultdict(Counter)
    for text, marks in numbers.items():
        for kind, detail in marks:
            kept: Kind = commas if detail == "comma" else kind
            tally[kept] += rows[text]
            details[kept][detail if kept == "unit" else ""] += rows[text]
    return [
        Decoration(kind, ", ".join(sorted(filter(None, details[kind]))), tally[kind])
        for kind, _ in tally.most_common()
    ]


Marks = tuple[tuple[Kind, str], ...]


def _marks(text: str) -> Marks | None:
    """How one text is decorated: () for a plain number, None when it is no number."""
    if _PLAIN.fullmatch(text):
        return ()
    if len(text) > written_numbers.LONGEST or is_date(text):
        return None
    several = compound(text)
    if several:
        return ((several, ""),)  # type: ignore[return-value]  # its kinds are some of Kind
    written = written_numbers.peel(text)
    if written is None:
        return None
    form = written_numbers.form(written.core)
    own: Marks = written.marks  # type: ignore[assignment]  # its kinds are some of Kind
    return own if form == "plain" else (*own, (_FORMS[form], "comma" if form == "comma" else ""))


def _letters_behind(numbers: dict[str, Marks]) -> dict[str, Marks]:
    """H and L behind a number are flags, but one of them behind every number is a unit."""
    letters = {d for marks in numbers.values() for kind, d in marks if kind == "flag"}
    every = all(any(kind == "flag" for kind, _ in marks) for marks in numbers.values())
    unit = {"L": "L", "H": "h"}.get(next(iter(letters), "")) if len(letters) == 1 else None
    if not every or unit is None:
        return numbers
    return {
        text: tuple(("unit", unit) if kind == "flag" else (kind, d) for kind, d in marks)
        for text, marks in numbers.items()
    }


def _comma_kind(texts: list[str]) -> Kind:
    """What "1,234" means in this column: thousands unless another text shows a decimal comma."""
    cores = [w.core for w in map(written_numbers.peel, texts) if w]
    forms = {written_numbers.form(core) for core in cores}
    if forms & {"decimal comma", "decimal comma and thousands", "exponent comma", "dot"}:
        return "decimal comma"
    points = any(re.search(r"\.\d", core) for core in cores)
    wholes = [len(core) for core in cores if core.isdigit()]
    small = any(core.startswith("0,") for core in cores)
    return "thousands" if points or (wholes and max(wholes) <= 3 and not small) else "decimal comma"


def _words_after_all(numbers: dict[str, Marks], others: Collection[str]) -> bool:
    """Whether decorated numbers are names of groups: bands, grades, identifiers, choices."""
    kinds = {kind for marks in numbers.values() for kind, _ in marks}

    def written(kind: str) -> list[str]:
        return [text for text, marks in numbers.items() if (kind, "") in marks]

    return (
        ("range" in kinds and are_bands(written("range")))
        or ("fraction" in kinds and (are_days(written("fraction")) or _alleles(numbers)))
        or ("censored" in kinds and _grades(numbers))
        or ("thousands" in kinds and _identifiers(numbers))
        or any(
            pattern.fullmatch(text)
            for text in others
            for pattern in (_CHOICES, _WITH_LETTER, _LINES)
        )
    )


def _alleles(numbers: dict[str, Marks]) -> bool:
    """Whether "112/112" stands beside "112": pairs of alleles, of which one may be missing."""
    return any(f"{text}/{text}" in numbers for text, marks in numbers.items() if not marks)


def _grades(numbers: dict[str, Marks]) -> bool:
    """Whether "<5", "3+" and few whole numbers are a scale: 0, 1, 2, 3+ or <30, >30."""
    limits = [text for text, marks in numbers.items() if "censored" in {kind for kind, _ in marks}]
    others = numbers.keys() - limits
    wholes = len(others) < FEW and all(text.isdigit() for text in others)
    return len(limits) < FEW and (len(others) < DISTINCT or wholes)


def _identifiers(numbers: dict[str, Marks]) -> bool:
    """Whether groups of three digits are long numbers of one length: "123 456 789" is a person."""
    lengths = {sum(c.isdigit() for c in text) for text in numbers}
    return all(numbers.values()) and len(lengths) == 1 and min(lengths) >= 9


def plain_number(text: str, decimal: str = ".", thousands: str = "") -> float | None:
    """The number in a decorated text, or None.

    Read are units, %, a leading apostrophe, ="..", currency, flags (H, L, *), minus signs of every
    form, brackets for a negative number, and thousands parted by a space or apostrophe, or by
    `thousands`. Not read: "<5" (see `censored_limit`), "120/80", "5-10", dates and words.

    >>> plain_number("5.1 mg/L"), plain_number("(3)"), plain_number("1.234,5", ",", ".")
    (5.1, -3.0, 1234.5)
    """
    written = None if is_date(text) or compound(text) else written_numbers.peel(text)
    if written is None or not {kind for kind, _ in written.marks} <= _UNHARMED:
        return None
    number = written_numbers.value(written.core, decimal, thousands)
    negative = ("parentheses", "") in written.marks
    return -abs(number) if negative and number is not None else number


def censored_limit(text: str, decimal: str = ".") -> float | None:
    """The limit in "<8.1", "> 90", "≤5" or "90+"; None for anything else, as "<LOQ".

    >>> censored_limit("<8,1 mg/L", ","), censored_limit("8.1")
    (8.1, None)
    """
    written = written_numbers.peel(text)
    if written is None or "censored" not in {kind for kind, _ in written.marks}:
        return None
    comma = decimal == "." and written_numbers.form(written.core) == "decimal comma"  # "<0,5"
    return written_numbers.value(written.core, "," if comma else decimal, "")


def ambiguous_thousands(texts: Sequence[str]) -> bool:
    """Whether "12.345" may be twelve thousand: every fraction has three digits, wholes are < 1,000.

    `texts`: distinct plain numbers; words among them do not count. At least three fractions and
    three whole numbers, and no fraction below 1, are needed.
    """
    numbers = [t for t in texts if re.fullmatch(r"[-+]?\d+([.]\d+)?", t)]
    fractions = [t for t in numbers if "." in t]
    wholes = [t for t in numbers if "." not in t]
    return (
        len(fractions) >= DISTINCT
        and len(wholes) >= DISTINCT
        and all(re.fullmatch(r"[-+]?[1-9]\d{0,2}\.\d{3}", t) for t in fractions)
        and all(abs(int(t)) < 1000 for t in wholes)
    )
