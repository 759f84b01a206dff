"""What the checks share: replies as data that may be anything, and points for what is right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from take_home.score import Part

Request = dict[str, Any]
Inputs = dict[str, Request]  # by the name of the case, in the order in which they are asked
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Output:
    """What came back for one case.

    Attributes:
        value: JSON, whatever the candidate's process said.
        problem: why there is none, as the end of a sentence; "" where there is one.
        files: the audit folder after the reply, by relative path.
    """

    value: Any = None
    problem: str = ""
    files: Mapping[str, bytes] | None = None


Outputs = Mapping[str, Output]


@dataclass(frozen=True)
class Check:
    """One thing that is asked, and whether it is right.

    Attributes:
        name: what is asked, in a few words.
        points: that it is worth.
        mistake: what is wrong, a sentence without inputs or expected values; "" where it is right.
        truth: for the interviewer alone.
    """

    name: str
    points: float
    mistake: str
    truth: str = ""


def parts(core: Check, sides: Sequence[Check]) -> tuple[Part, ...]:
    """Points of a task: those of the sides count only where the core is right.

    Otherwise code that does nothing would earn what is asked of doing no harm.
    """
    graded = [_part(core, "")]
    missed = f"Not counted, as this is not right: {core.name}." if core.mistake else ""
    return (*graded, *(_part(side, missed) for side in sides))


def _part(check: Check, missed: str) -> Part:
    sentence = check.mistake or missed
    points = 0.0 if sentence else check.points
    return Part(check.name, points, check.points, sentence or "Right.", check.truth)


def numbers(value: object, *shape: int) -> Floats | None:
    """A list of finite numbers, or of lists of them, of this shape; None for anything else."""
    found = _flat(value, shape)
    return None if found is None else np.array(found, dtype=np.float64).reshape(shape)


def _flat(value: object, shape: tuple[int, ...]) -> list[float] | None:
    if not shape:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return [float(value)] if _is_finite(value) else None
    if not isinstance(value, list) or len(value) != shape[0]:
        return None
    pieces = [_flat(item, shape[1:]) for item in value]
    return None if None in pieces else [x for piece in pieces for x in piece or []]


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond the largest float
        return False


def close(value: object, expected: Any, tolerance: float) -> bool:
    """Whether these are numbers in the expected shape, each within the tolerance.

    The tolerance is absolute, and relative to expected values above 1.
    """
    wanted = np.asarray(expected, dtype=np.float64)
    found = numbers(value, *wanted.shape)
    if found is None:
        return False
    return bool(np.all(np.abs(found - wanted) <= tolerance * np.maximum(1.0, np.abs(wanted))))


def member(value: object, name: str) -> Any:
    """What a reply says under a name; None where it says nothing or is no object."""
    return value.get(name) if isinstance(value, dict) else None


def no_value(outputs: Outputs, *cases: str) -> str:
    """Why one of these cases has no value, as a sentence; "" where each has one."""
    for case in cases:
        problem = outputs[case].problem if case in outputs else "was not asked"
        if problem:
            return f"Your code {problem}."
    return ""


def first(*mistakes: str) -> str:
    """The first mistake; "" where there is none."""
    return next((mistake for mistake in mistakes if mistake), "")


def unless(right: bool, mistake: str) -> str:
    """The mistake, unless it is right."""
    return "" if right else mistake
