"""The points as a table for the terminal, at most 100 columns wide."""

from __future__ import annotations

from take_home.graded import Graded
from take_home.report import Section, candidate_view
from take_home.untrusted import one_line

TITLE, COLUMNS = 45, 100


def table(graded: Graded) -> str:
    """A line for each task, the findings and the risks, with the first reason for lost points."""
    lines = [_line(section) for section in candidate_view(graded).sections]
    total = f"{'given automatically':<{TITLE}} {graded.points:6.1f} of {graded.most:5.1f}"
    names = ", ".join(one_line(name, COLUMNS) for name in graded.ignored[:COLUMNS])
    ignored = [_fitted(f"ignored: {names}", COLUMNS)] if graded.ignored else []
    again = [f"seed {graded.seed}; the same points again:", f"  {graded.command}"]
    return "\n".join([*lines, total, *ignored, *again])


def _line(section: Section) -> str:
    points = f"{section.points:6.1f} of {section.most:5.1f}"
    start = f"{_fitted(section.title, TITLE):<{TITLE}} {points}"
    return f"{start}  {_fitted(section.reason, COLUMNS - len(start) - 2)}".rstrip()


def _fitted(text: str, columns: int) -> str:
    text = one_line(text, 4 * columns)
    return text if len(text) <= columns else f"{text[: columns - 1]}…"
