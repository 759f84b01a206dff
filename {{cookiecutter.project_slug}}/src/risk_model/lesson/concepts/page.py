"""All cards on one page, concern by concern, for a screen and for paper."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from risk_model.lesson.concepts.cards import Concern, cards
from risk_model.lesson.concepts.telling import (
    CLINICIAN,
    FIELDS,
    absence,
    by_concern,
    place_line,
    places,
)
from risk_model.reporting.page import write_page

FOLDER = Path(__file__).parent
QUESTIONS: dict[Concern, str] = {
    "data": "Who is in the data, and who stays out of sight?",
    "model": "Which model, and against which baseline?",
    "training": "How does it learn, and what is watched?",
    "evaluation": "How good, for whom, and of what use?",
    "deployment": "How is it served, watched and governed?",
}
Words = tuple[str, Markup]  # what a paragraph is called, and the paragraph


@dataclass(frozen=True)
class ShownPlace:
    """Code of this project that a card points at."""

    line: str
    code: str


@dataclass(frozen=True)
class ShownCard:
    """What the page shows of one card."""

    name: str
    title: str
    aliases: str
    fields: list[Words]
    snippet: str
    clinician: list[Words]
    places: list[ShownPlace]
    absence: str
    source: str
    near: list[tuple[str, str]]  # name and title


@dataclass(frozen=True)
class ShownConcern:
    """One of the five concerns with its cards."""

    name: str
    question: str
    cards: list[ShownCard]


@dataclass(frozen=True)
class ConceptsView:
    """Everything that `concepts.html.j2` names."""

    concerns: list[ShownConcern]
    number: int


def write_concepts(path: Path) -> None:
    """Writes the page; UserError where a card's anchor leads nowhere."""
    concerns = [
        ShownConcern(concern, QUESTIONS[concern], [_shown(name) for name in names])
        for concern, names in by_concern().items()
    ]
    write_page(path, "concepts.html.j2", ConceptsView(concerns, len(cards())), FOLDER)


def _shown(name: str) -> ShownCard:
    card = cards()[name]
    return ShownCard(
        name=name,
        title=card.title,
        aliases=", ".join(card.aliases),
        fields=[(field, _marked(getattr(card, field))) for field in FIELDS],
        snippet=card.snippet.strip(),
        clinician=[(word, _marked(getattr(card.clinician, f))) for f, word in CLINICIAN.items()],
        places=[ShownPlace(place_line(place), place.code) for place in places(card)],
        absence=absence(card),
        source=card.source,
        near=[(other, cards()[other].title) for other in card.near],
    )


def _marked(text: str) -> Markup:
    """A text with what stands in backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 escaped
