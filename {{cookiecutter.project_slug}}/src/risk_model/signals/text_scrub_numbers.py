"""Rules for telephone numbers, e-mail and web addresses, record numbers and ages above 89."""

from __future__ import annotations

import re

from risk_model.signals.text_scrub_rules import (
    NO_UNIT,
    SPACE,
    Rule,
    Span,
    alternatives,
    before,
    measured,
    rule,
    unmeasured,
    whole,
)
from risk_model.signals.text_scrub_words import NUMBERS

YEARS_RANGE = re.compile(r"(?:19|20)\d\d[-/](?:19|20)?\d\d")
IN_WORDS = rf"(?:{alternatives(NUMBERS)})"


def _number_of(match: re.Match[str]) -> Span | None:
    """A value after a label that has digits enough: five, or four where a sign separates them."""
    label = NUMBER_LABEL.search(before(match))
    value = match["what"]
    if label is None or YEARS_RANGE.fullmatch(value):
        return None
    digits = sum(character.isdigit() for character in value)
    lettered = digits == 3 and any(c.isalpha() for c in value) and len(value) > 5
    return whole(match) if digits > 4 or (label["sign"] and (digits == 4 or lettered)) else None


def _telephone(match: re.Match[str]) -> Span | None:
    digits = re.sub(r"\D", "", match["what"])
    groups = re.findall(r"\d+", match["what"])
    times = all(len(group) == 4 for group in groups)  # 0900 1200 1500
    return None if not 7 <= len(digits) <= 15 or times or measured(match) else whole(match)


NUMBER_LABEL = re.compile(
    r"\b(?:MRNs?|MR|SSN|NHS|NPI|DEA|FIN|CSN|UNOS|HCPC|GMC|NMC|SN|VIN|RUN|Rx|ID|(?i:med(?:ical)?\.? "
    r"rec(?:ord)?s?|chart|record|acct|account|encounter|unit|hosp(?:ital)?|patient|case|claim|policy|"
    r"member|subscriber|group|medicare|medicaid|insurance|licen[cs]e|passport|badge|employee|serial|"
    r"sample|specimen|accession|donor|ref(?:erence)?|registration|ticket|invoice|blood bank|code))"
    rf"(?P<sign>(?:{SPACE}?(?i:id|no\b\.?|num(?:ber)?\b|code|#)|{SPACE}?[:#=])*){SPACE}*$"
)
VALUE = (
    r"(?P<what>[A-Z]?\d{2,5}(?: \d{2,6}){1,3}(?![\w/])|"
    r"[A-Z0-9]{0,20}\d[A-Z0-9]{0,20}(?:[-/][A-Z0-9]{1,20}){0,5}(?![\w.]\d|[A-Za-z])|"
    r"[A-Z]{1,4}(?:[-/][A-Z0-9]{1,20}){1,5}(?![A-Za-z]))"
)
PHONE_LABEL = re.compile(
    r"(?i:\b(?:tel|telephone|phone|fax|mobile|call(?:er|ed)?|callback|line|reach(?:ed)?|number|cell|"
    r"home|work|contact|text|ring)\b)[^\d\n]{0,24}$"
)
REST = r"(?:[ \t.-]?\(?\d{1,5}\)?)"


NUMBER_RULES: tuple[Rule, ...] = (
    rule("EMAIL", r"(?P<what>[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5})"),
    rule("URL", r"(?P<what>\b(?:https?://|www\.)[^\s<>\"')\]]{2,300}[^\s<>\"')\].,;:?!])"),
    rule(
        "URL",
        r"(?<![\w@.-])(?P<what>[a-z0-9][a-z0-9-]{1,62}(?:\.[a-z0-9-]{1,63}){0,3}"
        r"\.(?:com|org|net|edu|gov|info|io|co\.uk|nhs\.uk|ac\.uk|ie|ca|com\.au)"
        r"(?:/[^\s<>\"')\]]{0,300}[^\s<>\"')\].,;:?!])?)(?![\w@])",
    ),
    rule(
        "URL",
        r"\b(?P<what>(?=\d{1,3}\.\d{1,3}\.\d)(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}"
        r"(?:25[0-5]|1?\d?\d))(?![\d.])",
    ),
    rule("ID", r"(?<![\d-])(?P<what>\d{3}-\d{2}-\d{4})(?![\d-])", unmeasured),
    rule(
        "ID",
        r"(?i:parking|plate|registration|vehicle|reg)\b[^\n\d]{0,12}?"
        r"(?P<what>[A-Z]{2}\d{2} ?[A-Z]{3})\b",
    ),
    rule("ID", rf"(?<![\w/-]){VALUE}", _number_of),
    # telephone
    rule(
        "PHONE",
        r"(?i:\b(?:ext(?:ension)?|pager|beeper|bleep))\b\.?[ :#]{0,3}"
        r"(?P<what>[\d(][\d() .-]{6,15}\d|\d{3,7})(?![\w/-]|\.\d)",
    ),
    rule(
        "PHONE",
        r"(?i:\b(?:tel(?:ephone)?|phone|fax|mobile|sms|text))\b\.?(?: (?:no\.?|number|line|at|on))?"
        rf"[ :#]{{0,3}}(?P<what>\+?\(?\d{{2,5}}\)?{REST}{{1,5}})(?![\w/])",
        _telephone,
    ),
    rule(
        "PHONE",
        r"(?<![\w./+-])(?P<what>(?:\+?1[ .-])?(?:\(\d{3}\) ?|\d{3}[./-]|[2-9]\d{2} (?=[2-9]))"
        rf"\d{{3}}[ .-]\d{{4}})(?![\w/-]){NO_UNIT}",
        _telephone,
    ),
    rule("PHONE", rf"(?<![\w./+-])(?P<what>\+\d{{1,3}}{REST}{{2,5}})(?![\w/])", _telephone),
    rule(
        "PHONE",
        r"(?<![\w./(-])(?P<what>\(?0\d{2,4}\)?[ -]?\d{3,4}(?:[ -]?\d{3,4})?)(?![\w/-]|\.\d)",
        lambda match: (
            _telephone(match)
            if len(re.sub(r"\D", "", match["what"])) in (10, 11) and " " in match["what"]
            else None
        ),
    ),
    rule(
        "PHONE",
        r"(?<![\w./-])(?P<what>[2-9]\d{2}[-. ]\d{4})(?![\w/-])",
        lambda match: _telephone(match) if PHONE_LABEL.search(before(match)) else None,
    ),
    # long numbers that nothing announces
    rule(
        "ID",
        r"(?<![\w./,:-])(?P<what>(?!NCT|PMID|PMC)[A-Z]{0,3}\d{7,14}[A-Z]?)(?![\w/-]|[.,]\d)"
        rf"{NO_UNIT}",
        unmeasured,
    ),
    rule("ID", r"(?<![\w-])(?P<what>[A-Z]{1,3}-\d{6,10})(?![\w-])"),
    # ages above 89, as the HIPAA rule has it
    rule(
        "AGE",
        r"\b(?P<what>9\d|1[01]\d)(?=[ -]?(?i:(?:years?|yrs?)[ -]?(?:old|of age)|y\.?[/ ]?o\b|"
        r"y\.o\.|yr\b|yrs\b|years\b(?!,? (?:ago|history|later|of (?!age)|prior|earlier))))",
    ),
    rule(
        "AGE",
        r"\b(?i:aged?|turned|turning|age is)[ :=]{1,2}(?P<what>9\d|1[01]\d)\b"
        r"(?!/| ?(?:d|days?|weeks?|wks?|months?|mos?)\b)",
    ),
    rule(
        "AGE",
        r"(?:^|(?<=[.(:] )|\b(?i:an?|this|old) )(?P<what>9\d|1[01]\d)(?= ?[MF]\b(?! fever| temp))",
    ),
    rule(
        "AGE",
        rf"(?i:\b(?P<what>ninety(?:[ -]{IN_WORDS})?|(?:one|a) hundred(?: and)?(?: {IN_WORDS})?)"
        r"(?=[ -]years?[ -](?:old|of age)))",
    ),
)
