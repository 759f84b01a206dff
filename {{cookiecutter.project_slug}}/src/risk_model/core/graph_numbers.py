"""The numbers in an ONNX graph: is each weight finite? Read without onnx, which serving lacks.

A NaN among the weights may show in few patients only, a leaf of one tree or what stands in for one
missing value, so no trial row finds it for sure. Of the protobuf message (onnx.proto) only the
fields that may hold numbers are followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

# by message, the number of each field that is a message which may hold numbers
NESTED = {
    "model": {7: "graph"},
    "graph": {1: "node", 5: "tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
    "tensor": {},
}
# by message, the number of each field that holds numbers in one piece, and their type
PACKED = {"attribute": {7: "<f4"}, "tensor": {4: "<f4", 10: "<f8"}}
RAW, DATA_TYPE = 9, 2  # fields of a tensor: its bytes, and the type that they have
RAW_TYPES = {1: "<f4", 10: "<f2", 11: "<f8"}  # TensorProto.DataType
INTEGERS = 8  # field of an attribute that holds nothing else: thousands of them in a tree
TAGGED = np.dtype([("tag", "u1"), ("number", "<f4")])  # a 32-bit number as it stands in a message

Numbers = npt.NDArray[np.floating[Any]]


def all_finite(model: bytes) -> bool:
    """Whether no weight of a serialised ONNX model is NaN or infinite.

    Raises:
        ValueError: the bytes are no protobuf message.
    """
    return all(np.isfinite(numbers).all() for numbers in _numbers(memoryview(model), "model"))


def _numbers(message: memoryview, kind: str) -> Iterator[Numbers]:
    raw, stored = memoryview(b""), 0
    for number, value in message_fields(message):
        if kind == "attribute" and number == INTEGERS:
            return
        if isinstance(value, int):
            stored = value if kind == "tensor" and number == DATA_TYPE else stored
        elif isinstance(value, np.ndarray):
            yield value
        elif number in NESTED[kind]:
            yield from _numbers(value, NESTED[kind][number])
        elif number in PACKED.get(kind, {}):
            yield np.frombuffer(value, PACKED[kind][number])
        elif kind == "tensor" and number == RAW:
            raw = value
    if stored in RAW_TYPES:
        yield np.frombuffer(raw, RAW_TYPES[stored])


def message_fields(message: memoryview) -> Iterator[tuple[int, int | memoryview | Numbers]]:
    """Number and value of each field: an integer, bytes, or a run of 32-bit numbers."""
    at = 0
    while at < len(message):
        tag, start = _integer(message, at)
        if tag & 7 == 0:
            value, at = _integer(message, start)
            yield tag >> 3, value
        elif tag & 7 == 2:
            size, start = _integer(message, start)
            at = start + size
            yield tag >> 3, message[start:at]
        elif tag & 7 == 5:
            there = np.frombuffer(message, TAGGED, (len(message) - at) // TAGGED.itemsize, at)
            run = np.append(np.flatnonzero(there["tag"] != tag), len(there))[0]
            at += max(int(run), 1) * TAGGED.itemsize
            yield tag >> 3, there["number"][:run]
        else:
            raise ValueError("no message of an ONNX model")


def nested(message: memoryview, number: int) -> Iterator[memoryview]:
    """The bytes of each field with that number: messages, or texts."""
    for found, value in message_fields(message):
        if found == number and isinstance(value, memoryview):
            yield value


def texts(message: memoryview, number: int) -> list[str]:
    """The texts of each field with that number."""
    return [bytes(text).decode() for text in nested(message, number)]


def _integer(message: memoryview, at: int) -> tuple[int, int]:
    """A base-128 integer, and where the next field begins."""
    value = shift = 0
    while at < len(message):
        byte = message[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return value, at
    raise ValueError("no message of an ONNX model")
