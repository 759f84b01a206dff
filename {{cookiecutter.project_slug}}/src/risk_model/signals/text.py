"""Notes: Unicode in one form, without what names a person if asked, in windows of words.

A recording is the note itself, so places in it are counted in characters of what the model read.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import numpy as np

from risk_model.core.errors import UserError
from risk_model.core.schema import Features, Field, Signal
from risk_model.signals import Part, Reading, Recording, Remark, text_encoder
from risk_model.signals.text_scrub import scrub
from risk_model.signals.text_words import (
    bag,
    ids,
    is_word,
    sentences,
    spans,
    tokens,
    windows,
    written_words,
)

REQUEST_BYTES = 1 << 19
REQUEST_VALUES = 100_000  # commas of the text count too
FROM_FILE = False  # a listing holds the notes themselves
MOST_WORDS = 20_000  # of one note; a long discharge summary has 5,000
LETTERS = 1_000  # of one word: longer is no language
FEW = 16  # sentences, below which a long note is divided into runs of words
PARTS = 128  # places that are hidden one at a time, at most

# tab, line ends (of word processors too) and page breaks are part of notes
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
# control characters of Latin-1 but its line end are the quotation marks and dashes of Windows-1252
MOJIBAKE = re.compile("[ÃÂ][\x80-\xbf]|â€|ï¿½|\ufffd|[\x80-\x84\x86-\x9f]")
NOT_LATIN = re.compile(r"[^\W\d_A-Za-z\u00aa-\u024f\u1e00-\u1eff]")  # letters
UNSCRUBBED = 0.1  # share of a note's letters in another script, above which a reviewer is told
PLACEHOLDER = re.compile(r"\[[A-Z]+\]|\[\*\*.*?\*\*\]|_{3,}")

FIELDS = (
    Field("words", "number", "1", 0, MOST_WORDS, description="words in the note"),
    Field("sentences", "number", "1", 0, MOST_WORDS, description="sentences and lines in the note"),
    Field("word_length", "number", "1", 0, LETTERS, description="mean letters a word"),
    Field("digits", "number", "1", 0, 1, description="share of characters that are digits"),
    Field("capitals", "number", "1", 0, 1, description="share of letters that are capital"),
    Field(
        "placeholders",
        "number",
        "1",
        0,
        1,
        description="share of words that stand for what was taken out",
    ),
    Field(
        "repeated",
        "number",
        "1",
        0,
        1,
        description="share of words that were written before in the note",
    ),
)


def read(path: Path, signal: Signal) -> Reading:
    """The note in a text file; UserError, naming the file, when it cannot be used.

    See `received`.
    """
    try:
        return reading(path.read_bytes(), signal)
    except OSError:
        raise UserError(f"{path}: there is no such file, or it cannot be read") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def reading(content: bytes | str, signal: Signal) -> Reading:
    """A note and what was noticed; UserError without a place when it cannot be used."""
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise UserError(
                f"byte {error.start + 1:,} (line {line:,}) is not UTF-8; convert it to UTF-8"
            ) from None
    text = received(content, signal)
    return Reading(text, _remarks(content, text, signal))


def _remarks(content: str, text: str, signal: Signal) -> tuple[Remark, ...]:
    remarks = []
    if MOJIBAKE.search(content):
        message = "hold signs of a wrong encoding, such as an accented letter written as two"
        remarks.append(
            Remark("warning", "mixed encodings", message, "export the notes again as UTF-8")
        )
    letters = sum(map(str.isalpha, text))
    if signal.scrub and len(NOT_LATIN.findall(text)) > UNSCRUBBED * letters:
        message = (
            f"have more than {UNSCRUBBED:.0%} of their letters in a script other than Latin; they "
            "are read, but the patterns of data.scrub are English and find no names in them"
        )
        remedy = "take out what names a person before, by a tool for their language"
        remarks.append(Remark("warning", "scripts not scrubbed", message, remedy))
    capacity = signal.shape[0] * signal.shape[1]
    if len(spans(text)) > capacity:
        message = (
            f"are longer than {signal.shape[0]} windows of {signal.shape[1]}; a network sees "
            "windows spread over them"
        )
        remarks.append(Remark("note", "long notes", message, "data.windows=… for more"))
    if signal.scrub and text != unicodedata.normalize("NFC", content):
        remarks.append(
            Remark(
                "note",
                "scrubbed",
                "had names, dates or numbers taken out by patterns; some may be left",
            )
        )
    return tuple(remarks)


def received(value: object, signal: Signal) -> Recording:
    """A note in NFC, scrubbed where the signal says so.

    UserError for anything but a text, for half of a character, for control characters, for nothing
    but space, and for more than WORDS words or LETTERS letters in one.
    """
    if not isinstance(value, str):
        raise UserError("must be a text")
    try:
        size = len(value.encode("utf-8"))
    except UnicodeEncodeError:
        raise UserError("holds half of a character (a lone surrogate); send UTF-8") from None
    if size > REQUEST_BYTES:
        raise UserError(f"is longer than {REQUEST_BYTES:,} bytes; send one note at a time")
    if CONTROL.search(value):
        raise UserError("holds control characters; was it a text?")
    words = written_words(value)
    if not words:
        raise UserError("is empty; a note needs words")
    if len(words) > MOST_WORDS:
        raise UserError(
            f"has more than {MOST_WORDS:,} words; divide it into the notes it was made of"
        )
    if max(map(len, words)) > LETTERS:
        raise UserError(f"holds a word of more than {LETTERS:,} letters; was it a text?")
    text = unicodedata.normalize("NFC", value)
    return scrub(text) if signal.scrub else text


def measure(recording: Recording, signal: Signal) -> dict[str, float | None]:
    """The value of each of FIELDS; zeros for no text."""
    words = [token for token in tokens(recording) if is_word(token)]
    letters = [character for character in recording if character.isalpha()]
    count = max(len(words), 1)
    return {
        "words": float(len(words)),
        "sentences": float(len(sentences(recording))),
        "word_length": sum(map(len, words)) / count,
        "digits": sum(map(str.isdigit, recording)) / max(len(recording), 1),
        "capitals": sum(map(str.isupper, letters)) / max(len(letters), 1),
        "placeholders": min(len(PLACEHOLDER.findall(recording)) / count, 1.0),
        "repeated": 1 - len(set(words)) / count if words else 0.0,
    }


def describe(recording: Recording, signal: Signal) -> Features:
    """Hashed words and pairs of words: float32[signal.described]; see `text_words.bag`."""
    return bag(recording, signal.described)


def array(recording: Recording, signal: Signal) -> Features:
    """Numbers of the tokens in windows, 0 where there is none: float32[windows, tokens]."""
    if signal.encoder:
        return text_encoder.array(recording, signal)
    return windows(ids(recording), *signal.shape)


def parts(recording: Recording, signal: Signal) -> list[Part]:
    """Words where the note is short, sentences where it is long, runs where they are too many."""
    regions = [(start, end) for start, end in spans(recording) if is_word(recording[start:end])]
    if len(regions) > PARTS and len(lines := sentences(recording)) >= FEW:
        regions = lines
    runs = [
        run
        for run in np.array_split(np.arange(len(regions)), min(len(regions), PARTS) or 1)
        if len(run)
    ]
    return [{"characters": [regions[run[0]][0], regions[run[-1]][1]]} for run in runs]


def without(recording: Recording, part: Part, signal: Signal) -> Recording:
    """The note without those characters."""
    start, end = part["characters"]
    return str(recording[:start] + recording[end:])


def neutral(signal: Signal) -> Recording:
    """No words."""
    return ""
