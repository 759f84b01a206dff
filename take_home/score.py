"""Points: what each check earned, and one sentence of evidence for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One thing that is graded.

    Attributes:
        name: what is asked, in a few words.
        points: earned, between 0 and `most`.
        most: that can be earned.
        sentence: the evidence; the candidate may read it, so it holds no hidden input, no expected
            value and no truth about the cohort.
        truth: what the interviewer alone may read beside it.
    """

    name: str
    points: float
    most: float
    sentence: str
    truth: str = ""


@dataclass(frozen=True)
class Scored:
    """A task, the findings or the risks: its parts, and what cost points or could not be read."""

    name: str
    parts: tuple[Part, ...]
    mistakes: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """Earned by all parts."""
        return sum(part.points for part in self.parts)

    @property
    def most(self) -> float:
        """That all parts together can earn."""
        return sum(part.most for part in self.parts)
