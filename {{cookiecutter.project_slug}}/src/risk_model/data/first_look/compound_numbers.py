"""Texts of more than one number: ranges, fractions, durations, times of day, dates.

Are "5-10" and "120/80" measurements, and is "03/2015" a date?
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

_NUMBER = r"\d+(?:[.,]\d+)?"
_LENGTH = (
    r"(?:d|days?|h|hrs?|hours?|min|mins|minutes?|m|s|secs?|seconds?|y|yrs?|years?|mo|months?|w|wks?|"
    r"weeks?|tage?|std|stunden?|jahre?|monate?|wochen?|jours?|heures?|ans?|mois)\.?"
)
_MONTH = r"(?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|sept|oct|okt|nov|dec|dez)[a-zäé]*\.?"
_YEAR = r"(?:1[89]\d\d|2[01]\d\d)"
_DATES = re.compile(
    rf"""\d{{1,4}}([-/.])\d{{1,2}}\1\d{{1,4}}(?:[T,\s].*)?      # 2015-01-02, 1/2/15 10:30
    |\d{{1,2}}[-/.\s]?{_MONTH}[-/.,\s]*(?:\d{{2,4}})?(?:[T\s].*)?  # 5-Mar-2012
    |{_MONTH}[-/.,\s]*\d{{1,4}}(?:,?\s*\d{{4}})?(?:\s.*)?
    |{_YEAR}[-/.]?\s?(?:{_MONTH}|[QWHTS]\s?\d{{1,2}})(?:[-/.\s].*)?  # 2012Q3, 2015-W12
    |{_YEAR}[-/](?:0?[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])[-/.]{_YEAR}
    |(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s.*
    |\d{{8}}[T\s]\d.*|[QW]\d\s?[-/]?\s?{_YEAR}
    |\d{{1,2}}(?::\d{{2}})*\s?[ap]\.?m\.?""",
    re.VERBOSE | re.IGNORECASE,
)
_RANGE = re.compile(rf"({_NUMBER})\s*(?:[-–—]|to|bis|à|\.\.)\s*({_NUMBER})(?:\s*([^\d\s].*))?")
_FRACTION = re.compile(rf"({_NUMBER})\s*/\s*({_NUMBER})(?:\s*(?:mm\s?hg))?", re.IGNORECASE)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?")
_DURATION = re.compile(
    rf"""(?:-?\d+\s*(?:days?|d|tage?)[,\s]+)?-?\d+:[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?
    |P(?:\d+[YMWD])*(?:T(?:\d+(?:\.\d+)?[HMS])+)?
    |(?:{_NUMBER}\s*{_LENGTH}[\s,]*){{2,}}(?:\d+)?|\d+h\d+""",
    re.VERBOSE | re.IGNORECASE,
)


def is_date(text: str) -> bool:
    """Whether a text is a date, a month, a quarter or a time of the 12-hour clock."""
    return bool(_DATES.fullmatch(text))


def compound(text: str) -> str | None:
    """The kind: "range", "fraction", "duration", "time of day"; or None.

    A range rises (5-10) and has no leading zero; a fraction (120/80) is no day and month; a
    duration beyond 24 hours or with a word for its unit is no time of day.
    """
    bare = text.lstrip("'’")
    if _CLOCK.fullmatch(bare):
        return "time of day"
    if len(bare) > 1 and _DURATION.fullmatch(bare):
        return "duration"
    if _FRACTION.fullmatch(bare):
        return "fraction"
    match = _RANGE.fullmatch(bare)
    return "range" if match and _rises(match[1], match[2]) else None


def _rises(low: str, high: str) -> bool:
    leading = any(re.match(r"0\d", number) for number in (low, high))
    return not leading and _float(low) < _float(high)


def _float(text: str) -> float:
    return float(text.replace(",", "."))


def are_bands(ranges: Sequence[str]) -> bool:
    """Whether ranges are names: bands that do not overlap (40-49, 50-59), or numbers of people.

    "3-2041" for the 2041st patient of site 3 rises too much for the limits of a measurement, and
    bands of lengths change the unit (1-3 months, 1-2 years).
    """
    pairs = sorted(set(_pairs(_RANGE, ranges)))
    words = {m[3] for t in ranges if (m := _RANGE.fullmatch(t.lstrip("'’"))) and m[3]}
    apart = [one[1] <= other[0] for one, other in itertools.pairwise(pairs)]
    steep = [high > 20 * low > 0 for low, high in pairs]
    return all(apart) or len(words) > 1 or sum(steep) > len(steep) / 2


def are_days(fractions: Sequence[str]) -> bool:
    """Whether fractions may be days, months and years of two digits: 24/12, 3/5, 11/86.

    7/10 beside 8/10 is a score, and 6/60 beside 6/9 the sight of an eye.
    """
    pairs = _pairs(_FRACTION, fractions)
    fixed = min(len({one for one, _ in pairs}), len({other for _, other in pairs})) == 1
    days = all(0 < min(pair) <= 12 and max(pair) <= 31 for pair in pairs)
    calendar = days or all(0 < one <= 12 and other < 100 for one, other in pairs)
    return calendar and (not fixed or any(re.match("0", text) for text in fractions))


def _pairs(pattern: re.Pattern[str], texts: Sequence[str]) -> list[tuple[float, float]]:
    matches = [pattern.fullmatch(text.lstrip("'’")) for text in texts]
    return [(_float(m[1]), _float(m[2])) for m in matches if m]
