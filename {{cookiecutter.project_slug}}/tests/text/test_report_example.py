"""Does the report show the note as it was read, the decisive words marked, readable without colour
and harmless?
"""

from __future__ import annotations

import re
from html import unescape

import pytest

from risk_model.core.schema import Signal
from risk_model.reporting.examples import RecordingExplanation, draw

SIGNAL = Signal("note", "text", (1, 64), described=64)
NOTE = "Reports crushing chest pain since noon.\nDenies cough & <b>fever</b>. Mother had itching."


def explained(note: str, **added: float) -> RecordingExplanation:
    """The note with what single words of it add."""
    parts = [{"characters": [note.index(word), note.index(word) + len(word)]} for word in added]
    return RecordingExplanation(note, SIGNAL, tuple(parts), tuple(added.values()))


def plain(drawing: str) -> str:
    """What a reader sees, without the signs."""
    return unescape(re.sub(r"<[^>]+>", "", re.sub(r"<sup>.</sup>", "", drawing)))


def marks(drawing: str) -> dict[str, str]:
    return {
        word: name for name, word in re.findall(r'<mark class="([^"]+)"[^>]*>(.*?)<sup>', drawing)
    }


def test_a_short_note_is_shown_in_full_with_its_words_marked() -> None:
    drawing = draw(explained(NOTE, crushing=2.0, chest=0.6, Denies=-1.5, noon=0.01), "a note")
    assert plain(drawing) == NOTE
    assert marks(drawing) == {
        "crushing": "raises strongly",
        "chest": "raises",
        "Denies": "lowers strongly",
    }


def test_each_mark_carries_its_sign() -> None:
    drawing = draw(explained(NOTE, crushing=2.0, Denies=-1.5), "a note")
    assert re.findall(r"<sup>(.)</sup>", drawing) == ["+", "−"]
    assert 'title="+2.00"' in drawing
    assert 'title="−1.50"' in drawing


def test_no_word_of_a_note_becomes_markup() -> None:
    note = 'x "onload=alert(1)" <script>alert(1)</script> <mark> &amp;'
    drawing = draw(explained(note, **{"<script>": 1.0}), note)
    assert "<script" not in drawing
    assert plain(drawing) == note
    assert set(re.findall(r"<(\w+)", drawing)) == {"div", "mark", "sup"}
    assert drawing.count('"') == 2 * len(re.findall(r'\w="', drawing))


def test_what_it_is_and_the_strongest_words_are_told_to_who_cannot_see_it() -> None:
    (label,) = re.findall(
        r'aria-label="([^"]+)"', draw(explained(NOTE, pain=0.5, crushing=2.0), "a note")
    )
    assert unescape(label) == "a note: “crushing” +2.00; “pain” +0.50"
    assert "no place stands out" in draw(RecordingExplanation(NOTE, SIGNAL), "a note")


def test_a_long_note_is_cut_to_what_surrounds_its_marked_words() -> None:
    filler = "nothing to report today. " * 400
    note = f"{filler}Sudden haemoptysis at night. {filler}Denies dyspnoea on stairs. {filler}"
    drawing = draw(explained(note, haemoptysis=2.0, dyspnoea=-1.0), "a note")
    text = plain(drawing)
    assert len(text) < 600
    assert "Sudden haemoptysis at night." in text
    assert "Denies dyspnoea on stairs." in text
    assert text.count("[…]") == 3
    for piece in text.split(" […] "):
        assert piece in note


def test_a_long_note_without_any_mark_shows_its_beginning() -> None:
    note = "quiet words " * 500
    text = plain(draw(RecordingExplanation(note, SIGNAL), "a note"))
    assert text.startswith("quiet words")
    assert len(text) < 700


@pytest.mark.parametrize("count", [0, 1, 300])
def test_no_more_than_twenty_places_are_marked_and_the_strongest_are(count: int) -> None:
    words = [f"w{i}" for i in range(count)]
    note = " ".join(words)
    parts = [{"characters": [m.start(), m.end()]} for m in re.finditer(r"\S+", note)]
    found = marks(
        draw(
            RecordingExplanation(
                note, SIGNAL, tuple(parts), tuple(map(float, range(1, count + 1)))
            ),
            "a note",
        )
    )
    assert list(found) == words[-20:]
