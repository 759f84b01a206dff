"""Rules for addresses: a house and its street, a postcode, a town where somebody lives."""

from __future__ import annotations

import re

from risk_model.signals.text_scrub_rules import (
    SPACE,
    WORD,
    Rule,
    Span,
    before,
    rule,
)
from risk_model.signals.text_scrub_words import NOT_NAMES

NUMBER = r"\d{1,5}[A-Za-z]?(?:-\d{1,5})?"
STREET = (
    r"(?i:street|st(?!\. [A-Z])|road|rd|avenue|ave|av|lane|ln|drive|dr(?!\.? [A-Z][a-z]|\. [A-Z])|"
    r"boulevard|blvd|way|court|ct|place|pl|"
    r"terrace|close|crescent|square|sq|hill|row|gardens|parkway|pkwy|trail|parade|rise|broadway|"
    r"view|walk|mews|grove|park|plaza|highway|hwy|circle|cir|loop|pike|alley|quay|cottages|"
    r"turnpike|cove|point|green|wharf|bend|crossing|path)\b\.?"
)
BEFORE_POSTCODE = re.compile(
    rf"(?:\b(?:{NUMBER} )?{WORD}(?: (?:of|the|y|{WORD})){{0,3}},{SPACE}*){{0,3}}"
    rf"(?:\b{NUMBER} )?\b{WORD}(?:{SPACE}{WORD}){{0,2}},?{SPACE}$"
)
IN_ADDRESSES = frozenset(
    "surgery lodge north south east west st ave road rd street avenue lane ln drive dr court ct "
    "place pl hill square sq blvd boulevard home house of the in floor room unit suite ward white "
    "black old new first second third fourth fifth".split()
)
NTH_STREET = r"(?:\d{1,3}(?:st|nd|rd|th|ST|ND|RD|TH))"
STREET_WORD = rf"(?:{WORD}|{NTH_STREET}|[NSEW]{{1,2}}\b\.?)"
WITHIN = rf"(?i:apt|apartment|unit|flat|suite|ste|room|rm)\b\.?{SPACE}?#?[\w-]{{1,6}}"
BUILDING = rf"(?:{WORD}{SPACE}){{1,2}}(?:House|Court|Lodge|Cottage|Farm|Surgery),{SPACE}"
POSTCODE = r"(?:[A-Z]{1,2}\d[A-Z\d]? \d(?!MG|ML|MM|CM|KG|ND|RD|TH|ST)[A-Z]{2}\b)"
STATE = (
    "(?:A[LKZR]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|"
    "T[NX]|UT|V[AT]|W[AIVY])"
)
ZIP = rf"(?:{STATE}\b(?:,?{SPACE}+\d{{5}}(?:-\d{{4}})?\b)?|\d{{5}}(?:-\d{{4}})?\b(?! ?units))"
TOWN = rf"(?:{WORD}(?:{SPACE}{WORD}){{0,2}})"
TAIL = (
    rf"(?:,?{SPACE}{WITHIN})?(?:{SPACE}(?:NW|NE|SW|SE|North|South|East|West)\b)?"
    rf"(?:,{SPACE}*{WITHIN})?"
    rf"(?:,{SPACE}*{WORD}{SPACE}(?:{WORD}{SPACE})?{STREET})?"
    rf"(?:,{SPACE}*{TOWN}(?=,?{SPACE}(?:{POSTCODE}|{ZIP})))?(?:,?{SPACE}+(?:{POSTCODE}|{ZIP}))?"
)
DWELLING = (
    r"(?i:lives?|lived|living|resides?|residing|born|raised|grew up|home|house) (?i:alone )?"
    r"(?i:in|at|near)|"
    r"(?:woman|man|male|female|lady|gentleman|farmer|teacher|native|resident|veteran|her|him) "
    r"(?:from|of)|"
    r"(?i:moved|drove|travel(?:l?ed)?|moving|relocated|flew|trip)(?: here| back| her| him)? "
    r"(?i:to|from)|"
    r"(?:[Mm]other|[Ff]ather|[Ss]ister|[Bb]rother|years,) from"
)


def _no_clinic(match: re.Match[str]) -> Span | None:
    """A place up to the comma before a word of clinics; None where no comma is."""
    start, end = match.span("what")
    while _of_clinics(match.string[start:end]):
        end = match.string.rfind(",", start, end)
        if end < 0:
            return None
    return start, end


def _of_clinics(place: str) -> bool:
    words = {word.lower() for word in re.findall(WORD, place) if len(word) > 2}
    clinical = words & NOT_NAMES - IN_ADDRESSES
    return not all(re.fullmatch(STREET, word) for word in clinical)


def _with_place(match: re.Match[str]) -> Span | None:
    """A postcode and the house, street and town before it."""
    place = BEFORE_POSTCODE.search(before(match, 100))
    start = match.start("what") - (len(place[0]) if place else 0)
    return start, match.end("what")


ADDRESS_RULES: tuple[Rule, ...] = (
    rule(
        "ADDRESS",
        rf"\b(?P<what>(?i:GPO|P\.?O\.?) Box {NUMBER}(?:,{SPACE}*{TOWN})?(?:,?{SPACE}{ZIP})?)",
    ),
    rule(
        "ADDRESS",
        rf"(?<![\w/.])(?P<what>(?:{BUILDING}|{WITHIN},{SPACE}*)?{NUMBER}(?: block of)?{SPACE}+"
        rf"(?:{STREET_WORD}{SPACE}+){{0,3}}?"
        rf"(?:{STREET_WORD}{SPACE}+{STREET}(?!{SPACE}{STREET}\b)|Broadway|BROADWAY)"
        rf"{TAIL}(?:,{SPACE}*{TOWN})?)",
        _no_clinic,
    ),
    rule(
        "ADDRESS",
        rf"\b(?P<what>{NUMBER},? (?:rue|via|calle|heol|avenida|rua|allée|chemin)(?: \w+){{1,4}}"
        rf"(?:,{SPACE}*{TOWN})?(?:,?{SPACE}{POSTCODE})?)",
    ),
    rule("ADDRESS", rf"\b(?P<what>{POSTCODE})", _with_place),
    rule(
        "ADDRESS",
        rf"\b(?P<what>{WORD}(?: {WORD})? (?:Street|Road|Avenue|Lane)(?:,{SPACE}{TOWN})?)\b"
        r"(?! (?:Hospital|Clinic|Surgery|Practice|Health|Medical))",
        _no_clinic,
    ),
    rule(
        "ADDRESS",
        rf"\b(?P<what>{TOWN},{SPACE}*{STATE},?{SPACE}+\d{{5}}(?:-\d{{4}})?)\b",
        _no_clinic,
    ),
    rule("ADDRESS", rf"\b(?:{DWELLING}){SPACE}+(?P<what>{TOWN}(?:,{SPACE}{STATE}\b)?)", _no_clinic),
)
