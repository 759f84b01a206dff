"""Names, dates and numbers that identify, replaced by what they were: [NAME], [DATE].

Patterns and lists of words, as in Neamatullah et al. (2008): names are found after titles, labels,
relatives and acts, before degrees, by common given names, and wherever they are repeated in the
same note. What is written in no known form stays. This lowers what a model or a report can repeat;
it is no de-identification by itself, in the sense of a law or otherwise.
"""

from __future__ import annotations

import re

from risk_model.signals.text_scrub_addresses import ADDRESS_RULES
from risk_model.signals.text_scrub_dates import CONNECTED, DATE_RULES, day_of_month
from risk_model.signals.text_scrub_names import A_SIGN, NAME_RULES
from risk_model.signals.text_scrub_numbers import NUMBER_RULES
from risk_model.signals.text_scrub_rules import Rule, Span
from risk_model.signals.text_scrub_words import NOT_NAMES
from risk_model.signals.text_words import LINE_ENDS

CATEGORIES = ("NAME", "DATE", "PHONE", "EMAIL", "URL", "ID", "ADDRESS", "AGE")
RULES: tuple[Rule, ...] = (  # what is found first is taken
    *NUMBER_RULES,
    *DATE_RULES,
    *ADDRESS_RULES,
    *NAME_RULES,
)
AS_LINES = str.maketrans(LINE_ENDS, "\n" * len(LINE_ENDS))
PLACEHOLDER = re.compile(r"\[[A-Z]+\]")
SHORTEST = 3  # letters of a name that is looked for again in the same note
COMMON = frozenset(  # names that are words too: not looked for again
    "may will long young brown white black green gray grey bell day rose grant faith hope joy "
    "stone drum prior bright gold moon".split()
)


def identifying(text: str) -> list[tuple[str, Span]]:
    """What names a person: category and place of each, in order, none overlapping another."""
    text = text.translate(AS_LINES)
    matches = _Matches(text)
    for category, pattern, span in RULES:
        for match in pattern.finditer(text):
            matches.take(category, span(match))
    for end in [end for category, (_, end) in matches.places if category == "DATE"]:
        _connected_dates(text, end, matches)
    _repeated_names(text, matches)
    return sorted(matches.places, key=lambda place: place[1])


class _Matches:
    """The places that were found so far."""

    def __init__(self, text: str) -> None:
        self.places: list[tuple[str, Span]] = []
        self.covered = bytearray(len(text))
        for match in PLACEHOLDER.finditer(text):
            self._cover(match.span())

    def take(self, category: str, span: Span | None) -> bool:
        """Adds a place unless part of it was found before."""
        if span is None or any(self.covered[slice(*span)]):
            return False
        self.places.append((category, span))
        self._cover(span)
        return True

    def _cover(self, span: Span) -> None:
        self.covered[slice(*span)] = b"\x01" * (span[1] - span[0])


def _connected_dates(text: str, end: int, matches: _Matches) -> None:
    """Days without a year that follow a date: 3/2-3/9, and 9/19, 9/20."""
    while (match := CONNECTED.match(text, end)) and matches.take("DATE", day_of_month(match)):
        end = match.end()


def _repeated_names(text: str, matches: _Matches) -> None:
    names = {
        form
        for category, (start, end) in matches.places
        if category == "NAME"
        for word in re.findall(r"[^\W\d_]+", text[start:end])
        if len(word) >= SHORTEST and word[0].isupper() and word.lower() not in COMMON | NOT_NAMES
        for form in (word, word.title(), word.upper())
    }
    if not names:
        return
    again = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(names)))})\b")
    for match in again.finditer(text):
        if not A_SIGN.match(text, match.end()):
            matches.take("NAME", match.span())


def scrub(text: str) -> str:
    """The text with each match of `identifying` replaced by its category in brackets.

    Twice is as once.
    """
    pieces, at = [], 0
    for category, (start, end) in identifying(text):
        pieces += [text[at:start], f"[{category}]"]
        at = end
    return "".join([*pieces, text[at:]])
