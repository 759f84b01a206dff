"""The form of a rule of `text_scrub`, and what several of them share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from risk_model.signals.text_scrub_words import MEASURES

Span = tuple[int, int]

SPACE = r"[ \t\xa0\u2000-\u200a\u202f\u3000]"  # within a line
DASH = r"[-\u2010-\u2015]"
UPPER = "A-ZÀ-ÖØ-ÞĆČĐĘĞİŁŃŌŐŘŚŞŠŪŹŻŽ"
WORD = (  # that begins with a capital letter, without a genitive's s: O'Neil, al-Mansour, KELLER
    rf"(?:(?:[dDlLO]['’]|(?:al|el)-)?[{UPPER}][^\W\d_]{{1,40}}(?:['’](?![sS]\b)[^\W\d_]{{1,40}})?"
    rf"(?:{DASH}[^\W\d_]{{1,40}}){{0,2}}(?![^\W\d_]))"
)


def in_any_case(words: str) -> str:
    """Alternatives in whatever case: much faster than (?i:...), which tries each at each word."""
    return "(?:" + "|".join(f"[{w[0].upper()}{w[0]}](?i:{w[1:]})" for w in words.split("|")) + ")"


def before(match: re.Match[str], characters: int = 48) -> str:
    """What stands before `what`, at most so many characters."""
    start = match.start("what")
    return match.string[max(0, start - characters) : start]


def whole(match: re.Match[str]) -> Span:
    """The group `what` as it stands."""
    return match.span("what")


class Rule(NamedTuple):
    """A pattern with the group `what`, and which part of a match is replaced, None for nothing."""

    category: str
    pattern: re.Pattern[str]
    span: Callable[[re.Match[str]], Span | None] = whole


def rule(category: str, pattern: str, span: Callable[[re.Match[str]], Span | None] = whole) -> Rule:
    """A rule of a pattern in which ^ and $ are the ends of a line."""
    return Rule(category, re.compile(pattern, re.MULTILINE), span)


LAST_WORD = re.compile(rf"([^\s\d,;:=()]+)(?:{SPACE}|[:=(~<>])*$")
UNIT = (  # not part of a date, nor of a telephone number
    r"(?:%|[glmhux]\b(?!\.)|/(?:mL|dL|L|hpf|min|h|kg)\b|(?i:units?|iu|mg|mcg|µg|kg|lbs?|ml|cc|mm|cm|ft|hz|"
    r"mmhg|bpm|ms|msec|degrees|degs?|weeks?|wks?|months?|mos?|days?|hours?|hrs?|sec|min|tabs?|"
    r"tablets?|caps?|views?|doses?|cycles?|copies|cells|cfu|times|systolic|scale|points?|strength|"
    r"bottles|ppd|titrated|pills?)\b)"
)
NO_UNIT = rf"(?!{SPACE}?{UNIT})"


def measured(match: re.Match[str]) -> bool:
    """Whether the word right before it names a measurement, a dose or a scale."""
    word = LAST_WORD.search(before(match, 24))
    if word is None:
        return False
    name = word[1].lower()
    return any(part in MEASURES for part in (name, *name.split("/")))


def unmeasured(match: re.Match[str]) -> Span | None:
    """The group `what`, None right after the name of a measurement."""
    return None if measured(match) else whole(match)


def alternatives(words: list[str] | tuple[str, ...]) -> str:
    """The words as alternatives of a pattern, the longest first."""
    return "|".join(re.escape(word).replace(r"\ ", " ") for word in sorted(words, key=len)[::-1])
