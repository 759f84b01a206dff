"""Requests with a recording: the same strict JSON as for tables, the recording its one input.

A body is `{"inputs": {name of the signal: value}, "request_id": UUID, "subject": text, "explain":
bool}`; what the value holds is said by `received` of the signal's reader, and in the OpenAPI
document. A recording states its own units. No message repeats what was sent.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

import numpy as np

from risk_model.core.errors import UserError
from risk_model.core.schema import Features, Schema, Signal
from risk_model.deployment.recording_texts import cut_out
from risk_model.deployment.request_schema import JsonSchema, members_schema
from risk_model.deployment.requests import (
    Errors,
    Json,
    PredictionRequest,
    RefusedError,
    pointer,
    read_json,
    refusal,
    request_errors,
)
from risk_model.signals import Recording, reader, rows
from risk_model.signals.long_bytes import PIECE

MEMBERS = ("inputs", "request_id", "subject", "explain")
REST = 1 << 20  # bytes of a body beside the image


def signal_of(schema: Schema) -> Signal:
    """The signal of a schema that has one."""
    if schema.signal is None:
        raise ValueError("this schema has no signal")
    return schema.signal


def recording_reader(schema: Schema) -> Callable[[bytes], PredictionRequest]:
    """A function from a body to a checked request; its RefusedError (400, 422) holds all errors."""
    signal = signal_of(schema)
    most = reader(signal).REQUEST_VALUES

    def read(body: bytes) -> PredictionRequest:
        _check_values(body, most)
        rest, texts = _without_image(body) if signal.kind == "image" else (body, {})
        content = read_json(rest)
        errors = [*_shape_errors(content, signal), *request_errors(content)]
        value = None if errors else content["inputs"][signal.name]
        value = texts.get(value, value) if isinstance(value, str) else value
        recording = None if errors else _received(value, signal, errors)
        if errors:
            raise refusal(content, errors)
        row = rows([recording], schema)
        request_id, explain = content.get("request_id", ""), content.get("explain", False)
        read_as = recording if isinstance(recording, str) and recording != value else ""
        missing, subject = _missing(row, schema), content.get("subject", "")
        return PredictionRequest(row, missing, request_id, explain, recording, read_as, subject)

    return read


def _without_image(body: bytes) -> tuple[bytes, dict[str, memoryview]]:
    rest, texts = cut_out(body)
    if len(rest) > REST:
        raise RefusedError(400, f"the body holds more than {REST:,} bytes that are not base64")
    return rest, texts


def _check_values(body: bytes, most: int) -> None:
    """RefusedError (400) for a body that would take far more memory than it has bytes.

    A member is sent in as few as two bytes, and takes the parser up to a hundred.
    """
    count = 0
    for start in range(0, len(body), PIECE):
        count += sum(body.count(mark, start, start + PIECE) for mark in (b",", b"[", b"{"))
        if count > most:
            raise RefusedError(400, f"the body holds more than {most:,} values")


def _received(value: object, signal: Signal, errors: Errors) -> Recording:
    try:
        return reader(signal).received(value, signal)
    except UserError as error:
        errors.append((pointer("inputs", signal.name), str(error)))


def _shape_errors(content: Json, signal: Signal) -> Iterator[tuple[str, str]]:
    inputs = content.get("inputs")
    if "units" in content:
        yield "/units", "is for tables; a recording states its own units"
    elif not content.keys() <= set(MEMBERS):
        yield "", f"may hold {', '.join(MEMBERS)} and nothing else"
    if not isinstance(inputs, dict):
        yield "/inputs", f"must be an object with the member '{signal.name}'"
    elif inputs.get(signal.name) is None:
        yield pointer("inputs", signal.name), "is required"
    elif len(inputs) > 1:
        yield "/inputs", f"may hold '{signal.name}' and nothing else"


def _missing(row: Features, schema: Schema) -> list[str]:
    """The fields that could not be measured on the recording."""
    absent = np.isnan(row[0, : len(schema.features)])
    positions = dict.fromkeys(schema.feature_field[absent].tolist())
    return [schema.inputs[position].name for position in positions]


def recording_body_schema(signal: Signal) -> JsonSchema:
    """The JSON Schema of a body; its reader's own documentation describes the value."""
    kind = reader(signal)
    facts = {
        "shape": signal.shape,
        "channels": signal.channels,
        "units": signal.units,
        "rate in Hz": signal.rate,
        "seconds": signal.seconds,
    }
    stated = ", ".join(f"{name} {_joined(fact)}" for name, fact in facts.items() if fact)
    received = inspect.getdoc(kind.received) or ""
    limit = f"The model sees {stated}. Body at most {kind.REQUEST_BYTES} bytes."
    value = {"description": f"{signal.kind}: {received}\n\n{limit}"}
    return members_schema({signal.name: value}, [signal.name])


def _joined(fact: object) -> str:
    return ", ".join(map(str, fact)) if isinstance(fact, tuple) else str(fact)
