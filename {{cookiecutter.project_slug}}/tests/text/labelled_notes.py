"""Made-up notes with what names a person marked by hand, and how a scrubber does on them.

A span is written {NAME John Smith}. Titles, degrees, weekdays, years alone, hospitals and firms are
not marked. The notes and their marks were written before the patterns that are measured on them;
while the patterns were changed, only the figures of `kept_back` were seen, not what was missed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

Places = list[tuple[str, tuple[int, int]]]

FOLDER = Path(__file__).parent / "labelled"
PARTS = ("tuned_on", "kept_back")
MARK = re.compile(r"\{([A-Z]+) ([^{}]+)\}")


@dataclass(frozen=True)
class LabelledNote:
    """A note as its author wrote it, and the category and place of each marked span."""

    style: str
    text: str
    marked: Places


@dataclass(frozen=True)
class Counts:
    """Of each category: spans marked, spans wholly replaced, replacements, right replacements."""

    marked: Counter[str] = field(default_factory=Counter)
    replaced: Counter[str] = field(default_factory=Counter)
    replacements: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)

    def recall(self, category: str) -> float:
        """Share of the marked spans that were wholly replaced, under whatever name."""
        return self.replaced[category] / self.marked[category]

    def precision(self, category: str) -> float:
        """Share of its replacements that took out nothing but what is marked, 1 of none."""
        made = self.replacements[category]
        return self.right[category] / made if made else 1.0


def labelled_notes(part: str) -> list[LabelledNote]:
    """The notes of `tuned_on` or `kept_back`."""
    content = (FOLDER / f"{part}.txt").read_text(encoding="utf-8")
    return [_note(*note.split("\n", 1)) for note in content.split("=== ")[1:]]


def _note(style: str, written: str) -> LabelledNote:
    text, marked, at = "", [], 0
    for match in MARK.finditer(written):
        text += written[at : match.start()]
        marked.append((match[1], (len(text), len(text) + len(match[2]))))
        text, at = text + match[2], match.end()
    return LabelledNote(style, text + written[at:], marked)


def counts(notes: Iterable[LabelledNote], find: Callable[[str], Places]) -> Counts:
    """How the spans that `find` gives agree with the marked ones; letters and digits count."""
    result = Counts()
    for note in notes:
        places = find(note.text)
        found = _letters(note.text, [span for _, span in places])
        for category, span in note.marked:
            result.marked[category] += 1
            result.replaced[category] += _letters(note.text, [span]) <= found
        inside = _letters(note.text, [span for _, span in note.marked])
        for category, span in places:
            result.replacements[category] += 1
            result.right[category] += _letters(note.text, [span]) <= inside
    return result


def _letters(text: str, spans: Iterable[tuple[int, int]]) -> set[int]:
    return {i for start, end in spans for i in range(start, end) if text[i].isalnum()}
