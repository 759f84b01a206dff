"""The prose of the walkthrough, as it is read: a TOML file a concern, and one for the closing.

Each sentence is a claim. What is true of some runs alone names its conditions in `when`; numbers
are pointers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import ConfigDict

from risk_model.lesson.toml_file import read_toml
from risk_model.lesson.walkthrough.conditions import CONDITIONS, NOT, holds
from risk_model.lesson.walkthrough.records import RunRecords

FOLDER = Path(__file__).parent / "concerns"
CONCERNS = ("data", "model", "training", "evaluation", "deployment")
REMEDY = "its fields stand in lesson/walkthrough/prose.py"


class Strict:
    """Unknown keys of a file are errors."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Claim(Strict):
    """A sentence or two, true of runs in which all of `when` holds."""

    say: str
    when: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(self.when)


@dataclass(frozen=True)
class Code(Strict):
    """Code of this project, where it does what was said; shown where all of `when` holds."""

    anchor: str
    when: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(self.when)


@dataclass(frozen=True)
class FollowUp(Strict):
    """What an interviewer asks next, and a good answer."""

    ask: str
    answer: tuple[Claim, ...]


@dataclass(frozen=True)
class Topic(Strict):
    """One of the lesson's points below a concern, as a question."""

    name: str
    ask: str
    answer: tuple[Claim, ...]
    measured: tuple[Claim, ...]
    pitfall: tuple[Claim, ...]
    code: tuple[Code, ...]
    follow_up: FollowUp


@dataclass(frozen=True)
class Concern(Strict):
    """One of the five concerns: the question, the answer in two sentences, its topics.

    `weak`, `good` and `strong` are what such an answer holds, for the interviewer, and `minutes`
    how long this concern may take of 45.
    """

    name: str
    minutes: int
    question: str
    lead: tuple[Claim, ...]
    weak: str
    good: str
    strong: str
    topics: tuple[Topic, ...]


@dataclass(frozen=True)
class Item(Strict):
    """One tick of the lesson's checklist, and what in a run is evidence for it."""

    name: str
    evidence: tuple[Claim, ...]


@dataclass(frozen=True)
class Closing(Strict):
    """The checklist of an answer, and the points that a clinical role adds."""

    answer: tuple[Item, ...]
    clinical: tuple[Item, ...]


@cache
def concerns() -> tuple[Concern, ...]:
    """The five, in the lesson's order."""
    return tuple(read_toml(FOLDER / f"{name}.toml", Concern, REMEDY) for name in CONCERNS)


@cache
def closing() -> Closing:
    """The checklist with which the page ends."""
    return read_toml(FOLDER / "closing.toml", Closing, REMEDY)


Conditional = TypeVar("Conditional", Claim, Code)


def those_true(claims: Sequence[Conditional], run: RunRecords) -> list[Conditional]:
    """What may be said, or shown, of this run."""
    return [claim for claim in claims if holds(run, claim.when)]


def _check(when: Sequence[str]) -> None:
    unknown = [name for name in when if name.removeprefix(NOT) not in CONDITIONS]
    if unknown:
        raise ValueError(f"no condition {', '.join(unknown)}")
