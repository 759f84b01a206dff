"""A reply from the sandbox: JSON that others wrote, made harmless before anybody judges it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

DEEPEST = 20
# Beyond these a whole number is no number that a task asks for, and `float` of it may fail.
LARGEST = 1 << 63


@dataclass(frozen=True)
class Reply:
    """What a process answered, or why there is no answer.

    Attributes:
        value: of JSON: None, bool, int, float, str, list or dict. NaN, infinite numbers and whole
            numbers of 64 bits and more came as numbers and are None here: no judge takes them for
            one. Nothing lies deeper than 20 lists or objects.
        problem: empty, or what the process did instead: "ran longer than 20 s".
    """

    value: object | None
    problem: str = ""


def parsed(line: bytes) -> Reply:
    """The reply in one line of JSON."""
    try:
        value = json.loads(
            line.decode("utf-8"),
            parse_float=_finite,
            parse_int=_small,
            parse_constant=lambda name: None,
        )
        _refuse_deep_or_broken(value, DEEPEST)
    except (ValueError, RecursionError):
        return Reply(None, "answered with something that is no JSON of a sensible depth")
    return Reply(value)


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _small(text: str) -> int | None:
    number = int(text) if len(text) < 20 else LARGEST
    return number if abs(number) < LARGEST else None


def _refuse_deep_or_broken(value: object, depth: int) -> None:
    """Raises ValueError for nesting that a judge could stumble on, and for half a character of two
    (a lone surrogate), which no page can be written with.
    """
    if isinstance(value, str):
        value.encode("utf-8")
        return
    if not isinstance(value, list | dict):
        return
    if depth == 0:
        raise ValueError("too deep")
    for item in value:  # a dictionary's keys are texts
        _refuse_deep_or_broken(item, depth - 1)
    for item in value.values() if isinstance(value, dict) else ():
        _refuse_deep_or_broken(item, depth - 1)
