"""Events: what was measured or done, when, and when it was known.

One row an event, in the columns of MEDS and four more: the unit, the time at which a result was
known, whether only the day is recorded, and the place in the source, which orders what happened at
the same moment.
"""

from __future__ import annotations

from typing import NamedTuple


class Event(NamedTuple):
    """One event of one subject.

    `time` is in microseconds since 1970 in UTC, None for what never changes; `known` is when it was
    known, `time` where the source does not say; `day_only` says that the source has a date without
    an hour, and then `time` is the last microsecond of that day in its time zone; `row` is the
    place in the source, one for all codings of one result.
    """

    subject_id: str
    time: int | None
    code: str
    numeric_value: float | None
    text_value: str | None
    unit: str
    known: int | None
    day_only: bool
    row: int


COLUMNS = Event._fields
