"""The log of practice: one JSON object a line, written when an answer has been ticked."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from risk_model.core.errors import UserError
from risk_model.core.files import check_folder
from risk_model.core.json_record import JsonRecord
from risk_model.lesson.practice.checklist import is_missed

LOG = Path("generated/practice.jsonl")


@dataclass(frozen=True)
class Attempt(JsonRecord):
    """One answer to one question.

    `at` is the time of day in ISO 8601; `seconds` is null where an answer came from a file and was
    not timed; `words` is 0 where it was spoken.
    """

    at: str
    question: str
    allowed_seconds: float
    seconds: float | None
    words: int
    answer: str
    ticked: tuple[str, ...]

    @property
    def missed(self) -> bool:
        """Whether too few points were ticked."""
        return is_missed(self.ticked)


def read(path: Path) -> list[Attempt]:
    """The attempts of a log, oldest first; none where there is no file yet.

    Raises:
        UserError: a line is no attempt; names the line.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().splitlines()
    return [_attempt(path, number, line) for number, line in enumerate(lines, 1)]


def _attempt(path: Path, number: int, line: bytes) -> Attempt:
    try:
        return Attempt.from_json(json.loads(line))
    except (ValueError, UserError) as error:
        remedy = "delete that line, or move the file away to begin anew"
        raise UserError(f"{path}: line {number} is no answer of a practice; {remedy}") from error


def latest(attempts: Sequence[Attempt]) -> dict[str, Attempt]:
    """The latest attempt at each question by its key, in the order of their times."""
    found: dict[str, Attempt] = {}
    for attempt in attempts:
        found.pop(attempt.question, None)
        found[attempt.question] = attempt
    return found


def check_writable(path: Path) -> None:
    """UserError where nothing can be logged, before anybody has answered in vain."""
    check_folder(path.parent, "practice")
    if path.exists() and not (path.is_file() and os.access(path, os.W_OK)):
        raise UserError(f"practice: {path} cannot be written to; move it away")


def append(path: Path, attempt: Attempt) -> None:
    """Adds an attempt, which is on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(attempt.to_json(), ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
