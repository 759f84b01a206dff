"""A card by a name as somebody says it, and the nearest cards where no card has the name."""

from __future__ import annotations

import difflib
import re

from risk_model.lesson.concepts.cards import Card, cards

NEAREST = 3
ALIKE = 0.5  # of the letters, twice over both words: below, spelling says nothing


def card_named(asked: str) -> str | None:
    """The name of the card whose name, title or alias this is; None where there is none.

    Case, spaces, hyphens and underscores do not matter.

    >>> card_named("Inverted-Dropout"), card_named("drop")
    ('dropout', None)
    """
    names = {_plain(word): name for name, card in cards().items() for word in words(name, card)}
    return names.get(_plain(asked))


def nearest(asked: str) -> list[str]:
    """The names of a few cards spelt like this, the most like first; none where nothing is."""
    near = {name: like for name, like in _likeness(asked).items() if like >= ALIKE}
    return sorted(near, key=lambda name: -near[name])[:NEAREST]


def most_alike(asked: str) -> str:
    """The name of the card spelt most like this, however little that is."""
    likeness = _likeness(asked)
    return max(likeness, key=lambda name: likeness[name])


def words(name: str, card: Card) -> tuple[str, ...]:
    """What a card is asked for by."""
    return name, card.title, *card.aliases


def _plain(words: str) -> str:
    return re.sub(r"[\W_]+", "", words.casefold())


def _likeness(asked: str) -> dict[str, float]:
    """Of each card 0 to 1: by the most alike of the words that it is asked for by."""
    matcher = difflib.SequenceMatcher(b=_plain(asked), autojunk=False)

    def ratio(word: str) -> float:
        matcher.set_seq1(_plain(word))
        return matcher.ratio()

    return {name: max(map(ratio, words(name, card))) for name, card in cards().items()}
