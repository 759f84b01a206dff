"""The final checklist: six points of any answer, and the clinical ones of a design."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from risk_model.lesson.practice.questions import Question
from risk_model.lesson.toml_file import read_toml

ENOUGH = 5  # points of the six; with fewer the question was missed


@dataclass(frozen=True)
class Checklist:
    """Questions about an answer by name: of any answer, and the clinical bonus of a design."""

    answer: dict[str, str]
    clinical: dict[str, str]


@cache
def checklist() -> Checklist:
    """The checklist as it stands in its file."""
    path = Path(__file__).with_name("checklist.toml")
    return read_toml(path, Checklist, "its fields stand in lesson/practice/checklist.py")


def points(question: Question) -> dict[str, str]:
    """The points to tick for a question, in order: the six, and for a design the bonus."""
    bonus = checklist().clinical if question.kind == "design" else {}
    return checklist().answer | bonus


def is_missed(ticked: tuple[str, ...]) -> bool:
    """Whether fewer than ENOUGH of the six were ticked; the bonus does not count.

    >>> is_missed(("defined", "mechanism", "example", "pitfall", "calibration"))
    True
    """
    return len(checklist().answer.keys() & set(ticked)) < ENOUGH
