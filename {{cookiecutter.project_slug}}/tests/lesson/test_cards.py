"""Is every card whole: do its snippet run, its anchors live, its neighbours exist, and can it be
said in three minutes?
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from risk_model.core.errors import UserError
from risk_model.lesson.anchors import find
from risk_model.lesson.concepts.cards import Card, cards, read

NAMES = list(cards())
SPOKEN = 420  # words in three minutes
SNIPPET = 12  # lines


def spoken(card: Card) -> str:
    """What is said aloud: the six fields."""
    return " ".join([card.what, card.why, card.how, card.when, card.pitfall, card.patients])


@pytest.mark.parametrize("name", NAMES)
def test_every_anchor_leads_to_code_of_this_project(name: str) -> None:
    for anchor in cards()[name].anchors_here:
        assert find(anchor).code


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_complete_short_and_leads_to_others(name: str) -> None:
    card = cards()[name]
    assert all(text.strip() for text in (card.title, spoken(card), card.snippet, card.source))
    assert len(spoken(card).split()) <= SPOKEN
    assert len(card.snippet.strip().splitlines()) <= SNIPPET
    assert set(card.near) <= set(NAMES) - {name}
    assert card.near


@pytest.mark.parametrize("name", NAMES)
def test_what_a_clinician_hears_is_one_sentence_each(name: str) -> None:
    for text in vars(cards()[name].clinician).values():
        assert text.strip().endswith(".")
        assert 5 <= len(text.split()) <= 45


def test_every_snippet_runs() -> None:
    """All in one process: the imports take longer than the snippets."""
    code = "\n".join(f"exec({card.snippet!r}, {{}})" for card in cards().values())
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("what = ", "wath = "), "what: "),
        (('concern = "training"', 'concern = "magic"'), "concern: "),
        (('title = "', "title = "), "is no TOML"),
    ],
)
def test_a_card_with_a_mistake_is_refused_by_name(
    change: tuple[str, str], said: str, tmp_path: Path
) -> None:
    own = tmp_path / "mine.toml"
    text = (Path(read.__code__.co_filename).parent / "cards" / "dropout.toml").read_text("utf-8")
    own.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(UserError, match=f"mine.toml: {said}"):
        read(own)
