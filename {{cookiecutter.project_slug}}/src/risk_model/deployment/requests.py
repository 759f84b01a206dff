"""Requests for tables: strict JSON with the schema's fields, their units and ranges.

A body is `{"inputs": {field: value}, "units": {field: UCUM code}, "request_id": UUID, "subject":
text, "explain": bool}`; the last three may be left out. The subject is the caller's own name for
the patient, of which the audit log keeps a pseudonym. A field that is absent or null is missing.
Each value that has a unit comes with it, and it must be the schema's own: glucose 7.5 is plausible
in mg/dL, and is the mmol/L of another hospital. Nothing is converted, because a wrong guess is a
hundredfold error. No message repeats a value or a name that the schema does not know: both may be a
patient's.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import math
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

import orjson
from starlette.requests import Request
from typing_extensions import TypedDict  # pydantic reads typing's only from Python 3.12 on

from risk_model.core.input_policy import InputCheck
from risk_model.core.schema import Features, Field, Schema
from risk_model.deployment.record_encoder import by_the_rules, record_encoder

BODY_LIMIT = 65_536  # bytes
BODY_SECONDS = 10.0
LARGE = 1 << 18  # bytes whose copy or digest takes too long for the loop
SUBJECT_LENGTH = 128  # characters
MEMBERS = ("inputs", "units", "request_id", "subject", "explain")
UNKNOWN = 20  # members that are not fields, of which a refusal tells one by one
NAME = 64  # characters of a name that are compared
NEAR = 3  # of these, that are compared with every field's name

Json = Mapping[str, Any]  # a JSON object as it was read
Errors = list[tuple[str, str]]  # JSON pointer and message


class RefusedError(Exception):
    """An answer that is not a prediction: HTTP status, what is wrong, the errors of the body."""

    def __init__(
        self, status: int, detail: str, errors: Errors | None = None, request_id: str = ""
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.errors, self.request_id = errors or [], request_id


class InputWarning(TypedDict):
    """What is unusual about an input that is answered, with a JSON pointer to its place."""

    pointer: str
    detail: str


@dataclass(frozen=True)
class PredictionRequest:
    """A checked request.

    `row` is float32[1, d]; `missing` names the fields that were not given or not measured, and
    `warnings` says what hardly any training row was like.
    `recording` is the input of a model that reads recordings, `read_as` the text that it reads, ""
    where that is as it was sent.
    """

    row: Features
    missing: list[str]
    request_id: str
    explain: bool
    recording: Any = None
    read_as: str = ""
    subject: str = ""
    warnings: list[InputWarning] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)  # of events, how many, and why others not


def request_reader(schema: Schema) -> Callable[[bytes], PredictionRequest]:
    """A function from a body to a checked request; its RefusedError (400, 422) holds all errors."""
    encode_record, names = record_encoder(schema), [f.name for f in schema.inputs]
    read_values, units, usual = by_the_rules(schema), field_units(schema), {"inputs", "units"}

    def read(body: bytes) -> PredictionRequest:
        try:
            content = read_json(body)
        except RefusedError as refused:
            raise RefusedError(400, refused.detail, not_finite(body, names)) from None
        inputs = content.get("inputs")
        if isinstance(inputs, dict):
            inputs = content["inputs"] = read_values(inputs)
        row = encode_record(inputs) if isinstance(inputs, dict) else None
        # The encoder refuses what is wrong; the slow check says why.
        known = row is not None and content.keys() == usual and content["units"] == units
        errors = [] if known else body_errors(content, schema)
        if errors:
            raise refusal(content, errors)
        if row is None or not isinstance(inputs, dict):
            raise RuntimeError("encoder and check disagree")
        complete = len(inputs) == len(names) and None not in inputs.values()
        missing = [] if complete else [name for name in names if inputs.get(name) is None]
        request_id, explain = content.get("request_id", ""), content.get("explain", False)
        subject = content.get("subject", "")
        return PredictionRequest(row, missing, request_id, explain, subject=subject)

    return read


def field_units(schema: Schema) -> dict[str, str]:
    """The UCUM code of each input that has a unit."""
    return {f.name: f.unit for f in schema.inputs if f.unit not in ("", "1")}


def under_policy(
    read: Callable[[bytes], PredictionRequest], check: InputCheck
) -> Callable[[bytes], PredictionRequest]:
    """The same reader under an input policy: with its remarks, or its refusal (422)."""
    least, most = check.policy.least_recorded, len(check.fields)

    def read_checked(body: bytes) -> PredictionRequest:
        request = read(body)
        few = most - len(request.missing) < least
        remarks = check.remarks(request.row, request.missing)
        errors = [(pointer("inputs", name), text) for name, text in remarks]
        if few or (errors and check.policy.unusual == "refuse"):
            told = [("/inputs", check.too_few)] if few else errors
            raise RefusedError(422, "the input policy refuses it", told, request.request_id)
        warnings: list[InputWarning] = [{"pointer": at, "detail": text} for at, text in errors]
        return replace(request, warnings=warnings) if warnings else request

    return read_checked


def refusal(content: Json, errors: Errors) -> RefusedError:
    """The refusal (422) of a body with errors, under its request id if that is one."""
    request_id = content.get("request_id")
    valid_id = str(request_id) if is_uuid(request_id) else ""
    return RefusedError(422, "the body does not follow the schema of this model", errors, valid_id)


async def read_body(request: Request, limit: int, take: Callable[[int], None]) -> bytes:
    """A JSON body of at most `limit` bytes; RefusedError with 408, 413 or 415.

    `take` is told of each piece's bytes before they are kept, and may refuse them.
    """
    headers = dict(request.scope["headers"])
    if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        raise RefusedError(415, "send the header content-type: application/json")
    if b"content-encoding" in headers:
        raise RefusedError(415, "send the body without content-encoding")
    pieces, size = list[bytes](), 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                size += len(piece)
                if size > limit:
                    raise RefusedError(413, f"the body is larger than {limit} bytes")
                take(len(piece))
                pieces.append(piece)
    except TimeoutError:
        raise RefusedError(408, "the body took too long to arrive") from None
    if size <= LARGE:
        return b"".join(pieces)
    joined = BytesIO()  # fed by a generator, so that the loop may go on after each piece
    await asyncio.to_thread(joined.writelines, (piece for piece in pieces))
    return joined.getvalue()


def read_json(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; RefusedError (400) for what two parsers could read differently.

    That is: bad UTF-8, a byte order mark, a lone surrogate, NaN or Infinity (1e999 too), nesting
    deeper than the parser allows, a key given twice.
    """
    try:
        content = orjson.loads(body)
        if not isinstance(content, dict):
            raise RefusedError(400, "the body must be a JSON object")
        # more strings than were kept, or escaped quotes: look closer
        if body.count(b'"') != 2 * _strings(content):
            json.loads(body, object_pairs_hook=_unique)
    except _DuplicateKeyError:
        raise RefusedError(400, "a key is given twice") from None
    except (ValueError, RecursionError):
        raise RefusedError(400, "not JSON in UTF-8 with finite numbers") from None
    return content


def not_finite(body: bytes, names: list[str]) -> Errors:
    """The inputs of a body that is no strict JSON because their numbers are not finite."""
    try:
        given = json.loads(body)["inputs"]  # the standard library reads NaN and 1e999
        numbers = [(name, given[name]) for name in names if isinstance(given.get(name), float)]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return []
    wrong = [name for name, number in numbers if not math.isfinite(number)]
    return [(pointer("inputs", name), "must be a finite number") for name in wrong]


class _DuplicateKeyError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise _DuplicateKeyError
    return content


def _strings(content: Json) -> int:
    """How many strings, keys included, an object holds down to its second level."""
    values = list(content.values())
    for value in content.values():
        if isinstance(value, dict):
            values += value
            values += value.values()
    return len(content) + [*map(type, values)].count(str)


def body_errors(content: Json, schema: Schema) -> Errors:
    """Everything that is wrong with a body; no message repeats what was sent."""
    fields = {f.name: f for f in schema.inputs}
    checks = {"inputs": _input_errors, "units": _unit_errors}
    errors: Errors = []
    if not content.keys() <= set(MEMBERS):
        errors.append(("", f"may hold {', '.join(MEMBERS)} and nothing else"))
    members = {"inputs": content.get("inputs"), "units": content.get("units", {})}
    objects = {name: value for name, value in members.items() if isinstance(value, dict)}
    errors += [
        (f"/{name}", "must be an object with a member per field")
        for name in members
        if name not in objects
    ]
    for name, value in objects.items():
        errors += [*_unknown(name, value, fields), *checks[name](value, fields)]
    if len(objects) == len(members):
        errors += _unstated_units(objects["inputs"], objects["units"], field_units(schema))
    return [*errors, *request_errors(content)]


def request_errors(content: Json) -> Errors:
    """What is wrong with the members that any body may hold."""
    errors = []
    if not is_uuid(content.get("request_id", str(uuid.UUID(int=0)))):
        errors.append(("/request_id", "must be a UUID, so that it cannot be a patient's number"))
    subject = content.get("subject", "-")
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LENGTH:
        errors.append(("/subject", f"must be a text of 1 to {SUBJECT_LENGTH} characters"))
    if not isinstance(content.get("explain", False), bool):
        errors.append(("/explain", "must be true or false"))
    return errors


def _input_errors(inputs: Json, fields: Mapping[str, Field]) -> Iterator[tuple[str, str]]:
    for name, own in fields.items():
        if problem := own.problem(inputs.get(name)):
            yield pointer("inputs", name), problem
    if all(value is None for value in inputs.values()):
        yield "/inputs", "must give the value of at least one field"


def _unit_errors(units: Json, fields: Mapping[str, Field]) -> Iterator[tuple[str, str]]:
    for name in [name for name in fields if name in units]:
        unit = fields[name].unit or "1"
        if units[name] != unit:
            yield pointer("units", name), f"must be {unit} (UCUM); convert the value before sending"


def _unstated_units(
    inputs: Json, units: Json, known: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for name, unit in known.items():
        if inputs.get(name) is not None and name not in units:
            yield pointer("units", name), f"is required with a value, and must be {unit} (UCUM)"


def _unknown(member: str, given: Json, fields: Mapping[str, Field]) -> Iterator[tuple[str, str]]:
    strays = [(number, name) for number, name in enumerate(given, 1) if name not in fields]
    for count, (number, name) in enumerate(strays[:UNKNOWN]):
        near = difflib.get_close_matches(name[:NAME], fields, n=1) if count < NEAR else []
        hint = f"; did you mean '{near[0]}'?" if near else "; GET /v1/model lists the fields"
        yield f"/{member}", f"member {number} is not a field of this model{hint}"
    if len(strays) > UNKNOWN:
        more = f"{len(strays) - UNKNOWN:,} more members are not fields of this model"
        yield f"/{member}", more


def pointer(member: str, name: str) -> str:
    """A JSON pointer (RFC 6901) to a field."""
    return f"/{member}/{name.replace('~', '~0').replace('/', '~1')}"


def is_uuid(value: object) -> bool:
    """Whether a value is the text of a UUID."""
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False
