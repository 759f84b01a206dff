"""Times of FHIR R4 as microseconds since 1970 in UTC.

A date without an hour counts from its last microsecond, so that nothing is used before it can have
happened; a year and a month likewise. A time with an hour and no zone is a moment only where a
zone is stated.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from risk_model.core.errors import UserError
from risk_model.signals.events_reasons import LeftOut, Reason

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DATE = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)
# FHIR R4, type dateTime: no 24:00 and no leap second (datatypes.html#dateTime)
INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?"
    r"(Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))?",
    re.ASCII,
)


class Moment(NamedTuple):
    """A time in microseconds since 1970 in UTC, and whether the source has only its day."""

    time: int
    day_only: bool


def time_zone(name: str) -> ZoneInfo:
    """The time zone of that name; UserError when there is none.

    >>> time_zone("Europe/Berlin").key
    'Europe/Berlin'
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a name like "../x", or a folder's
        raise UserError(
            f"data.timezone: there is no time zone {name!r}; write one like Europe/Berlin or UTC"
        ) from None


def moment_of(text: object, zone: tzinfo | None) -> Moment:
    """A FHIR date, dateTime or instant; its last moment where the hour is missing.

    Args:
        text: as FHIR writes it.
        zone: of dates, UTC for None, and of times without a zone.

    Raises:
        LeftOut: it is none, or has an hour and no zone, and none is stated.

    >>> moment_of("1970-01-01T01:00:00+01:00", None)
    Moment(time=0, day_only=False)
    >>> moment_of("1969-12-31", None)
    Moment(time=-1, day_only=True)
    """
    if not isinstance(text, str):
        raise LeftOut(Reason.BAD_TIME)
    try:
        if match := INSTANT.fullmatch(text):
            moment = datetime.fromisoformat(text)
            if match[2] is None:
                if zone is None:
                    raise LeftOut(Reason.NO_ZONE)
                moment = moment.replace(tzinfo=zone)
            return Moment(microseconds(moment), False)
        return Moment(_last_moment(text, zone or UTC), True)
    except (ValueError, OverflowError):  # the 30th of February; the end of the year 9999
        raise LeftOut(Reason.BAD_TIME) from None


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of a moment that has a zone."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _last_moment(text: str, zone: tzinfo) -> int:
    """The last microsecond of a year, a month or a day in that zone."""
    match = DATE.fullmatch(text)
    if match is None:
        raise LeftOut(Reason.BAD_TIME)
    year, month, day = (None if part is None else int(part) for part in match.groups())
    if year is None or month is None:
        after = datetime(int(match[1]) + 1, 1, 1)
    elif day is None:
        after = datetime(year + month // 12, month % 12 + 1, 1)
    else:
        after = datetime(year, month, day) + timedelta(days=1)
    return microseconds(after.replace(tzinfo=zone)) - 1
