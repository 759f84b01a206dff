"""Does a note become the same numbers wherever it is read, and is what is no note refused in one
line?
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from risk_model.core.errors import UserError
from risk_model.core.schema import Signal
from risk_model.signals import text
from risk_model.signals.text_words import BUCKETS, bag, bucket, ids, sentences, tokens

SIGNAL = Signal("note", "text", (3, 16), described=512)
SCRUBBED = Signal("note", "text", (3, 16), described=512, scrub=True)
NOTE = "Seen today. Denies chest pain, reports nausea.\nBP 132/84, pulse 88."


def test_the_same_word_has_the_same_number_in_any_process() -> None:
    assert [bucket(word, 1000) for word in ("pain", "Ödem")] == [974, 925]


def test_case_and_the_value_of_a_number_do_not_matter_but_its_digits_do() -> None:
    assert ids("Pain 132") == ids("pain 845") != ids("pain 84")
    assert tokens("Seen [NAME], 132/84.") == ["seen", "[NAME]", ",", "000", "/", "00", "."]


def test_numbers_of_words_are_whole_and_zero_is_padding() -> None:
    array = text.array(NOTE, SIGNAL)
    assert array.shape == (3, 16)
    assert array.dtype == np.float32
    written = len(ids(NOTE))
    np.testing.assert_array_equal(array.ravel()[:written], ids(NOTE))
    assert (array.ravel()[written:] == 0).all()
    assert 0 < array.ravel()[:written].min() <= array.max() < BUCKETS


def test_a_long_note_is_seen_in_windows_from_its_first_to_its_last_word() -> None:
    words = [f"w{'abcdefghij'[i // 10]}{'abcdefghij'[i % 10]}" for i in range(100)]
    array = text.array(" ".join(words), SIGNAL)
    numbers = ids(" ".join(words))
    np.testing.assert_array_equal(array[0], numbers[:16])
    np.testing.assert_array_equal(array[2], numbers[-16:])
    assert (array > 0).all()


def test_the_bag_is_the_sublinear_counts_of_scikit_learn_where_no_two_words_share_a_column() -> (
    None
):
    note = "pain and pain and no fever and cough and pain and pain"
    counter = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\w+")
    counts = np.asarray(counter.fit_transform([note]).todense()).ravel()
    expected = np.sort(1 + np.log(counts)) / np.linalg.norm(1 + np.log(counts))
    found = bag(note, 1 << 20)
    np.testing.assert_allclose(np.sort(found[found > 0]), expected, rtol=1e-6)


def test_who_denies_what_changes_the_bag_though_every_word_stays() -> None:
    assert not np.array_equal(
        bag("denies pain reports nausea", 4096), bag("denies nausea reports pain", 4096)
    )


def test_no_words_give_zeros() -> None:
    neutral = text.neutral(SIGNAL)
    assert not text.describe(neutral, SIGNAL).any()
    assert not text.array(neutral, SIGNAL).any()
    assert set(text.measure(neutral, SIGNAL).values()) == {0.0}
    assert text.parts(neutral, SIGNAL) == []


def test_what_is_measured_is_what_a_person_would_count() -> None:
    measured = text.measure("Ab cd. EF 12 [NAME]", SIGNAL)
    assert measured["words"] == 5
    assert measured["sentences"] == 2
    assert measured["digits"] == 2 / 19
    assert measured["placeholders"] == 1 / 5
    assert set(measured) == {f.name for f in text.FIELDS}


def test_composed_and_decomposed_letters_are_one_note() -> None:
    composed = "Ödem, Übelkeit, café"
    assert text.received(unicodedata.normalize("NFD", composed), SIGNAL) == text.received(
        composed, SIGNAL
    )


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "is empty"),
        (" \n\t ", "is empty"),
        (None, "must be a text"),
        (["pain"], "must be a text"),
        ("pain \ud800", "lone surrogate"),
        ("pain\x00fever", "control characters"),
        ("word " * 50_000, "more than 20,000 words"),
        ("A" * 5_000, "more than 1,000 letters"),
        ("Ä" * 300_000, "bytes"),
    ],
)
def test_what_is_no_note_is_refused_in_one_line_that_repeats_nothing(
    value: object, why: str
) -> None:
    with pytest.raises(UserError, match=why) as told:
        text.received(value, SIGNAL)
    assert "\n" not in str(told.value)
    assert "pain" not in str(told.value)


def test_a_file_in_another_encoding_is_named_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_bytes("Seen\nÜbelkeit".encode("windows-1252"))
    with pytest.raises(UserError, match=r"note\.txt: byte 6 \(line 2\) is not UTF-8"):
        text.read(tmp_path / "note.txt", SIGNAL)
    with pytest.raises(UserError, match=r"none\.txt: there is no such file"):
        text.read(tmp_path / "none.txt", SIGNAL)


def test_signs_of_two_encodings_are_noticed() -> None:
    broken = "Übelkeit und Ödem".encode().decode("latin-1")
    assert [n.kind for n in text.reading(broken, SIGNAL).remarks] == ["mixed encodings"]
    assert text.reading("Übelkeit und Ödem, Ã alone", SIGNAL).remarks == ()


def test_a_note_longer_than_the_windows_is_noticed() -> None:
    assert [n.kind for n in text.reading("word " * 49, SIGNAL).remarks] == ["long notes"]
    assert text.reading("word " * 48, SIGNAL).remarks == ()


def test_a_request_is_scrubbed_where_the_signal_says_so() -> None:
    assert text.received("Seen by Dr Maria Keller.", SCRUBBED) == "Seen by Dr [NAME]."
    assert text.received("Seen by Dr Maria Keller.", SIGNAL) == "Seen by Dr Maria Keller."


def test_the_parts_of_a_short_note_are_its_words() -> None:
    places = [part["characters"] for part in text.parts(NOTE, SIGNAL)]
    assert [NOTE[a:b] for a, b in places][:5] == ["Seen", "today", "Denies", "chest", "pain"]


def test_the_parts_of_a_long_note_are_sentences_or_runs_and_never_too_many() -> None:
    sentence = "The patient walked home and slept well that night. "
    parts = text.parts(sentence * 40, SIGNAL)
    assert len(parts) == 40
    assert all((sentence * 40)[slice(*p["characters"])] == sentence.strip() for p in parts)
    for long in (sentence * 2_000, "word " * 5_000):
        assert 16 <= len(text.parts(long, SIGNAL)) <= text.PARTS


def test_a_part_left_out_is_gone_and_the_rest_stays() -> None:
    part = next(p for p in text.parts(NOTE, SIGNAL) if NOTE[slice(*p["characters"])] == "Denies")
    assert text.without(NOTE, part, SIGNAL) == NOTE.replace("Denies", "")


def test_sentences_end_at_full_stops_and_lines() -> None:
    note = "One. Two\nThree 1.5 mg? Four"
    assert [note[a:b] for a, b in sentences(note)] == ["One.", "Two", "Three 1.5 mg?", "Four"]


@given(st.text(max_size=400))
def test_any_text_is_read_or_refused_and_its_parts_lie_in_it_in_order(value: str) -> None:
    for signal in (SIGNAL, SCRUBBED):
        try:
            note = text.received(value, signal)
        except UserError:
            continue
        assert np.isfinite(text.describe(note, signal)).all()
        assert text.array(note, signal).shape == signal.shape
        for field in text.FIELDS:
            measured = text.measure(note, signal)[field.name]
            assert measured is not None
            assert field.plausible(measured)
        ends = [at for part in text.parts(note, signal) for at in part["characters"]]
        assert ends == sorted(ends)
        assert all(0 <= at <= len(note) for at in ends)
