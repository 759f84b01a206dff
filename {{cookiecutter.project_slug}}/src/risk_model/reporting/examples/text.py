"""The drawing of a note: the note as it was read, with the words that mattered marked.

What raises it is underlined and carries a plus, what lowers it is dotted and carries a minus; bold
is at least half as strong as the strongest. A long note is cut to the surroundings of what is
marked.
"""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from risk_model.reporting.examples import RecordingExplanation, signed, strengths

MARKED = 20  # places, at most
WHOLE = 600  # characters: a note as short is shown in full
AROUND = 60  # characters left and right of what is marked in a longer one


class _Mark(NamedTuple):
    """Characters from `start` to `end`, and how much they add, also against the strongest."""

    start: int
    end: int
    added: float
    strength: float


def draw(explanation: RecordingExplanation, alternative: str) -> str:
    """The note as HTML; no word of it can become markup."""
    text, marks, at = str(explanation.recording), _marks(explanation), 0
    pieces: list[str] = []
    for mark in marks:
        pieces += [_between(text, at, mark.start, at > 0), _marked(text, mark)]
        at = mark.end
    pieces.append(_between(text, at, len(text), at > 0, last=True))
    label = f"{alternative}: {_strongest(text, marks)}"
    return f'<div class="note" role="group" aria-label="{escape(label)}">{"".join(pieces)}</div>'


def _marks(explanation: RecordingExplanation) -> list[_Mark]:
    """The strongest places, in the order of the note, none inside another."""
    added, strength = explanation.contributions, strengths(explanation.contributions)
    spans = [part["characters"] for part in explanation.parts]
    marks = [
        _Mark(int(start), int(end), *values)
        for (start, end), *values in zip(spans, added, strength, strict=True)
        if values[1]
    ]
    strongest = sorted(marks, key=lambda mark: -abs(mark.strength))[:MARKED]
    apart: list[_Mark] = []
    for mark in sorted(strongest):
        if not apart or mark.start >= apart[-1].end:
            apart.append(mark)
    return apart


def _marked(text: str, mark: _Mark) -> str:
    name = ("raises" if mark.added > 0 else "lowers") + " strongly" * (abs(mark.strength) >= 0.5)
    marked = escape(text[mark.start : mark.end])
    return (
        f'<mark class="{name}" '
        f'title="{signed(mark.added)}">{marked}<sup>{"+" if mark.added > 0 else "−"}</sup></mark>'
    )


def _between(text: str, start: int, end: int, after: bool, last: bool = False) -> str:
    """What is not marked, without its middle, or its far end, in a long note."""
    plain, most = text[start:end], AROUND * (after + (not last))
    if len(text) <= WHOLE or len(plain) <= most + 20:
        return escape(plain)
    left = plain[:AROUND].rpartition(" ")[0] if after else ""
    right = "" if last else plain[len(plain) - AROUND :].partition(" ")[2]
    if not after and last:  # nothing is marked
        left = plain[:WHOLE]
    return f'{escape(left)}<span class="cut"> […] </span>{escape(right)}'


def _strongest(text: str, marks: list[_Mark]) -> str:
    """The strongest three in words."""
    if not marks:
        return "no place stands out"
    first = sorted(marks, key=lambda mark: -abs(mark.strength))[:3]
    return "; ".join(f"“{_short(text[m.start : m.end])}” {signed(m.added)}" for m in first)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:38].rstrip()} …"
