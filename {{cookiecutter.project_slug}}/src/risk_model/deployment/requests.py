"""What may a request say? Strict JSON, the schema's fields, their units and ranges, and nothing
repeated back.

A body is `{"inputs": {field: value}, "units": {field: UCUM code}, "request_id": UUID, "explain":
bool}`; all but `inputs` may be left out. A field that is absent or null is missing. Units are not
converted: a unit that is stated must be the schema's own, because a wrong guess is a hundredfold
error. No message repeats a value or a name that the schema does not know: both may be a patient's.
"""

from __future__ import annotations

import difflib
import json
import uuid
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import orjson

from risk_model.core.schema import Features, Field, Schema, encode
from risk_model.signals import Recording

BODY_LIMIT = 65_536
MEMBERS = ("inputs", "units", "request_id", "explain")

Encoder = Callable[[Mapping[str, Any]], Features | None]
Errors = list[tuple[str, str]]


class RefusedError(Exception):
    """An answer that is not a prediction: HTTP status, what is wrong, and (JSON pointer, message)
    per error.
    """

    def __init__(
        self, status: int, detail: str, errors: Errors | None = None, request_id: str = ""
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors, self.request_id = (
            status,
            detail,
            errors or [],
            request_id,
        )


@dataclass(frozen=True)
class Asked:
    """A checked request: `row` is float32[1, d]; `missing` names the fields that were not given or
    not measured.

    `read_as` is a text as the model reads it, "" where that is as it was sent.
    """

    row: Features
    missing: list[str]
    request_id: str
    explain: bool
    recording: Recording = None
    read_as: str = ""


def request_reader(schema: Schema) -> Callable[[bytes], Asked]:
    """A function from a body to a checked, encoded request; RefusedError (400, 422) holds every
    error found.
    """
    encode_record, names = record_encoder(schema), [f.name for f in schema.inputs]

    def read(body: bytes) -> Asked:
        content = read_json(body)
        inputs = content.get("inputs")
        row = encode_record(inputs) if isinstance(inputs, dict) else None
        # The encoder refuses what is wrong; the slow check says why.
        errors = body_errors(content, schema) if row is None or len(content) > 1 else []
        if errors:
            raise refusal(content, errors)
        if row is None or not isinstance(inputs, dict):
            raise RuntimeError("encoder and check disagree")
        complete = len(inputs) == len(names) and None not in inputs.values()
        missing = [] if complete else [name for name in names if inputs.get(name) is None]
        return Asked(row, missing, content.get("request_id", ""), content.get("explain", False))

    return read


def refusal(content: Mapping[str, Any], errors: Errors) -> RefusedError:
    """The refusal (422) of a body with errors, under its request id if that is one."""
    request_id = content.get("request_id")
    known = str(request_id) if _is_uuid(request_id) else ""
    return RefusedError(422, "the body does not follow the schema of this model", errors, known)


def read_json(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; RefusedError (400) for what two parsers could read differently.

    That is: bad UTF-8, a byte order mark, a lone surrogate, NaN or Infinity (1e999 too), nesting
    deeper than the parser allows, a key given twice.
    """
    try:
        content = orjson.loads(body)
        if not isinstance(content, dict):
            raise RefusedError(400, "the body must be a JSON object")
        if body.count(b'"') != 2 * _strings(
            content
        ):  # more strings than were kept, or escaped quotes: look closer
            json.loads(body, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        detail = (
            "a key is given twice"
            if isinstance(error, _DuplicateKeyError)
            else "not JSON in UTF-8 with finite numbers"
        )
        raise RefusedError(400, detail) from None
    return content


class _DuplicateKeyError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise _DuplicateKeyError
    return content


def _strings(content: dict[str, Any]) -> int:
    """How many strings, keys included, an object holds down to its second level."""
    values = list(content.values())
    for value in content.values():
        if isinstance(value, dict):
            values += value
            values += value.values()
    return len(content) + [*map(type, values)].count(str)


def record_encoder(schema: Schema) -> Encoder:
    """`schema.encode` for one record of JSON values; None when the record breaks the schema or
    gives no value at all.

    A closure over what can be known beforehand: the row of a record in which all is missing, and
    for each field where its columns are and what its values may be. Ten times as fast as `encode`,
    and tested to equal it.
    """
    blank = array("f", encode({f.name: [None] for f in schema.inputs}, schema)[0].tolist())
    known = places(schema)
    required = [f.name for f in schema.inputs if not f.missing_allowed]

    def encode_record(record: Mapping[str, Any]) -> Features | None:
        row, given = blank[:], False
        for name, value in record.items():
            if name not in known:
                return None
            if value is None:
                continue
            kind, at, low, high, codes, flag = known[name]
            if kind is float and (type(value) is float or type(value) is int):
                if not low <= value <= high:
                    return None
                row[at] = value
            elif kind is type(value) and value in codes:
                row[at + codes[value]] = value if kind is bool else 1.0
            else:
                return None
            if flag is not None:
                row[flag] = 0.0
            given = True
        if not given or any(record.get(name) is None for name in required):
            return None
        return np.frombuffer(row, dtype=np.float32).reshape(1, -1)

    return encode_record


class Place(NamedTuple):
    """What a field's values may be, and where they go: type, first column, bounds, offset per
    value, flag's column.
    """

    kind: type
    at: int
    low: float
    high: float
    codes: dict[object, int]
    flag: int | None


def places(schema: Schema) -> dict[str, Place]:
    """Where each input field's values go, by name."""
    found, at = {}, 0
    for f in schema.inputs:
        kind = {"number": float, "boolean": bool, "category": str}[f.kind]
        codes: dict[object, int] = (
            {False: 0, True: 0} if kind is bool else {c: i for i, c in enumerate(f.categories)}
        )
        end = at + len(f.features)
        found[f.name] = Place(kind, at, *f.bounds, codes, end - 1 if f.missing_flag else None)
        at = end
    return found


def body_errors(content: Mapping[str, Any], schema: Schema) -> Errors:
    """Everything that is wrong with a body, as (JSON pointer, message); no message repeats what was
    sent.
    """
    inputs, units, fields = (
        content.get("inputs"),
        content.get("units", {}),
        {f.name: f for f in schema.inputs},
    )
    errors = (
        []
        if content.keys() <= set(MEMBERS)
        else [("", f"may hold {', '.join(MEMBERS)} and nothing else")]
    )
    for name, value in (("inputs", inputs), ("units", units)):
        errors += (
            []
            if isinstance(value, dict)
            else [(f"/{name}", "must be an object with a member per field")]
        )
    if isinstance(inputs, dict):
        errors += [*_unknown("inputs", inputs, fields), *_input_errors(inputs, fields)]
    if isinstance(units, dict):
        errors += [*_unknown("units", units, fields), *_unit_errors(units, fields)]
    return [*errors, *request_errors(content)]


def request_errors(content: Mapping[str, Any]) -> Errors:
    """What is wrong with the members that any body may hold."""
    errors = []
    if not _is_uuid(content.get("request_id", str(uuid.UUID(int=0)))):
        errors.append(("/request_id", "must be a UUID, so that it cannot be a patient's number"))
    if not isinstance(content.get("explain", False), bool):
        errors.append(("/explain", "must be true or false"))
    return errors


def _input_errors(
    inputs: Mapping[str, Any], fields: Mapping[str, Field]
) -> Iterator[tuple[str, str]]:
    for name, field in fields.items():
        if problem := field.problem(inputs.get(name)):
            yield pointer("inputs", name), problem
    if all(value is None for value in inputs.values()):
        yield "/inputs", "must give the value of at least one field"


def _unit_errors(
    units: Mapping[str, Any], fields: Mapping[str, Field]
) -> Iterator[tuple[str, str]]:
    for name in [name for name in fields if name in units]:
        unit = fields[name].unit or "1"
        if units[name] != unit:
            yield pointer("units", name), f"must be {unit} (UCUM); convert the value before sending"


def _unknown(
    member: str, given: Mapping[str, Any], fields: Mapping[str, Field]
) -> Iterator[tuple[str, str]]:
    for place, name in enumerate(given, start=1):
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else "; GET /v1/model lists the fields"
            yield f"/{member}", f"member {place} is not a field of this model{hint}"


def pointer(member: str, name: str) -> str:
    """A JSON pointer (RFC 6901) to a field."""
    return f"/{member}/{name.replace('~', '~0').replace('/', '~1')}"


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


def body_schema(schema: Schema) -> dict[str, Any]:
    """The JSON Schema of a body, for the OpenAPI document; units stand in each field's
    description.
    """
    inputs = {f.name: _field_schema(f) for f in schema.inputs}
    required = [f.name for f in schema.inputs if not f.missing_allowed]
    units = _object({f.name: {"const": f.unit or "1"} for f in schema.inputs}, [])
    return members_schema(inputs, required, units=units)


def members_schema(inputs: dict[str, Any], required: list[str], **more: Any) -> dict[str, Any]:
    """The JSON Schema of a body with these inputs, and with more members than any body may hold."""
    known = {
        "request_id": {"type": "string", "format": "uuid"},
        "explain": {"type": "boolean", "default": False},
    }
    return _object({"inputs": _object(inputs, required), **more, **known}, ["inputs"])


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": required,
    }


def _field_schema(field: Field) -> dict[str, Any]:
    kinds = {"number": "number", "boolean": "boolean", "category": "string"}
    absent = ["null"] if field.missing_allowed else []
    described: dict[str, Any] = {"type": [kinds[field.kind], *absent]}
    unit = f"UCUM unit {field.unit}" if field.unit else ""
    described["description"] = ". ".join(
        text for text in (field.description, unit, field.code) if text
    )
    if field.kind == "category":
        described["enum"] = [*field.categories, *([None] if absent else [])]
    bounds = {"minimum": field.minimum, "maximum": field.maximum}
    return described | {word: bound for word, bound in bounds.items() if bound is not None}
