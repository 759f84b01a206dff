"""What was asked and answered, by all clients together."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Answered:
    """A prediction that a client was given, as its record must say it."""

    prediction_id: str
    risk: float
    client: str
    key: str
    request_id: str
    explained: bool


class Tally:
    """Counts, the answers that have yet to be compared with the log, and what was wrong."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []  # answers
        self.failed: list[str] = []  # faults that did not do what they must
        self._answered: list[Answered] = []
        self._refused: list[tuple[str, int]] = []

    def count(self, name: str, number: int = 1) -> None:
        """Adds to a count."""
        with self._lock:
            self.counts[name] += number

    def answer(self, answered: Answered) -> None:
        """Notes a right answer, whose record is looked for later."""
        with self._lock:
            self._answered.append(answered)
            self.counts["right answers"] += 1

    def refusal(self, event_id: str, status: int) -> None:
        """Notes a refusal that names its record."""
        with self._lock:
            self._refused.append((event_id, status))

    def mistake(self, text: str) -> None:
        """Notes an answer that is wrong."""
        with self._lock:
            self.wrong.append(text)

    def take(self) -> tuple[list[Answered], list[tuple[str, int]]]:
        """The answers and refusals since the last call."""
        with self._lock:
            taken = self._answered, self._refused
            self._answered, self._refused = [], []
            return taken
