"""A number as people and exports write it, taken apart: "'5,1 mg/L", '="12"', "(3)", "1 234".

What of a text is the number, and what is decoration?
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from risk_model.data.first_look.unit_names import unit_of

SPACES = " \u00a0\u2007\u2009\u202f\u2002\u2003"
LONGEST = 40  # characters; more is a sentence
MINUS = "\u2212\u2012\u2013\u2014\u2010\u2011\ufe63\uff0d"
_CENSORED = re.compile(
    r"(?:&lt;|&gt;|[<>≤≥]\s*=?|=\s*[<>]|under|over|below|above|less than|more than|at least|"
    r"greater than|up to|unter|über|kleiner|größer)\s*(?=[\d.,])",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:[~≈∼±]|c\.|ca\.?|circa|about|approx\.?|etwa|env\.?)\s*(?=\d)", re.IGNORECASE
)
_CURRENCY = r"(?:[$€£¥]|US\$|USD|EUR|GBP|CHF|Rs\.?)"
_FLAG = re.compile(r"\s*(?:\(\s*(?:H|L|HH|LL|A|N)\s*\)|\s(?:HH?|LL?)|[*!↑↓])$")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:([ '’.,])\d{3})(?:\1\d{3})*")
_PLAIN = re.compile(r"\+?-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class Written:
    """A number's digits and how they are decorated."""

    core: str  # with "-" for every minus sign and " " for every space
    marks: tuple[tuple[str, str], ...]  # (kind, detail)


@functools.lru_cache(maxsize=65536)
def peel(text: str) -> Written | None:
    """What is around a number, from the outside in; None when no number is left.

    The core may still be written with a decimal comma, in groups of thousands or as a power of ten:
    `form` tells.
    """
    if len(text) > LONGEST:
        return None
    marks: list[tuple[str, str]] = []
    rest = _wrappers(text.strip(), marks)
    rest = _before(rest, marks)
    rest = _behind(rest, marks)
    rest = _sign(rest, marks)
    return Written(rest, tuple(marks)) if form(rest) else None


def _wrappers(text: str, marks: list[tuple[str, str]]) -> str:
    for kind, pattern in (
        ("formula", r'=\s*"?([^"<>]+)"?'),
        ("quotes", r'["“”„«]\s*(.+?)\s*["“”»]'),
        ("apostrophe", r"['’‘`´]\s*([^'’‘`´]+)['’‘`´]?"),
        ("parentheses", r"\(\s*([^()]*\d[^()]*)\s*\)"),
    ):
        match = re.fullmatch(pattern, text)
        if match:
            marks.append((kind, ""))
            text = match[1].strip()
    return text


def _before(text: str, marks: list[tuple[str, str]]) -> str:
    for kind, pattern in (("censored", _CENSORED), ("approximate", _ABOUT)):
        match = pattern.match(text)
        if match:
            marks.append((kind, ""))
            text = text[match.end() :]
    match = re.match(rf"([-{MINUS}]?)\s*{_CURRENCY}\s*(?=[-\d.])", text)
    if match:
        marks.append(("currency", ""))
        text = match[1] + text[match.end() :]
    return text


def _behind(text: str, marks: list[tuple[str, str]]) -> str:
    flag = _FLAG.search(text)
    if flag and text[:1].isdigit():
        marks.append(("flag", flag[0].strip()))
        text = text[: flag.start()]
    match = re.fullmatch(r"(.*\d)\s*([%٪％])", text)
    if match:
        marks.append(("percent", ""))
        return match[1]
    if re.fullmatch(r"\d[\d.,]*\s*\+", text):
        marks.append(("censored", "+"))
        return text.rstrip("+ ")
    return _unit(text, marks)


def _unit(text: str, marks: list[tuple[str, str]]) -> str:
    if re.fullmatch(rf".*\d\s*{_CURRENCY}", text):
        marks.append(("currency", ""))
        return re.sub(rf"\s*{_CURRENCY}$", "", text)
    power = re.fullmatch(r"([\d.,]+)\s+(10\s*\^?\d{1,2}\s*/.+)", text)
    if power and (unit := unit_of(power[2])):
        marks.append(("unit", unit))
        return power[1]
    # the number ends where the shortest tail that is a unit begins
    match = re.match(rf"(.*?\d\.?)([{SPACES}]*)([^\d\s.,].*)$", text)
    while match:
        unit = unit_of(match[3])
        if unit and form(_spaces(match[1]).lstrip("-+ " + MINUS)):
            marks.append(("unit", unit))
            return match[1]
        match = re.match(rf"(.{{{len(match[1])}}}.*?\d\.?)([{SPACES}]*)([^\d\s.,].*)$", text)
    return text


def _spaces(text: str) -> str:
    return "".join(" " if c in SPACES else c for c in text)


def _sign(text: str, marks: list[tuple[str, str]]) -> str:
    text = _spaces(text).strip()
    match = re.match(rf"([-+{MINUS}])( *)(?=[\d.,])", text)
    if match and match[1] in MINUS:
        marks.append(("minus sign", ""))
    elif match and match[2]:
        marks.append(("leading sign", ""))
    if match:
        return ("" if match[1] == "+" else "-") + text[match.end() :]
    trailing = re.fullmatch(rf"([\d.,]+) ?[-{MINUS}]", text)
    if trailing:
        marks.append(("trailing minus", ""))
        return "-" + trailing[1]
    return text


def form(core: str) -> str:
    """How the digits are written.

    "plain", "thousands", "decimal comma", "decimal comma and thousands", "comma" (1,234: either
    of the two), "dot" (1.234.567), "exponent comma", "power of ten"; "" when it is no number.
    """
    digits = core.removeprefix("-")
    if not digits.isascii() and not any(c in "×·’⁰¹²³⁴⁵⁶⁷⁸⁹⁻" for c in digits):
        return ""
    if re.fullmatch(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", digits):
        return "plain"
    grouped = _GROUPED.match(digits)
    end = digits[grouped.end() :] if grouped else ""
    if grouped:
        mark, once = grouped[1], len(re.findall(r"\D", grouped[0])) == 1
        if mark in " '’" and re.fullmatch(r"(?:\.\d+)?", end):
            return "thousands"
        if mark in " '’." and re.fullmatch(r",\d+", end):
            return "decimal comma and thousands"
        if mark == "," and re.fullmatch(r"\.\d+", end):
            return "thousands"
        if mark in ".," and not end and not once:
            return "dot" if mark == "." else "thousands"
        if mark == "," and not end:
            return "comma"
    if re.fullmatch(r"\d+,\d+|,\d+", digits):
        return "decimal comma"
    if re.fullmatch(r"\d+,\d+[eE][+-]?\d+", digits):
        return "exponent comma"
    if re.fullmatch(r"\d+(?:[.,]\d+)? ?[x×*·] ?10(?:\^|\*\*)?[-⁻]?[\d⁰¹²³⁴⁵⁶⁷⁸⁹]+", digits):
        return "power of ten"
    return ""


def value(core: str, decimal: str, thousands: str) -> float | None:
    """The number that a peeled core stands for, or None when the marks do not allow it."""
    kind = form(core)
    text = re.sub(r"[ '’]", "", core) if "thousands" in kind else core
    if thousands and (kind != "plain" or _GROUPED.fullmatch(core.removeprefix("-"))):
        text = text.replace(thousands, "") if _in_groups(core, decimal) else text
    if decimal != ".":
        if "." in text:
            return None
        text = text.replace(decimal, ".")
    number = float(text) if _PLAIN.fullmatch(text) else float("inf")
    return number if abs(number) < float("inf") else None


def _in_groups(core: str, decimal: str) -> bool:
    """Whether the digits before the decimal mark stand in threes."""
    return bool(_GROUPED.fullmatch(core.removeprefix("-").partition(decimal)[0]))
