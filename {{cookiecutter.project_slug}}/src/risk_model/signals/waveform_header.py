"""What a WFDB header says that must not be guessed: gain, unit, and the patient's age and sex.

The wfdb package fills in what a header leaves out, and drops signs that it does not expect. So the
text itself is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from risk_model.core.errors import UserError
from risk_model.signals import Remark

TO_MV = {
    "V": 1e3,
    "mV": 1.0,
    "mv": 1.0,
    "uV": 1e-3,
    "uv": 1e-3,
    "µV": 1e-3,  # micro sign
    "μV": 1e-3,  # mu
}
GAIN = re.compile(r"\S+\s+\S+\s+(-?[\d.]+(?:[eE][+-]?\d+)?)(?:\(-?\d+\))?(?:/(\S+))?(?:\s|$)")

OLDEST = 120.0  # years
# how many make a year, by the first letter of what UNIT matches
PER_YEAR = {"y": 1.0, "m": 12.0, "w": 365.25 / 7, "d": 365.25, "h": 365.25 * 24}
UNIT = r"(years?|yrs?|y/?o|y|months?|mos?|mths?|weeks?|wks?|w|days?|d|hours?|hrs?|h)\b(?!/)"
NUMBER = r"(\d+(?:[.,]\d+)?)"
WHOLE = r"(?![\d+]|[.,]\d|\s?[-–]\s?\d)"  # neither a piece of a number nor the start of a range
AGE = re.compile(rf"\bage>?[\s:=(_]*(?:in\s+)?(?:{UNIT}[\s:=)>_]*)?{NUMBER}{WHOLE}")
AFTER = re.compile(rf"\s*{UNIT}")
MORE = re.compile(rf"\s+(?:and\s+)?{NUMBER}\s*{UNIT}")
OTHER, MALE = re.compile(r"[^\W\d_]"), re.compile(r"\s+m\b")
AGE_STATED = re.compile(r"\bage\b[^\d#]{0,12}\d")
SEX = re.compile(r"\bsex\W{1,4}(male|female|m|f)\b")
AGE_UNKNOWN = Remark(
    "warning",
    "age",
    f"tell an age that is no number of years, months, weeks or days up to {OLDEST:g} years: not "
    "used",
    "write it into the table's column of ages",
)


class Calibration(NamedTuple):
    """A signal's unit and what its values are multiplied by to be in it."""

    unit: str
    factor: float


def calibration(unit: str) -> Calibration:
    """Volts of every size become mV; what is measured in anything else stays as it is."""
    return Calibration("mV", TO_MV[unit]) if unit in TO_MV else Calibration(unit, 1.0)


def unit_remarks(units: set[str]) -> list[Remark]:
    """Which units were converted."""
    converted = sorted(unit for unit in units - {"mV", "mv"} if unit in TO_MV)
    return [Remark("note", "unit", f"are in {unit} and were converted to mV") for unit in converted]


def header_text(stem: Path) -> str:
    """The header beside the record's samples.

    Raises:
        UserError: there is none.
    """
    path = stem.with_name(f"{stem.name}.hea")
    try:
        content = path.read_bytes()
    except OSError:
        raise UserError(f"there is no header {path.name}, or it cannot be read") from None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def signal_lines(text: str) -> list[str]:
    """The lines of a header that describe a signal each."""
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")][1:]


def stated_unit(line: str, lead: str) -> str:
    """The unit of a signal as it is written, mV where none is.

    Raises:
        UserError: the signal was never calibrated; wfdb takes 200 for a gain of 0 or none.
    """
    match = GAIN.match(line)
    if not match or not 0 < abs(float(match[1])) < inf:
        raise UserError(
            f"wrong gain: the header gives lead {lead} none, or 0 for uncalibrated; calibrate the "
            "record"
        )
    return match[2] or "mV"


def patient_fields(text: str) -> tuple[Mapping[str, Any], list[Remark]]:
    """Age in years and sex, where the header's comments tell them, and a remark on other ages."""
    comments = " ".join(line for line in text.splitlines() if line.startswith("#")).lower()
    fields: dict[str, Any] = {}
    age = _age(comments)
    if age is not None:
        fields["age"] = age
    if sex := SEX.search(comments):
        fields["sex"] = sex[1][0].upper()
    return fields, [AGE_UNKNOWN] if age is None and AGE_STATED.search(comments) else []


def _age(comments: str) -> float | None:
    """Years, of "63", "age (months): 8", "6 weeks", "2 years 3 months"; None where none is told."""
    match = AGE.search(comments)
    if not match:
        return None
    rest = comments[match.end() :]
    after = AFTER.match(rest)
    if not after and (OTHER.match(rest) or (MALE.match(rest) and SEX.search(comments))):
        return None  # a letter that is no unit, or might be months as well as male
    years = _years(match[2], match[1] or (after[1] if after else "y"))
    rest = rest[after.end() :] if after else ""
    while more := MORE.match(rest):
        years += _years(more[1], more[2])
        rest = rest[more.end() :]
    return years if years <= OLDEST else None


def _years(number: str, unit: str) -> float:
    return float(number.replace(",", ".")) / PER_YEAR[unit[0]]
