"""The points as a table for the terminal, at most 100 columns wide."""

from __future__ import annotations

from take_home.graded import Graded
from take_home.score import Scored
from take_home.untrusted import one_line

TITLE, COLUMNS = 30, 100


def table(graded: Graded) -> str:
    """A line for each task, the findings and the risks, with the first reason for lost points."""
    lines = [_line(title, scored) for title, scored in graded.sections]
    total = f"{'given automatically':<{TITLE}} {graded.points:6.1f} of {graded.most:5.1f}"
    ignored = [one_line(f"ignored: {', '.join(graded.ignored)}", COLUMNS)] if graded.ignored else []
    again = [f"seed {graded.seed}; the same points again: {graded.command}"]
    return "\n".join([*lines, total, *ignored, *again])


def _line(title: str, scored: Scored) -> str:
    reasons = [part.sentence for part in scored.parts if part.points < part.most]
    start = f"{_fitted(title, TITLE):<{TITLE}} {scored.points:6.1f} of {scored.most:5.1f}"
    reason = next(iter([*scored.mistakes, *reasons]), "")
    return f"{start}  {_fitted(reason, COLUMNS - len(start) - 2)}".rstrip()


def _fitted(text: str, columns: int) -> str:
    text = one_line(text, 4 * columns)
    return text if len(text) <= columns else f"{text[: columns - 1]}…"
