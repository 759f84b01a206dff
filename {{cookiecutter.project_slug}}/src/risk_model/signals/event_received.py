"""The events of a request, sent as such or as a FHIR Bundle, by the rules of the files.

What a file's reader leaves out or counts once, a request's does too, so that both give one row.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, NamedTuple

from risk_model.signals.events import Event
from risk_model.signals.events_fhir import FhirEvents, events_of
from risk_model.signals.events_fhir_references import bundle_content, source_of
from risk_model.signals.events_reasons import LeftOut, Reason
from risk_model.signals.events_time import Moment, moment_of

MEMBERS = ("time", "code", "value", "unit", "known")
NEEDED, ALLOWED = frozenset(MEMBERS[:2]), frozenset(MEMBERS)
NUMBERS = (int, float)
VALUES = (*NUMBERS, str, type(None))  # of JSON; a truth value is none
TOLD = 20  # wrong events, of which a refusal tells one by one
Errors = list[tuple[str, str]]  # where, below the events, and what is wrong


class Received(NamedTuple):
    """The events of a request, and how much of it is no event, by reason."""

    events: list[Event]
    left_out: Mapping[str, int]


def listed_events(sent: object, zone: tzinfo | None) -> tuple[Received, Errors]:
    """The events of a list of objects with the members MEMBERS, or what is wrong with it.

    Args:
        sent: as JSON gives it; a time of null is for what never changes.
        zone: of dates, UTC for None, and of times without a zone, which are refused for None.
    """
    if not isinstance(sent, list):
        return Received([], {}), [("", "must be a list of events")]
    events: list[Event] = []
    errors: Errors = []
    moment = _remembered(zone)
    for row, item in enumerate(sent):
        event = _event(item, row, moment)
        if isinstance(event, Event):
            events.append(event)
        elif len(errors) < TOLD:
            errors.append((f"/{row}{event[0]}", event[1]))
    kept = once(events)
    same = len(events) - len(kept)
    return Received(kept, {Reason.SAME.value: same} if same else {}), errors


def _remembered(zone: tzinfo | None) -> Callable[[object], Moment]:
    """`moment_of`, which reads each text once: results of one panel have one time."""
    known: dict[str, Moment] = {}

    def moment(text: object) -> Moment:
        if not isinstance(text, str):
            return moment_of(text, zone)
        if text not in known:
            known[text] = moment_of(text, zone)
        return known[text]

    return moment


def _event(item: Any, row: int, moment: Callable[[object], Moment]) -> Event | tuple[str, str]:
    if not isinstance(item, dict) or not NEEDED <= item.keys() <= ALLOWED:
        return "", f"must have time and code, and may have {', '.join(MEMBERS[2:])}"
    code, unit = item["code"], item.get("unit") or ""
    value: Any = item.get("value")
    if not isinstance(code, str) or not (code := code.strip()):
        return "/code", "must be a text"
    if not isinstance(unit, str):
        return "/unit", "must be a text"
    kind = type(value)
    if kind not in VALUES:
        return "/value", "must be a number, a text or null"
    number = float(value) if kind in NUMBERS else None
    text = (value.strip() or None) if kind is str else None
    when = late = None
    try:
        if item["time"] is not None:
            when = moment(item["time"])
    except LeftOut as error:
        return "/time", f"is {error.reason}"
    try:
        if item.get("known") is not None:
            late = moment(item["known"])
    except LeftOut as error:
        return "/known", f"is {error.reason}"
    if when is None:
        return Event("", None, code, number, text, unit.strip(), None, False, row)
    known = late.time if late else when.time
    return Event("", when.time, code, number, text, unit.strip(), known, when.day_only, row)


def bundle_events(bundle: object, zone: tzinfo | None) -> Received:
    """The events of a FHIR Bundle; of a resource that is there several times, the last."""
    content = bundle_content(bundle)
    left_out: Counter[str] = Counter()
    answers: dict[object, FhirEvents] = {}
    row = 0
    for position, resource in enumerate(content.resources):
        answer = events_of(resource, row, zone, content.patients)
        row += answer.results
        left_out.update(reason.value for reason in answer.left_out)
        source = source_of(resource) or position
        before = answers.pop(source, None)
        left_out[Reason.AGAIN.value] += len(before.events) if before else 0
        answers[source] = answer
    events = [event for answer in answers.values() for event in answer.events]
    kept = once(events)
    left_out[Reason.SAME.value] += len(events) - len(kept)
    return Received(kept, {reason: count for reason, count in left_out.items() if count})


def once(events: Sequence[Event]) -> list[Event]:
    """Each event once: the earliest `known` and the first `row` of what is otherwise the same."""
    kept: dict[tuple[object, ...], Event] = {}
    for event in events:
        subject, time, code, number, text, unit, known, dated, row = event
        key = subject, time, code, number, text, unit, dated
        if (first := kept.get(key)) is not None:
            late = [math.inf if k is None else k for k in (first.known, known)]
            earliest = first.known if late[0] <= late[1] else known
            event = event._replace(known=earliest, row=min(first.row, row))
        kept[key] = event
    return list(kept.values())
