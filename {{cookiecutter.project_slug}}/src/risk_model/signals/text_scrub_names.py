"""Rules for names of persons and for addresses.

A name is found after a title, a label, a relative or an act ("seen by"), before a degree, or by a
common given name. Each ends before the first word that is no name ("Dr Keller Notified").
"""

from __future__ import annotations

import re
from collections.abc import Callable

from risk_model.signals.text_scrub_rules import (
    DASH,
    SPACE,
    UPPER,
    WORD,
    Rule,
    Span,
    before,
    in_any_case,
    rule,
    whole,
)
from risk_model.signals.text_scrub_words import (
    ACTS_BY,
    ACTS_WITH,
    CLINICAL_ENDINGS,
    COMMON_GIVEN,
    DEGREES,
    EPONYM,
    GREETINGS,
    LABELS,
    NOT_NAMES,
    PARTICLES,
    RELATIVES,
    RELATIVES_OF_SEVERAL,
    ROLES,
    TITLES,
    TITLES_IN_WORDS,
    WEAK_LABELS,
)

INITIALS = rf"(?:[{UPPER}]\.{DASH}?{SPACE}?){{1,3}}"
FAMILY = rf"(?:(?i:{PARTICLES}){SPACE}+)?{WORD}"
NICKNAME = rf"(?:[\"“(]{WORD}[\"”)]{SPACE}+)?"
MIDDLE = rf"(?:{INITIALS}|[{UPPER}]{SPACE})?"
PERSON = rf"(?:{MIDDLE}{FAMILY}(?:{SPACE}{MIDDLE}{NICKNAME}{FAMILY}){{0,3}})"
FULL = (
    rf"(?:(?:{INITIALS}{FAMILY}|{WORD}{SPACE}{MIDDLE}{NICKNAME}{FAMILY})(?:{SPACE}{FAMILY}){{0,2}})"
)
INVERTED = rf"(?:{PERSON}(?:,{SPACE}*(?:{PERSON}|[{UPPER}]\.)(?:{SPACE}[{UPPER}]\b\.?)?)?)"
TITLE = rf"(?:\b(?:(?:{TITLES})\b\.?|(?:{TITLES_IN_WORDS})\b){SPACE}*)"
DEGREE = rf"(?:(?:{DEGREES})(?!\w))"
COLON = rf"{SPACE}*[:=]{SPACE}*[\"“]?{TITLE}{{0,2}}"
GAP = rf"(?:{SPACE}*[,:(]{SPACE}*|{SPACE}+)[\"“]?{TITLE}{{0,2}}"
PIECE = re.compile(rf"(?:[{UPPER}]\.)+|[^\W\d_][\w'’.\u2010-\u2015-]*")
A_PLACE = re.compile(  # what stands before a name that is a place's or a sign's
    r"(?:\b(?:St|Saint|Santa|San|Mount|Mt|Port|Lake|Fort|King|Queen|Royal|Prince|Princess|"
    rf"[Aa]ngle of)\b\.?){SPACE}*$"
)
ALONE = re.compile(rf"{SPACE}*(?:$|[(|/\[;]|,{SPACE}*[\d(+]|{SPACE}{{2}}|{SPACE}\d)", re.MULTILINE)
A_SIGN = re.compile(
    rf"(?:['’]s)?(?:{SPACE}|{DASH})*(?:{WORD}{SPACE})?(?i:{EPONYM}|hospital|clinic|university|county|wort)\b"
)
A_CUE = re.compile(f"{RELATIVES}|{ROLES}|{LABELS}|{WEAK_LABELS}|{GREETINGS}")
NO_SINGLE = frozenset("jan max ted ana sam art gene drew jordan victoria kelly florence".split())


def _no_name(word: str) -> bool:
    plain = word.strip(".").lower()
    if len(plain) < 2:
        return False
    ending = len(plain) > 6 and plain.endswith(CLINICAL_ENDINGS)
    called = plain in NOT_NAMES or A_CUE.fullmatch(plain) or re.fullmatch(DEGREES, word)
    return ending or bool(called)


def _person(match: re.Match[str]) -> Span | None:
    """The words of `what` before the first that is no name; None for none, and for a sign."""
    return _until_no_name(match, match.start("what"))


def _until_no_name(match: re.Match[str], start: int) -> Span | None:
    last = start
    for piece in PIECE.finditer(match.string, start, match.end("what")):
        if _no_name(piece[0]):
            break
        last = piece.end()
    name = match.string[start:last].rstrip(" \t.,-")
    if len(name) < 2 or A_SIGN.match(match.string, start + len(name)):
        return None
    return start, start + len(name)


def _abbreviation(name: str, most: int) -> bool:
    return name.isupper() and "." not in name and all(len(w) <= most for w in name.split())


def _labelled(match: re.Match[str]) -> Span | None:
    """A name after a label: no abbreviation such as NAD, and no answer such as "Patient: Okay."."""
    span = _person(match)
    if span is None or _abbreviation(match.string[slice(*span)], 3):
        return None
    if match["cue"].lower() not in ("patient", "pt") or _several(span, match.string):
        return span
    return span if ALONE.match(match.string, span[1]) else None


def _announced(match: re.Match[str]) -> Span | None:
    """A name after a relative, a role or an act: no abbreviation, unless all is in capitals."""
    span = _person(match)
    if span is None:
        return None
    short = _abbreviation(match.string[slice(*span)], 5)
    return None if short and not match["cue"].isupper() else span


def _after_patient(match: re.Match[str]) -> Span | None:
    """A name after "Pt": two words, or one that is no verb's form."""
    span = _person(match)
    if span is None or _abbreviation(name := match.string[slice(*span)], 3):
        return None
    return None if re.fullmatch(r"\w+(?:ed|ing|ly)", name.lower()) else span


def _last_words(match: re.Match[str]) -> Span | None:
    """The last words of `what`, when each may be a name: "Keller" of "Attending Keller"."""
    start = match.start("what")
    for piece in PIECE.finditer(match.string, start, match.end("what")):
        start = piece.start()
        if not _no_name(piece[0]):
            break
    span = _until_no_name(match, start)
    return span if span and span[1] == match.end("what") else None


def _several(span: Span | None, text: str) -> Span | None:
    return span if span and re.search(r"[\s,.]", text[slice(*span)]) else None


def _two_words(match: re.Match[str]) -> Span | None:
    return _several(_person(match), match.string)


def _last_two_words(match: re.Match[str]) -> Span | None:
    return _several(_last_words(match), match.string)


def _title_case(match: re.Match[str]) -> Span | None:
    """Two words or more that are no heading in capitals."""
    return None if match["what"].isupper() else _last_two_words(match)


def _given(match: re.Match[str]) -> Span | None:
    """A common given name and what follows it."""
    pieces = list(PIECE.finditer(match.string, *match.span("what")))
    first = next((piece.start() for piece in pieces if _is_given(piece[0])), None)
    if first is None or A_PLACE.search(match.string[max(0, first - 16) : first]):
        return None
    return _several(_until_no_name(match, first), match.string)


def _inverted(match: re.Match[str]) -> Span | None:
    """Family name, comma, common given name."""
    return _last_two_words(match) if _is_given(match["given"]) else None


def _is_given(word: str) -> bool:
    return re.split(DASH, word)[0].lower() in COMMON_GIVEN


def _single(match: re.Match[str]) -> Span | None:
    """One common given name, written Anna, where it is no place's or sign's."""
    word = match["what"]
    if not _is_given(word) or word.lower() in NO_SINGLE or not word[1:2].islower():
        return None
    sign = A_SIGN.match(match.string, match.end("what"))
    return None if sign or A_PLACE.search(before(match, 16)) else whole(match)


def _named(cue: str, between: str, name: str, span: Callable[[re.Match[str]], Span | None]) -> Rule:
    return rule("NAME", rf"\b(?P<cue>{in_any_case(cue)})\b{between}(?P<what>{name})", span)


AGED = (
    rf",?(?:{SPACE}{{1,3}}|{SPACE}\()"
    r"(?:\d{1,3} ?(?i:yo\b|y/o|y\.o|M\b|F\b|years?\b|yrs?\b)|\d{2}[.,]|"
    r"D\.?O\.?B|MRN|b\. |s/p\b|(?i:acct|account|hosp|nhs|chart|mrn)\b)"
)
IN_BRACKETS = rf"{SPACE}?\((?:(?i:{RELATIVES}|{ROLES}|hosp)\)|{DEGREE}|PGY|MS\d)"
NAME_RULES: tuple[Rule, ...] = (
    _named(f"{LABELS}|{ROLES}", COLON, INVERTED, _labelled),
    _named(WEAK_LABELS, COLON, INVERTED, _two_words),
    rule("NAME", rf"{TITLE}{{1,2}}(?P<what>{PERSON})", _person),
    rule("NAME", rf"\b(?i:drs)\b\.? {WORD} (?:and|&) (?P<what>{PERSON})", _person),
    rule("NAME", rf"\b(?:[Pp]t|[Pp]atient|PATIENT){SPACE}(?P<what>{PERSON})", _after_patient),
    _named(ACTS_BY, f":?{GAP}", PERSON, _announced),
    _named(ACTS_WITH, GAP, PERSON, _announced),
    _named(RELATIVES, rf"(?:,? named|,? called)?(?!{SPACE}*:){GAP}", PERSON, _announced),
    _named(RELATIVES_OF_SEVERAL, rf"{GAP}{WORD} (?:and|&) ", PERSON, _announced),
    _named(ROLES, rf"(?!{SPACE}*:){GAP}", PERSON, _announced),
    _named("re|regarding", SPACE, FULL, _two_words),
    _named(
        "name is|name was|i reviewed|i saw|i met|i examined|i assessed|i called",
        GAP,
        PERSON,
        _announced,
    ),
    _named(GREETINGS, GAP, PERSON, _announced),
    rule(
        "NAME",
        rf"\b(?=[{UPPER}])(?P<what>{FULL}|[{UPPER}] {FAMILY}|{WORD}(?=,))(?=,?{SPACE}+{DEGREE})",
        _last_words,
    ),
    rule("NAME", rf"\b(?=[{UPPER}])(?P<what>{PERSON})(?={IN_BRACKETS})", _last_words),
    rule("NAME", rf"\b(?=[{UPPER}])(?P<what>{FULL})(?={AGED})", _last_two_words),
    rule(
        "NAME",
        rf"\b(?=[{UPPER}])(?P<what>{FULL}|{WORD})(?= is an? (?:\d|[\w-]+-year))",
        _last_words,
    ),
    rule("NAME", rf"\A(?P<what>{FULL})(?={SPACE}?[;,]|{SPACE}{DASH})", _title_case),
    rule("NAME", rf"\b(?=[{UPPER}])(?P<what>{FULL})", _given),
    rule(
        "NAME",
        rf"\b(?=[{UPPER}])(?P<what>{FAMILY},{SPACE}*(?P<given>{WORD})(?:{SPACE}+[{UPPER}]\b)?)",
        _inverted,
    ),
    rule("NAME", rf"(?:^|[;:,(/–—-]{SPACE}*)(?P<what>{INITIALS}{FAMILY})", _last_two_words),
    rule("NAME", rf"^(?:--?|—|~|/s/){SPACE}*(?P<what>{PERSON})", _labelled),
    rule("NAME", rf"\b(?=[{UPPER}])(?P<what>{WORD})", _single),
)
