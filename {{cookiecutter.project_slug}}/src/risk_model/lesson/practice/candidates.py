"""Who answers: a person at the terminal, or a file of answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from pydantic import ConfigDict

from risk_model.core.errors import UserError
from risk_model.lesson.practice.checklist import points
from risk_model.lesson.practice.questions import Question
from risk_model.lesson.toml_file import read_toml

EXAMPLE = 'write for each question [[answers]], text = "..." and ticks = [1, 2, 4]'


@dataclass(frozen=True)
class Given:
    """An answer: its text, empty when it was spoken, and seconds, None when it was not timed."""

    text: str
    seconds: float | None


class Candidate(Protocol):
    """Answers questions; EOFError when there are no more answers."""

    def pause(self, prompt: str) -> None:
        """Waits until the candidate wants to go on."""

    def answer(self) -> Given:
        """Answers the question that was shown."""

    def ticks(self, items: int) -> list[int]:
        """Numbers, from 1, of the points on the list that the answer held."""


@dataclass(frozen=True)
class AtTerminal:
    """A person who types or speaks, by a clock of seconds."""

    read: Callable[[str], str]
    show: Callable[[str], None]
    clock: Callable[[], float]

    def pause(self, prompt: str) -> None:
        """Waits for Enter."""
        self.read(prompt)

    def answer(self) -> Given:
        """Lines until an empty one or a dot; an empty first line ends a spoken answer.

        Ctrl-D behind what was typed ends that answer; only on an empty one the practice.
        """
        started = self.clock()
        lines: list[str] = []
        while (line := self._line(lines)).strip() not in ("", "."):
            lines.append(line)
        return Given("\n".join(lines), self.clock() - started)

    def _line(self, typed: Sequence[str]) -> str:
        try:
            return self.read("> ")
        except EOFError:
            if not typed:
                raise
            self.show("")  # the prompt's line has no end
            return ""

    def ticks(self, items: int) -> list[int]:
        """Numbers, asked for until they make sense."""
        while True:
            typed = self.read("Numbers of what your answer held, all or none: ")
            ticked = parse_ticks(typed, items)
            if ticked is not None:
                return ticked
            self.show(f"Write numbers from 1 to {items} with spaces between, all, or none.")


def parse_ticks(typed: str, items: int) -> list[int] | None:
    """The numbers that a person typed, sorted; None where it makes no sense.

    >>> parse_ticks("4, 1 2", 6), parse_ticks("none", 6), parse_ticks("7", 6), parse_ticks("", 6)
    ([1, 2, 4], [], None, None)
    """
    words = re.split(r"[,\s]+", typed.strip().lower())
    if words in (["all"], ["none"]):
        return list(range(1, items + 1)) if words == ["all"] else []
    if not all(word.isdecimal() and 1 <= int(word) <= items for word in words):
        return None
    return sorted(set(map(int, words)))


@dataclass(frozen=True)
class FileAnswer:
    """One answer of a file: what was said, and the numbers of the points ticked."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    text: str
    ticks: list[int]


@dataclass(frozen=True)
class _AnswersFile:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    answers: list[FileAnswer] = field(default_factory=list)


class FromFile:
    """Answers from a file, one a question in order; the practice ends with the last."""

    def __init__(self, answers: Sequence[FileAnswer]) -> None:
        self._answers = iter(answers)
        self._ticks: list[int] = []

    def pause(self, prompt: str) -> None:
        """Goes on at once."""

    def answer(self) -> Given:
        """The next answer of the file, which nobody timed."""
        try:
            answer = next(self._answers)
        except StopIteration:
            raise EOFError from None
        self._ticks = answer.ticks
        return Given(answer.text.strip(), None)

    def ticks(self, items: int) -> list[int]:
        """The ticks of the answer given last."""
        return self._ticks


def read_answers(path: Path, questions: Sequence[Question]) -> FromFile:
    """The answers of a TOML file, checked against the questions that will be asked.

    Raises:
        UserError: the file cannot be read, holds no answer, more than there are questions, or
            ticks a point that its question does not have.
    """
    answers = read_toml(path, _AnswersFile, EXAMPLE).answers
    if not answers:
        raise UserError(f"{path}: holds no answer; {EXAMPLE}")
    if len(answers) > len(questions):
        raise UserError(
            f"{path}: holds {len(answers)} answers for {len(questions)} questions; ask more "
            f"with --questions {len(answers)}, or leave some out"
        )
    for number, (answer, question) in enumerate(zip(answers, questions, strict=False), 1):
        last = len(points(question))
        if not all(1 <= tick <= last for tick in answer.ticks):
            raise UserError(
                f"{path}: answer {number}: ticks must be numbers from 1 to {last} for "
                f"{question.key}"
            )
    return FromFile(answers)
