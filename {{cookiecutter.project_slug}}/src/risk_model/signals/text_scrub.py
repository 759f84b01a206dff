"""Names, dates and numbers that identify, replaced by what they were: [NAME], [DATE].

Patterns alone, as in Neamatullah et al. (2008): names are found after titles and labels, and
wherever they are repeated in the same note. What is written in no known form stays. This lowers
what a model or a report can repeat; it is no de-identification in the sense of a law, and no
substitute for one.
"""

from __future__ import annotations

import re

Span = tuple[int, int]

CATEGORIES = ("NAME", "DATE", "PHONE", "EMAIL", "ID", "ADDRESS", "AGE")
MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
CAPITAL = r"[A-ZÀ-ÖØ-Þ](?:['’][A-ZÀ-ÖØ-Þ])?[\w'’]*[^\W\d_](?:-[A-ZÀ-ÖØ-Þ]\w+)?"
DEGREE = r"(?:MD|M\.D\.|RN|DO|NP|PA-C|PhD|MBBS|FRCP)(?!\w)"
TITLE = r"(?:Dr|Mr|Mrs|Ms|Miss|Prof|Professor|Doctor|Nurse|Sister|Sr|Rev)\b\.?"
PERSON = rf"(?!{TITLE}){CAPITAL}(?:[ \t]+(?:[A-Z]\.[ \t]*)?{CAPITAL}){{0,2}}"
FULL = rf"(?!{TITLE}){CAPITAL}(?:[ \t]+[A-Z]\.)?(?:[ \t]+{CAPITAL}){{1,2}}"
LABEL = (
    r"(?:[Pp]atient(?:[ \t]+[Nn]ame)?|PATIENT(?:[ \t]NAME)?|[Nn]ame|NAME|[Aa]ttending(?:[ "
    r"\t]physician)?|[Pp]hysician"
    r"|[Cc]onsultant|[Pp]rovider|[Cc]linician|[Aa]uthor|[Rr]eferr(?:ed|ing)(?:[ "
    r"\t]by)?|[Cc]ontact|[Nn]ext of kin"
    r"|PCP|GP|RE|cc|CC)[ \t]*[:=]"
)
BY = (
    r"(?:(?:[Ss]igned|[Dd]ictated|[Ss]een|[Rr]eviewed|[Aa]uthored|[Ee]lectronically "
    r"signed|[Rr]eferred|[Ee]scorted)"
    r"[ \t]+by)"
)
STREET = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Way|Court|Ct|Place|Pl|Terrace|Close|Crescent"
    r"|Square|Sq|Hill|Row|Gardens|Parkway|Pkwy)\b\.?"
)
NUMBER_LABEL = (
    r"(?:MRN|SSN|NHS(?:[ \t](?:[Nn]o\.?|[Nn]umber))?|[Mm]edical record(?:[ \t]number)?"
    r"|[Rr]ecord(?:[ \t](?:no\.?|number))|[Aa]ccount(?:[ \t](?:no\.?|number))?|[Hh]ospital "
    r"(?:no\.?|number)"
    r"|[Pp]atient ID|ID|[Pp]olicy|[Aa]ccession|[Cc]ase no)"
)
UNIT = r"(?:[ \t]?(?:Apt|Unit|Flat|Suite|Ste)\.?[ \t]?#?\w+)"

# In this order: what is found first is taken; `what` is the part that is replaced.
PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("EMAIL", re.compile(r"(?P<what>[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5})")),
    (
        "ID",
        re.compile(
            rf"\b{NUMBER_LABEL}[ \t]*[:#=.]?[ \t]*#?[ \t]*(?P<what>[A-Z]{{0,3}}-?\d[\d "
            rf"-]{{3,20}}\d)"
        ),
    ),
    ("ID", re.compile(r"\b(?P<what>\d{3}-\d{2}-\d{4})\b")),
    ("DATE", re.compile(r"(?<![\d.])(?P<what>\d{1,4}[/-]\d{1,2}[/-]\d{2,4})(?![\d/])")),
    ("DATE", re.compile(r"(?<![\d.])(?P<what>\d{1,2}\.\d{1,2}\.(?:19|20)\d{2})(?!\d)")),
    (
        "DATE",
        re.compile(
            rf"\b(?P<what>\d{{1,2}}(?:st|nd|rd|th)?[ -](?:of )?{MONTH}(?:,?[ -]\d{{2,4}})?)\b"
        ),
    ),
    ("DATE", re.compile(rf"\b(?P<what>{MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?)\b")),
    ("DATE", re.compile(rf"\b(?P<what>{MONTH},? (?:19|20)\d{{2}})\b")),
    (
        "DATE",
        re.compile(
            r"\b(?:on|since|until|[Ss]een|[Aa]rrival|[Dd]ated?|DATE|[Aa]dmitted|[Dd]ischarged)[ "
            r"\t]*:?[ \t]*"
            r"(?P<what>(?:1[0-2]|0?[1-9])/(?:3[01]|[12]\d|0?[1-9]))(?![\d/])"
        ),
    ),
    (
        "PHONE",
        re.compile(
            r"(?<![\w.])(?P<what>(?:\+\d{1,3}[ .-]?)?\(?\d{3,5}\)?[ .-]\d{3}[ .-]?\d{3,4})(?![\w])"
        ),
    ),
    (
        "PHONE",
        re.compile(
            r"(?:[Tt]el|[Pp]hone|[Ff]ax|[Pp]ager|[Mm]obile|[Ee]xt)\.?:?[ \t]*(?P<what>\+?\d[\d "
            r"().-]{2,20}\d)"
        ),
    ),
    (
        "ADDRESS",
        re.compile(
            rf"\b(?P<what>\d{{1,5}}[A-Za-z]?[ \t]+(?:{CAPITAL}[ \t]+){{1,3}}{STREET}(?:,?{UNIT})?"
            rf"(?:,[ \t]*{CAPITAL}(?:[ \t]{CAPITAL})?)?(?:,?[ \t]*[A-Z]{{2}}[ "
            rf"\t]+\d{{5}}(?:-\d{{4}})?)?)"
        ),
    ),
    ("AGE", re.compile(r"\b(?P<what>(?:9\d|1[0-2]\d))(?=[ -](?:years?|yrs?)\b|[ -]?y/?o\b)")),
    ("AGE", re.compile(r"\b(?:[Aa]ged?|AGE)[ \t]*[:=]?[ \t]*(?P<what>(?:9\d|1[0-2]\d))\b")),
    (
        "NAME",
        re.compile(
            rf"(?:\b{LABEL}|\b{BY}:?)[ \t]*(?:{TITLE}[ \t]*)?(?P<what>{PERSON}(?:,[ "
            rf"\t]*(?!{DEGREE}){CAPITAL})?)"
        ),
    ),
    ("NAME", re.compile(rf"\b{TITLE}[ \t]*(?P<what>{PERSON})")),
    (
        "NAME",
        re.compile(
            r"\b(?:[Ll]ives|[Ss]poke|[Dd]iscussed|[Aa]ccompanied|[Tt]alked)[ \t]+(?:with|to|by)[ "
            rf"\t]+(?P<what>{FULL})"
        ),
    ),
    ("NAME", re.compile(rf"\b(?P<what>{FULL})(?=,?[ \t]+{DEGREE})")),
)
SHORTEST = 3  # letters of a name that is looked for again in the same note
COMMON = frozenset(  # capitalised beside names, and words that are names too: not looked for again
    "The This She He They His Her Patient Reports Denies Seen Name Date Dr Mr Mrs Ms Hospital "
    "Clinic Ward Unit "
    "Emergency Department General May Will Long Young Brown White Black Green Gray Grey Bell Day "
    "Rose Grant Faith Hope "
    "Joy".split()
)


def identifying(text: str) -> list[tuple[str, Span]]:
    """What names a person: category and place of each, in order, none overlapping another."""
    matches: list[tuple[str, Span]] = []
    covered = bytearray(len(text))
    for category, pattern in PATTERNS:
        for match in pattern.finditer(text):
            _take(category, match.span("what"), matches, covered)
    names = {
        word
        for category, (start, end) in matches
        if category == "NAME"
        for word in _name_words(text[start:end])
    }
    if names:
        again = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(names)))})\b")
        for match in again.finditer(text):
            _take("NAME", match.span(), matches, covered)
    return sorted(matches, key=lambda item: item[1])


def _take(category: str, span: Span, matches: list[tuple[str, Span]], covered: bytearray) -> None:
    start, end = span
    if not any(covered[start:end]):
        matches.append((category, span))
        covered[start:end] = b"\x01" * (end - start)


def _name_words(name: str) -> list[str]:
    return [
        word
        for word in re.findall(r"[^\W\d_]+", name)
        if len(word) >= SHORTEST and word not in COMMON
    ]


def scrub(text: str) -> str:
    """The text with each match of `identifying` replaced by its category in brackets.

    Twice is as once.
    """
    pieces, at = [], 0
    for category, (start, end) in identifying(text):
        pieces += [text[at:start], f"[{category}]"]
        at = end
    return "".join([*pieces, text[at:]])
