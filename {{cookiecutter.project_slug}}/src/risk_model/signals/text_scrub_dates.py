"""Rules for dates: in numbers, with months, in words, and days without a year after a word of time.

Three numbers in a row are more often measured than dated, so that a date must be one of the
calendar and does not stand right after the name of a measurement.
"""

from __future__ import annotations

import re

from risk_model.signals.text_scrub_rules import (
    DASH,
    NO_UNIT,
    SPACE,
    Rule,
    Span,
    alternatives,
    before,
    in_any_case,
    measured,
    rule,
    unmeasured,
    whole,
)
from risk_model.signals.text_scrub_words import (
    HOLIDAYS,
    MONTHS,
    MONTHS_SHORT,
    NUMBERS,
    ORDINALS,
)

YEARS = range(1870, 2100)


def _day(day: int, month: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31


def _calendar(match: re.Match[str]) -> Span | None:
    """Three numbers that are a day, a month and a year, in the orders that are written."""
    a, b, c = match["a"], match["b"], match["c"]
    if len(a) == 4:
        dated = int(a) in YEARS and _day(int(c), int(b))
    else:
        dated = _day(int(a), int(b)) or _day(int(b), int(a))
        dated = dated and (len(c) == 2 or int(c) in YEARS)
    if not dated or measured(match):
        return None
    plain = len(a) < 4 and len(c) == 2 and "0" not in (a[0], b[0])
    if plain and match["dash"] != "/" and not CUED.search(before(match)):
        return None
    return whole(match)


def day_of_month(match: re.Match[str]) -> Span | None:
    """Two numbers that are a day and a month, whatever stands before them."""
    a, b = int(match["a"]), int(match["b"])
    return unmeasured(match) if _day(a, b) or _day(b, a) else None


def _cued_day(match: re.Match[str]) -> Span | None:
    """A day and a month after a word that says when: 3 of 6 is a part, too, after some."""
    text = before(match)
    if ON.search(text):
        cued = not GRADED.search(text)
    elif CUED.search(text) or _begins_a_line(match):
        cued = True
    else:
        cued = bool(WEAK.search(text)) and int(match["b"]) not in SCALES
    return day_of_month(match) if cued else None


def _begins_a_line(match: re.Match[str]) -> bool:
    line_start = LINE_START.search(before(match))
    return bool(line_start and FOLLOWED.match(match.string, match.end()))


def _rising_days(match: re.Match[str]) -> Span | None:
    month, first, last = int(match["a"]), int(match["b"]), int(match["c"])
    dated = _day(first, month) and _day(last, month) and first < last
    return unmeasured(match) if dated else None


LONG = [month for month in MONTHS if month not in ("march", "may")]
BY_CASE = [form for m in (*MONTHS, *MONTHS_SHORT) for form in (m.title(), m.upper())]
MONTH = rf"(?:(?:{alternatives([*BY_CASE, *LONG])})\b\.?)"
MONTH_ALONE = rf"(?:{alternatives([f for m in MONTHS for f in (m.title(), m.upper())])})"
NTH = (
    r"(?:(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th|ST|ND|RD|TH)|"
    rf"(?i:(?:(?:twenty|thirty){DASH})?(?:{alternatives(ORDINALS)})))"
)
DAY = rf"(?:{NTH}|(?:3[01]|[12]\d|0?[1-9])(?![\d/]))"
IN_WORDS = rf"(?:{alternatives(NUMBERS)})"
YEAR = (
    r"(?:(?:18|19|20)\d{2}\b|['’]\d{2}\b|"
    rf"(?i:(?:nineteen|twenty|two thousand)(?:[ -](?:and )?{IN_WORDS}){{1,2}})\b)"
)
SHORT = rf"(?P<what>(?<![\d/.:-])(?P<a>\d{{1,2}})/(?P<b>\d{{1,2}})(?![\d/%+]|\.\d)){NO_UNIT}"
WHEN = in_any_case(
    r"since|until|till|date|dated|dob|born|b\.|arrival|arrived|admitted|admit|adm|discharged|"
    r"d/c|due|next|last|again|then|transfused|extubated|intubated|placed|removed|checked|collected|"
    r"received|drawn|sent|started|stopped|scheduled|follow[ -]?up|f/u|seen|fell|visit|return|"
    r"returns|pm|am|dx|doi|dos|surgery|yesterday|today|tomorrow|tonight"
)
END = rf"(?:{SPACE}|[:=.(~])*$"
CUED = re.compile(rf"\b{WHEN}{END}|[|]{SPACE}*$")
ON = re.compile(rf"\b(?:[Oo]n|ON){SPACE}+$")
LINE_START = re.compile(rf"(?:^|\n){SPACE}*$")
FOLLOWED = re.compile(rf"{SPACE}*:|{SPACE}+{DASH}")
SCALES = (2, 3, 4, 5, 6, 10)  # of which a number may be a part
GRADED = re.compile(
    r"(?i:\b(?:murmur|pain|strength|power|reflex(?:es)?|grade|graded|score|scored|edema|oedema|tone|"
    rf"pulses?|pressure)){SPACE}+on{SPACE}+$"
)
WEAK = re.compile(
    r"(?i:\b(?:ct|mri|cxr|xr|us|echo|cath|eeg|ekg|ecg|pet|labs?|bloods|cultures?(?: x\d)?|or|"
    r"survey|scan|biopsy|by|before|after|from|tka|tha|ingestion|at|to|through|thru|clinic|dose|injury|"
    rf"onset|procedure|session|class|call|rang|note)|{SPACE}/{SPACE}){SPACE}*[:(]?{SPACE}*$"
)

DATE_RULES: tuple[Rule, ...] = (
    rule(
        "DATE",
        r"(?<![\d./-])(?P<what>(?P<a>\d{4}|\d{1,2})(?P<dash>[/-])(?P<b>\d{1,2})(?P=dash)"
        rf"(?P<c>\d{{4}}|\d{{2}})(?:T\d{{2}}:\d{{2}}(?::\d{{2}})?Z?)?)(?![\d/%]|-\d|\.\d){NO_UNIT}",
        _calendar,
    ),
    rule(
        "DATE",
        r"(?<![\d./-])(?P<what>(?P<a>\d{1,2})(?P<dash>\.)(?P<b>\d{1,2})\.(?P<c>(?:19|20)\d\d))(?!\d)",
        _calendar,
    ),
    rule(
        "DATE",
        r"(?<![\d./-])(?P<what>(?P<a>\d{2})(?P<dash>\.)(?P<b>\d{2})\.(?P<c>\d{2}))(?![\d.])",
        _calendar,
    ),
    rule("DATE", r"(?<![\d./-])(?P<what>(?:1[0-2]|0?[1-9])/(?:19|20)\d{2})(?![\d/-])"),
    rule(
        "DATE",
        rf"(?<![\w/.-])(?P<what>(?:(?i:the) )?{DAY}[ -]?(?:(?i:day )?(?i:of) )?{MONTH}"
        rf"(?:,?[ -]?(?:{YEAR}|\d{{2}}\b(?!:)))?)(?!\w)",
    ),
    rule(
        "DATE",
        rf"\b(?P<what>{MONTH}[ -](?:(?i:the) )?{DAY}(?!\w)(?:,? ?{YEAR})?){NO_UNIT}",
    ),
    rule("DATE", rf"\b(?P<what>{MONTH},?(?: of)? {YEAR})"),
    rule(
        "DATE",
        r"\b(?i:in|since|last|next|early|late|mid|until|of|by|this|from|through)[ -]"
        rf"(?P<what>{MONTH_ALONE})\b(?!{DASH}[A-Z]|['’])",
    ),
    rule(
        "DATE", rf"\b(?P<what>{in_any_case(alternatives(HOLIDAYS))})\b(?! (?:disease|factor|tree))"
    ),
    rule(
        "DATE",
        rf"\b(?i:on|since|until|by|from|before|after) (?P<what>(?i:the) {NTH})"
        r"(?=[.,;:?!)\n]|$| (?:and(?! "
        rf"{NTH}"
        r")|at|with|for|he|she|they|we|when)\b)",
    ),
    rule(
        "DATE",
        rf"(?<![\d/.-])(?P<what>(?P<a>\d{{1,2}})/(?P<b>\d{{1,2}}){DASH}(?P=a)/(?P<c>\d{{1,2}}))"
        rf"(?![\d/%+-]){NO_UNIT}",
        _rising_days,
    ),
    rule("DATE", rf"{SHORT}", _cued_day),
)
CONNECTED = re.compile(rf"{SPACE}*(?:[,&–-]|\band\b|\bto\b|\bor\b){SPACE}*{SHORT}")
