"""Requests with events: strict JSON with the moment and one patient's events, or a FHIR Bundle.

A body is `{"inputs": {"events": {"at": time, "events": [...]}}, "request_id": UUID, "subject":
text, "explain": bool}`, with `"bundle": {...}` in place of the inner `events`. An event states its
own unit. No message repeats what was sent.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import orjson

from risk_model.core.schema import Schema
from risk_model.deployment.request_schema import JsonSchema, members_schema
from risk_model.deployment.requests import (
    Errors,
    Json,
    PredictionRequest,
    RefusedError,
    is_uuid,
    read_json,
    refusal,
    request_errors,
)
from risk_model.signals.event_received import Received, bundle_events, listed_events
from risk_model.signals.event_row import Used, rows_of
from risk_model.signals.event_schema import Page, page_of
from risk_model.signals.events_reasons import LeftOut
from risk_model.signals.events_time import moment_of

NAME = "events"  # the one input
AT = f"/inputs/{NAME}"
LIMIT = 1 << 22  # bytes of a body: a Bundle of a long stay
VALUES = 250_000  # lists, objects and what they hold, of which each takes up to a hundred bytes
MEMBERS = ("inputs", "request_id", "subject", "explain")
SHAPE = "must be an object with the members 'at' and either 'events' or 'bundle'"


def event_reader(schema: Schema) -> Callable[[bytes], PredictionRequest]:
    """A function from a body to a checked request; its RefusedError (400, 422) says what is wrong.

    A patient outside the population of the page is refused, and the rule named.
    """
    page, names = page_of(schema.spec), schema.names

    def read(body: bytes) -> PredictionRequest:
        if sum(body.count(mark) for mark in (b",", b"[", b"{")) > VALUES:
            raise RefusedError(400, f"the body holds more than {VALUES:,} values")
        content = _read_strictly(body)
        errors = [*_shape_errors(content), *request_errors(content)]
        at = None if errors else _moment(content["inputs"][NAME]["at"], page, errors)
        received = None if errors else _received(content["inputs"][NAME], page, errors)
        if errors or received is None or at is None:
            raise refusal(content, errors)
        row = rows_of(page.spec, received.events, at)
        values = row.values
        if row.grid is not None:
            values = np.hstack([values, row.grid.reshape(1, -1)])
        if row.refusals:
            raise _outside(content, row.refusals)
        missing = [names[column] for column in np.flatnonzero(np.isnan(row.values[0])).tolist()]
        request_id, explain = content.get("request_id", ""), content.get("explain", False)
        subject, used = content.get("subject", ""), used_events(row.used, received)
        return PredictionRequest(values, missing, request_id, explain, subject=subject, used=used)

    return read


def _read_strictly(body: bytes) -> dict[str, Any]:
    """What `read_json` gives: a body with as many quotes as its strings need gives no key twice."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        content = None
    plain = b'\\"' not in body  # an escaped quote would be counted too
    if plain and isinstance(content, dict) and body.count(b'"') == 2 * _strings(content):
        return content
    return read_json(body)


def _strings(content: Any) -> int:
    """How many strings, keys included, JSON holds."""
    count, values = 0, [content]
    while values:  # level by level
        objects = [value for value in values if type(value) is dict]
        lists = [value for value in values if type(value) is list]
        count += sum(map(len, objects)) + list(map(type, values)).count(str)
        values = [*chain.from_iterable(each.values() for each in objects), *chain(*lists)]
    return count


def used_events(used: Used, received: Received) -> dict[str, int]:
    """How many events entered the row, and how many did not, by reason."""
    told = {
        "used": used.used,
        "later than at": used.later,
        "for the population only": used.population,
        "unknown code": used.unknown_code,
        "unit not convertible": used.unit,
        "no number": used.no_number,
        "out of range": used.out_of_range,
        "older than every window": used.older,
        **received.left_out,
    }
    return {reason: count for reason, count in told.items() if count or reason == "used"}


def _outside(content: Json, refusals: tuple[str, ...]) -> RefusedError:
    request_id = content.get("request_id")
    return RefusedError(
        422,
        "the patient is outside the population of this model",
        [(AT, reason) for reason in refusals],
        str(request_id) if is_uuid(request_id) else "",
    )


def _shape_errors(content: Json) -> Errors:
    inputs = content.get("inputs")
    if "units" in content:
        return [("/units", "is for tables; an event states its own unit")]
    if not content.keys() <= set(MEMBERS):
        return [("", f"may hold {', '.join(MEMBERS)} and nothing else")]
    if not isinstance(inputs, dict) or inputs.keys() != {NAME}:
        return [("/inputs", f"must be an object with the one member '{NAME}'")]
    sent = inputs[NAME]
    shapes: tuple[set[str], ...] = ({"at", "events"}, {"at", "bundle"})
    return [] if isinstance(sent, dict) and sent.keys() in shapes else [(AT, SHAPE)]


def _moment(value: object, page: Page, errors: Errors) -> int | None:
    try:
        moment = moment_of(value, page.zone)
    except LeftOut as error:
        errors.append((f"{AT}/at", f"is {error.reason}"))
        return None
    if moment.day_only:
        errors.append((f"{AT}/at", "must have an hour and a time zone"))
    return moment.time


def _received(sent: dict[str, Any], page: Page, errors: Errors) -> Received:
    if "events" in sent:
        received, wrong = listed_events(sent["events"], page.zone)
        errors += [(f"{AT}/events{where}", text) for where, text in wrong]
        return received
    if not isinstance(sent["bundle"], dict) or sent["bundle"].get("resourceType") != "Bundle":
        errors.append((f"{AT}/bundle", "must be a FHIR Bundle"))
        return Received([], {})
    received = bundle_events(sent["bundle"], page.zone)
    if len({event.subject_id for event in received.events}) > 1:
        errors.append((f"{AT}/bundle", "must hold the resources of one patient"))
    return received


def event_body_schema(page: Page) -> JsonSchema:
    """The JSON Schema of a body, and which codes and units are used."""
    measured = "; ".join(
        f"{each.name}: {' or '.join(each.code)}" + (f" in {each.unit}" if each.unit else "")
        for each in page.spec.measured
    )
    when = {"type": ["string", "null"], "description": "FHIR dateTime; null for what never changes"}
    event = {
        "type": "object",
        "additionalProperties": False,
        "required": ["time", "code"],
        "properties": {
            "time": when,
            "known": {**when, "description": "FHIR dateTime; when it was known, if later"},
            "code": {"type": "string"},
            "value": {"type": ["number", "string", "null"]},
            "unit": {"type": ["string", "null"]},
        },
    }
    sent = {
        "type": "object",
        "additionalProperties": False,
        "required": ["at"],
        "properties": {
            "at": {"type": "string", "format": "date-time", "description": "the moment asked for"},
            "events": {"type": "array", "items": event},
            "bundle": {"type": "object", "description": "a FHIR R4 Bundle of one patient"},
        },
        "oneOf": [{"required": ["events"]}, {"required": ["bundle"]}],
        "description": f"One patient's events. Measured are {measured}. At most {LIMIT} bytes.",
    }
    return members_schema({NAME: sent}, [NAME])
