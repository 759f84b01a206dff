"""What may a request say? Strict JSON, the schema's fields, their units and ranges, and nothing repeated back.

A body is `{"inputs": {field: value}, "units": {field: UCUM code}, "request_id": UUID, "explain": bool}`; all but
`inputs` may be left out. A field that is absent or null is missing. Units are not converted: a unit that is stated must
be the schema's own, because a wrong guess is a hundredfold error. No message repeats a value or a name that the schema
does not know: both may be a patient's.
"""

from __future__ import annotations

import difflib
import json
import uuid
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from risk_model.schema import Features, Field, Schema

BODY_LIMIT = 65_536
MEMBERS = ("inputs", "units", "request_id", "explain")

Encoder = Callable[[Mapping[str, Any]], Features | None]
Errors = list[tuple[str, str]]


class Refused(Exception):
    """An answer that is not a prediction: HTTP status, what is wrong, and (JSON pointer, message) per error."""

    def __init__(self, status: int, detail: str, errors: Errors | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, errors or []


@dataclass(frozen=True)
class Asked:
    """A checked request: `row` is float32[1, d]; `missing` names the fields that were not given."""

    row: Features
    missing: list[str]
    request_id: str
    explain: bool


def request_reader(schema: Schema) -> Callable[[bytes], Asked]:
    """A function from a body to a checked, encoded request; it raises Refused (400, 422) with every error found."""
    encode_record, names = record_encoder(schema), [f.name for f in schema.inputs]

    def read(body: bytes) -> Asked:
        content = read_json(body)
        inputs = content.get("inputs")
        row = encode_record(inputs) if isinstance(inputs, dict) else None
        if row is None or len(content) > 1:  # the encoder refuses what is wrong, the slow check says why
            if errors := body_errors(content, schema):
                raise Refused(422, "the body does not follow the schema of this model", errors)
        if row is None:
            raise RuntimeError("encoder and check disagree")
        missing = [name for name in names if inputs.get(name) is None]
        return Asked(row, missing, content.get("request_id", ""), content.get("explain", False))

    return read


def read_json(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; Refused (400) for what two parsers could read differently.

    That is: bad UTF-8, a byte order mark, a lone surrogate, NaN or Infinity (1e999 too), nesting deeper than the parser
    allows, a key given twice.
    """
    try:
        content = orjson.loads(body)
        if not isinstance(content, dict):
            raise Refused(400, "the body must be a JSON object")
        if b"\\" in body or body.count(b'"') != 2 * _strings(content):  # more strings than were kept: look closer
            json.loads(body, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        detail = "a key is given twice" if isinstance(error, _Twice) else "not JSON in UTF-8 with finite numbers"
        raise Refused(400, detail) from None
    return content


class _Twice(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise _Twice
    return content


def _strings(content: dict[str, Any]) -> int:
    """How many strings, keys included, an object holds down to its second level."""
    values = list(content.values())
    for value in content.values():
        if isinstance(value, dict):
            values += value
            values += value.values()
    return len(content) + sum(type(value) is str for value in values)


def record_encoder(schema: Schema) -> Encoder:
    """`schema.encode` for one record of JSON values, eight times as fast; None when the record breaks the schema.

    A closure over what is known beforehand: the row of a record in which everything is missing, and for each field
    where its columns are and what its values may be.
    """
    first = np.searchsorted(schema.feature_field, np.arange(len(schema.inputs)))
    fields = {f.name: (f, int(at)) for f, at in zip(schema.inputs, first, strict=True)}
    required = [f.name for f in schema.inputs if not f.missing_allowed]
    numbers = {name: (at, *_bounds(f)) for name, (f, at) in fields.items() if f.kind == "number"}
    places = {name: {v: at + i for i, v in enumerate(_values(f))} for name, (f, at) in fields.items() if f.kind != "number"}
    flags = {name: at + len(f.features) - 1 for name, (f, at) in fields.items() if f.missing_flag}
    blank = _blank(fields, len(schema.features))

    def encode_record(record: Mapping[str, Any]) -> Features | None:
        row, given = blank[:], 0
        ...
