"""Why something of a source is no event: one table for files and requests."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """A reason to leave a resource, a result or a line out, as reports print it."""

    NOT_JSON = "not JSON"
    MALFORMED = "not shaped as FHIR R4"
    OTHER_KIND = "a kind of resource that is not read"
    STATUS = "a status that says it did not happen, or not yet"
    NO_SUBJECT = "no reference to a patient"
    NO_CODE = "no code"
    BY_REFERENCE = "a medication that stands in another resource"
    NO_TIME = "no time"
    BAD_TIME = "a time that cannot be read"
    NO_ZONE = "an hour without a time zone"
    PERIOD = "a period that ends before it begins"
    ABSENT = "a reason instead of a value"
    NO_VALUE = "no value"
    BAD_VALUE = "a value that is not of its type"
    OTHER_VALUE = "a type of value that is not read"
    UNDATED_DEATH = "a death without a date"
    LATER = "later than the end of the data"
    AGAIN = "the same source again"
    SAME = "the same subject, time, code, value and unit again"


class LeftOut(Exception):  # noqa: N818 - says what happens, and is always caught
    """Ends the reading of a resource, or of one of its results."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason
