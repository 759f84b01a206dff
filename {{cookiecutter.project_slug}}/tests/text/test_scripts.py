"""Notes of any script, and of word processors: read and served alike, and English unchanged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import pytest

from risk_model.config.text import Notes
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.schema import Signal
from risk_model.data.sources import notes
from risk_model.deployment.recording_requests import recording_reader
from risk_model.signals import text
from risk_model.signals.text_words import bag, sentences, tokens, written_words

SIGNAL = Signal("note", "text", (3, 16), described=512)
ENGLISH = (
    "Seen today, O’Neil's 63-year-old mother. Denies chest pain; reports naïve »Übelkeit«.\r\n"
    "\tBP 132/84_x, [NAME] T 37.2 °C.\fЖалобы: боль в груди. 통증 없음. نفس ضيق. δύσπνοια"
)
ROWS = 60

WITHOUT_SPACES = {
    "Japanese": "胸痛と発熱があります。昨日から咳が出ています。",
    "Chinese": "患者胸痛三天，否认发热。",
    "Chinese of Taiwan": "病人主訴腹痛，無發燒。",
    "rare Chinese letters": "𠮷野家患者",
    "Thai": "ผู้ป่วยเจ็บหน้าอกและมีไข้",
    "Lao": "ຄົນເຈັບເຈັບໜ້າເອິກ",
    "Khmer": "អ្នកជំងឺឈឺទ្រូង",
    "Burmese": "လူနာရင်ဘတ်အောင့်သည်",
    "katakana of half width": "ｶﾝｼﾞｬﾊﾈﾂ",
}


def made(change: Callable[[str], str]) -> list[dict[str, Any]]:
    """Short notes, of which one in ten is changed."""
    ills = ["cough", "chest pain"]
    rows: list[dict[str, Any]] = [
        {"text": f"Patient {i} seen with {ills[i % 2]} for {i} days.", "died": int(i % 3 == 0)}
        for i in range(ROWS)
    ]
    return [
        {**row, "text": change(row["text"])} if i % 10 == 3 else row for i, row in enumerate(rows)
    ]


def read(rows: list[dict[str, Any]], path: Path) -> Cohort:
    if path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    elif path.suffix == ".csv":
        pd.DataFrame(rows).to_csv(path, index=False)
    else:
        pd.DataFrame(rows).to_parquet(path)
    settings = Notes(path=str(path), outcome="died", encoder="", windows=2, tokens=16, columns=64)
    return notes.load(settings)


@pytest.mark.parametrize("end", ["\v", "\f", "\v\v", "\r\n", "\n", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("file", ["notes.jsonl", "notes.csv", "notes.parquet"])
def test_a_line_end_of_a_word_processor_is_one_wherever_it_is_read(
    tmp_path: Path, end: str, file: str
) -> None:
    note = f"Chest pain.{end}Since Monday"
    cohort = read(made(lambda _: note), tmp_path / file)
    assert len(cohort) == ROWS
    ask = recording_reader(cohort.schema)
    row = ask(json.dumps({"inputs": {"note": note}}).encode()).row
    np.testing.assert_array_equal(row[0], cohort.encoded()[3])
    plain = ask(json.dumps({"inputs": {"note": note.replace(end, "\n")}}).encode()).row
    np.testing.assert_array_equal(row, plain)


def test_lines_end_there_without_a_full_stop_too() -> None:
    assert len(sentences("chest pain\vsince Monday\fno fever")) == 3
    assert len(sentences("chest pain\x85since Monday\u2028no fever\u2029cough\rwell\r\nhome")) == 6
    assert len(sentences("胸痛あり。発熱なし。")) == 2


@pytest.mark.parametrize("script", WITHOUT_SPACES)
def test_notes_in_which_no_names_can_be_found_are_told_of(script: str) -> None:
    scrubbed = Signal("note", "text", (3, 16), described=512, scrub=True)
    told = [remark.kind for remark in text.reading(WITHOUT_SPACES[script], scrubbed).remarks]
    assert told == ["scripts not scrubbed"]
    assert text.reading(WITHOUT_SPACES[script], SIGNAL).remarks == ()


@pytest.mark.parametrize(
    "note", ["β-blocker for angina, 5 µg", "Übelkeit, naïve, Đặng Văn", ENGLISH[:60]]
)
def test_a_few_letters_of_another_script_are_no_other_script(note: str) -> None:
    scrubbed = Signal("note", "text", (3, 16), described=512, scrub=True)
    kinds = [remark.kind for remark in text.reading(note, scrubbed).remarks]
    assert "scripts not scrubbed" not in kinds


def test_quotation_marks_of_another_encoding_are_noticed_but_a_line_end_is_not() -> None:
    windows = "he said \x93no\x94 pain".encode("latin-1").decode("latin-1")
    assert [remark.kind for remark in text.reading(windows, SIGNAL).remarks] == ["mixed encodings"]
    assert text.reading("chest pain\x85no fever", SIGNAL).remarks == ()


@pytest.mark.parametrize("sign", ["\0", "\x01", "\x08", "\x1b", "\x1f", "\x7f"])
def test_other_control_characters_are_still_refused(sign: str) -> None:
    with pytest.raises(UserError, match="control characters"):
        text.received(f"pain{sign}fever", SIGNAL)


@pytest.mark.parametrize("script", WITHOUT_SPACES)
def test_long_notes_without_spaces_are_read_and_served_alike(tmp_path: Path, script: str) -> None:
    note = WITHOUT_SPACES[script] * 240
    assert max(map(len, note.split())) > 1_000
    cohort = read(made(lambda _: note), tmp_path / "notes.jsonl")
    row = recording_reader(cohort.schema)(json.dumps({"inputs": {"note": note}}).encode()).row
    np.testing.assert_array_equal(row[0], cohort.encoded()[3])
    assert np.count_nonzero(bag(note, 512)) > 5


@pytest.mark.parametrize("script", WITHOUT_SPACES)
def test_each_letter_is_a_word_and_keeps_its_marks(script: str) -> None:
    note = WITHOUT_SPACES[script]
    words = tokens(note)
    assert "".join(words) == note
    assert len(words) > 4
    assert bag(note, 512).any()
    assert not np.array_equal(bag(note, 4096), bag(note[::-1], 4096))  # neighbours count


def test_a_thai_letter_is_one_with_its_vowel_and_tone() -> None:
    assert tokens("ผู้ป่วย") == ["ผู้", "ป่", "ว", "ย"]


def test_scripts_may_be_mixed_within_a_sentence() -> None:
    assert tokens("CRP 12 の患者, no fever") == ["crp", "00", "の", "患", "者", ",", "no", "fever"]
    assert written_words("CRP上昇あり") == ["CRP", "上", "昇", "あ", "り"]


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("боль в груди", ["боль", "в", "груди"]),
        ("δύσπνοια και πυρετός", ["δύσπνοια", "και", "πυρετός"]),
        ("가슴 통증 없음", ["가슴", "통증", "없음"]),
        ("ألم في الصدر", ["ألم", "في", "الصدر"]),
        ("Übelkeit, O’Neil's", ["übelkeit", ",", "o’neil's"]),
    ],
)
def test_scripts_with_spaces_keep_their_words(note: str, words: list[str]) -> None:
    assert tokens(note) == words


def test_what_is_no_text_is_still_refused() -> None:
    for value, why in (
        ("A" * 1_001, "more than 1,000 letters"),
        ("胸痛 " + "Ab1" * 400, "more than 1,000 letters"),
        ("胸" * 20_001, "more than 20,000 words"),
        ("pain " * 20_001, "more than 20,000 words"),
    ):
        with pytest.raises(UserError, match=why):
            text.received(value, SIGNAL)
    assert text.received("胸" * 19_999, SIGNAL)


def test_the_features_of_notes_with_spaces_are_what_they_were() -> None:
    """Packages that were trained before scripts without spaces were read must score alike."""
    assert crc32(text.describe(ENGLISH, SIGNAL).tobytes()) == 2168951464
    assert crc32(text.array(ENGLISH, SIGNAL).tobytes()) == 3866482888
    assert text.measure(ENGLISH, SIGNAL)["words"] == 31
    assert text.measure(ENGLISH, SIGNAL)["sentences"] == 7
    assert crc32(repr(text.parts(ENGLISH.replace("\f", "\n"), SIGNAL)).encode()) == 3227995508
