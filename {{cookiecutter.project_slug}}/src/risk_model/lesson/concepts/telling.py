"""Cards as they are printed: the list, a card's six fields, and the lesson's ways to tell it.

PREP tells principle, reason, example and pitfall; a clinician hears intuition, benefit, limitation
and when it would be used; what no card tells is answered in four steps.
"""

from __future__ import annotations

import shutil
import textwrap
from typing import get_args

from risk_model.lesson.anchors import Place, find
from risk_model.lesson.concepts.cards import Card, Concern, cards
from risk_model.lesson.concepts.lookup import most_alike, nearest

WIDEST = 100  # characters a line, and fewer in a narrower terminal
MARGIN = 11  # for the words that name the paragraphs
FIELDS = ("what", "why", "how", "when", "pitfall", "patients")
CLINICIAN = {
    "intuition": "Intuition",
    "benefit": "Benefit",
    "limitation": "Limitation",
    "when": "When I would use it",
}
Part = tuple[str, str]  # a word in the margin, and what is said


def listing() -> str:
    """All cards with their titles, concern by concern."""
    width = max(map(len, cards()))
    blocks = [
        "\n".join([concern, *(f"  {name:{width}}  {cards()[name].title}" for name in names)])
        for concern, names in by_concern().items()
    ]
    ways = (
        "concept NAME prints one; --prep in the order of an answer, --audience clinician without "
        "jargon; --all writes them as a page."
    )
    return "\n\n".join([*blocks, _filled(ways)])


def by_concern() -> dict[Concern, list[str]]:
    """The names of the cards of each of the five concerns that has any."""
    names = {c: [n for n, card in cards().items() if card.concern == c] for c in get_args(Concern)}
    return {concern: own for concern, own in names.items() if own}


def places(card: Card) -> list[Place]:
    """The code of this project that a card points at; UserError where an anchor leads nowhere."""
    return [find(anchor) for anchor in card.anchors_here]


def absence(card: Card) -> str:
    """Why a card points at no code of this project; "" where it does.

    >>> from dataclasses import replace
    >>> absence(replace(cards()["dropout"], anchors=(), modality_anchors={}))
    'not built here'
    """
    if card.anchors_here:
        return ""
    if not card.modality_anchors:
        return "not built here"
    return f"built in projects for {' and '.join(card.modality_anchors)}"


def place_line(place: Place) -> str:
    """A place in one line: `training/loop.py, lines 10-20: fit`."""
    one = place.first == place.last
    lines = f"line {place.first}" if one else f"lines {place.first}-{place.last}"
    return f"{place.file}, {lines}{f': {place.symbol}' if place.symbol else ''}"


def told(name: str) -> str:
    """A card's six fields, its snippet, where it stands in this project, source and neighbours."""
    card = cards()[name]
    built = [place_line(place) for place in places(card)] or [absence(card)]
    here = [("" if i else "here", line) for i, line in enumerate(built)]
    ends = [*here, ("source", card.source), ("near", ", ".join(card.near))]
    fields = [(field, getattr(card, field)) for field in FIELDS]
    return f"{_head(card)}\n\n{_parts(fields)}\n\n{_code(card)}\n\n{_parts(ends)}"


def prep(name: str) -> str:
    """A card in the order of an interview answer: principle, reason, example, pitfall."""
    card = cards()[name]
    before = [("Principle", card.what), ("Reason", card.why), ("Example", card.how)]
    after = [("Pitfall", card.pitfall)]
    return f"{_head(card)}\n\n{_parts(before)}\n\n{_code(card)}\n\n{_parts(after)}"


def for_clinicians(name: str) -> str:
    """A card's four sentences for somebody who treats patients."""
    card = cards()[name]
    parts = [(word, getattr(card.clinician, field)) for field, word in CLINICIAN.items()]
    return f"{card.title}, for a clinician\n\n{_parts(parts)}"


def unknown(asked: str) -> str:
    """The four steps to answer what no card tells, filled in from the card spelt most like it."""
    likest, near = most_alike(asked), nearest(asked)
    card = cards()[likest]
    known = f"By spelling the nearest are {', '.join(near)}." if near else "None is spelt like it."
    named = f"No card is called '{asked}'. {known}"
    advice = (
        "A question that you cannot answer still has an answer in four steps. Here they are filled "
        f"in from '{card.title}': say your own where the two differ."
    )
    know = f"I know {card.title}, and start there. {_line(card.what)}"
    principles = f"What makes it work, and should hold here too: {_line(card.why)}"
    example = f"In the related case it is done so: {_line(card.how)}"
    gap = (
        f"What I cannot say is where '{asked}' differs; I would read it up and try it on data "
        f"whose truth I know. Why it matters: {_line(card.patients)} What goes wrong there may go "
        f"wrong here: {_line(card.pitfall)}"
    )
    return "\n\n".join(
        [
            _filled(named),
            _filled(advice),
            _step("1. What I know", know),
            _step("2. First principles", principles),
            f"{_step('3. A related example', example)}\n\n{_code(card)}",
            _step("4. The gap, and why it matters", gap),
        ]
    )


def _head(card: Card) -> str:
    also = _filled(f"also: {', '.join(card.aliases)}", others="      ") if card.aliases else ""
    return "\n".join(filter(None, [f"{card.title} ({card.concern})", also]))


def _parts(parts: list[Part]) -> str:
    """Paragraphs beside the words that name them."""
    margin = max(MARGIN, *(len(word) + 2 for word, _ in parts))
    return "\n".join(_filled(text, f"{word:{margin}}", " " * margin) for word, text in parts)


def _filled(text: str, first: str = "", others: str = "") -> str:
    return textwrap.fill(
        _line(text).replace(" %", "\N{NO-BREAK SPACE}%"),
        min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns),
        initial_indent=first,
        subsequent_indent=others,
        break_on_hyphens=False,
    )


def _step(title: str, text: str) -> str:
    return f"{title}\n{_filled(text, '   ', '   ')}"


def _code(card: Card) -> str:
    return textwrap.indent(card.snippet.strip(), "    ")


def _line(text: str) -> str:
    return " ".join(text.split())
