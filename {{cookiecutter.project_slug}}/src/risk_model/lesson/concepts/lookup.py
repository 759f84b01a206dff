"""A card by a name as somebody says it, and the nearest cards where no card has the name."""

from __future__ import annotations

import difflib
import re

from risk_model.lesson.concepts.cards import Card, cards

NEAREST = 3


def card_named(asked: str) -> str | None:
    """The name of the card whose name, title or alias this is; None where there is none.

    Case, spaces, hyphens and underscores do not matter.

    >>> card_named("Inverted-Dropout"), card_named("drop")
    ('dropout', None)
    """
    names = {_plain(word): name for name, card in cards().items() for word in words(name, card)}
    return names.get(_plain(asked))


def nearest(asked: str) -> list[str]:
    """The names of the cards spelt most like this, the most like first."""
    return sorted(cards(), key=lambda name: -_likeness(asked, name, cards()[name]))[:NEAREST]


def words(name: str, card: Card) -> tuple[str, ...]:
    """What a card is asked for by."""
    return name, card.title, *card.aliases


def _plain(words: str) -> str:
    return re.sub(r"[\W_]+", "", words.casefold())


def _likeness(asked: str, name: str, card: Card) -> float:
    """0 to 1, that of the most alike of the card's words."""
    matcher = difflib.SequenceMatcher(b=_plain(asked), autojunk=False)
    ratios = []
    for word in words(name, card):
        matcher.set_seq1(_plain(word))
        ratios.append(matcher.ratio())
    return max(ratios)
