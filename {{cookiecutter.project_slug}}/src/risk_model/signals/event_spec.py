"""What a cohort of events is: the moment, who is eligible, the outcome and the features.

A page that a clinician can read, kept in the package, so that another hospital and the server use
the very same. `event_spec_reading` reads it from YAML or JSON and refuses what is unclear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, get_args

from risk_model.core.errors import UserError

SECONDS = {"min": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_557_600}
HOUR = 3_600_000_000  # microseconds
YEAR = SECONDS["y"] * 1_000_000
LONGEST = 1_000 * YEAR
START = "since start"  # the window from the index event to the moment, both ends included
DEATH, BIRTH = "MEDS_DEATH", "MEDS_BIRTH"
Take = Literal["last", "first", "min", "max", "mean", "count", "slope", "hours_since"]
TAKES: tuple[Take, ...] = get_args(Take)
# what needs no number, and can be asked of diagnoses and procedures
WITHOUT_NUMBER = frozenset({"count", "hours_since"})
Which = Literal["first", "last", "all"]
NotFollowed = Literal["exclude", "no event"]


@lru_cache(maxsize=256)
def micros(duration: str) -> int:
    """Microseconds of a duration such as 48h or 1.5d; a year has 365.25 days.

    Raises:
        UserError: it is none; `m` is none, for it may be minutes or months.

    >>> micros("12h") // HOUR, micros("1w") // micros("1d")
    (12, 7)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]+)", duration)
    if match and match[2] in ("m", "mo"):
        raise UserError(f"'{duration}' may be minutes or months; write min, or days such as 30d")
    if not match or match[2] not in SECONDS:
        raise UserError(
            f"'{duration}' is no duration; write a number and one of {', '.join(SECONDS)}, such as "
            "48h"
        )
    length = round(float(match[1]) * SECONDS[match[2]] * 1_000_000)
    if length > LONGEST:
        raise UserError(f"'{duration}' is longer than 1000 years")
    return length


def matches(code: str, patterns: tuple[str, ...]) -> bool:
    """Whether a code is one of the patterns: the code itself, or its beginning and *.

    >>> matches("ICD10CM/E11.9", ("ICD10CM/E11*",)), matches("HR", ("H",))
    (True, False)
    """
    return any(
        code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern
        for pattern in patterns
    )


@dataclass(frozen=True)
class Index:
    """The moments: `plus` after the first, last or each index event, or a series after each.

    A series has a moment `every` so often, before the first `until` event and the next index
    event's own series, and `at_most` so many.
    """

    event: tuple[str, ...]
    plus: str = "0h"
    which: Which = "all"
    every: str = ""
    until: tuple[str, ...] = ()
    at_most: int = 1


@dataclass(frozen=True)
class Rule:
    """Who is eligible by what is known at the moment; one of age, some_of and none_of.

    `age` in years, both ends included; `within` is a window before the moment, all time where "".
    """

    name: str
    age: tuple[float, float] | None = None
    some_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    within: str = ""
    at_least: int = 1


@dataclass(frozen=True)
class Outcome:
    """What is predicted: an event later than `gap` after the moment.

    It counts up to `horizon` after the moment, the first `until` event, or whichever is earlier.
    `not_followed` says what happens to a moment whose patient was not seen up to then.
    """

    event: tuple[str, ...]
    not_followed: NotFollowed
    gap: str = "0h"
    horizon: str = ""
    until: tuple[str, ...] = ()
    seen_by: tuple[str, ...] = ("*",)


@dataclass(frozen=True)
class Measured:
    """One measurement: its codes, its unit and what is taken of it in which windows.

    `factors` turn other units into `unit`; numbers outside `low` to `high` are left out.
    """

    name: str
    code: tuple[str, ...]
    take: tuple[Take, ...]
    windows: tuple[str, ...]
    unit: str = ""
    factors: tuple[tuple[str, float], ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def number(self) -> bool:
        """Whether only events with a number in a known unit count."""
        return bool(set(self.take) - WITHOUT_NUMBER or self.unit or self.low is not None)


@dataclass(frozen=True)
class Sequence:
    """A regular grid before the moment: `take` of each step of `every`, over `length`."""

    every: str
    length: str
    take: Literal["mean", "last"] = "mean"

    @property
    def steps(self) -> int:
        """How many steps the grid has."""
        return micros(self.length) // micros(self.every)


@dataclass(frozen=True)
class Spec:
    """The whole page; `labels` names a file of labels in place of index, eligible and outcome.

    Events later than `end_of_data`, a date, are left out; "none" where calendars are made up.
    """

    measured: tuple[Measured, ...]
    index: Index | None = None
    eligible: tuple[Rule, ...] = ()
    outcome: Outcome | None = None
    labels: str = ""
    sequence: Sequence | None = None
    end_of_data: str = ""

    def to_json(self) -> dict[str, Any]:
        """The page as a user would write it, each measurement with its own windows and takes."""
        content: dict[str, Any] = {
            "labels": self.labels,
            "index": _filled(self.index),
            "eligible": {rule.name: _filled(rule, "name") for rule in self.eligible},
            "outcome": _filled(self.outcome),
            "features": {"measured": {each.name: _measured(each) for each in self.measured}},
            "sequence": _filled(self.sequence),
            "end_of_data": self.end_of_data,
        }
        return {key: value for key, value in content.items() if value}

    def end(self, now: int) -> int | None:
        """The last microsecond that an event may have; today's unless stated, None without."""
        if self.end_of_data == "none":
            return None
        if not self.end_of_data:
            return now
        day = datetime.fromisoformat(self.end_of_data).replace(tzinfo=UTC) + timedelta(days=1)
        return round(day.timestamp()) * 1_000_000 - 1


def _filled(part: Any, *without: str) -> dict[str, Any]:
    """The keys of a part that say something, as JSON knows them."""
    if part is None:
        return {}
    unused = set(without)
    if isinstance(part, Index):
        unused |= {"which"} if part.every else {"at_most"}
    if isinstance(part, Rule) and not part.some_of:
        unused |= {"at_least"}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name in part.__dataclass_fields__
        if name not in unused and (value := getattr(part, name)) not in ("", (), None)
    }


def _measured(each: Measured) -> dict[str, Any]:
    content: dict[str, Any] = {"code": list(each.code)}
    if each.unit:
        content["unit"] = each.unit
    if each.factors:
        content["from"] = dict(each.factors)
    if each.low is not None:
        content["range"] = [each.low, each.high]
    return {**content, "take": list(each.take), "windows": list(each.windows)}
