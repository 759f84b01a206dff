"""Text as numbers without a vocabulary: hashes of words, and of pairs for a baseline.

A stable hash needs nothing fitted, so no patient's rare word travels in a package (Weinberger et
al. 2009). Numbers keep only how many digits they have. In scripts
that put no space between words, Chinese say, every letter is a word.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np

from risk_model.core.schema import Features

BUCKETS = 8_192  # of the words a network sees; 0 is padding
NUMERAL = re.compile(r"\d")
# blocks of the scripts that put no space between words: Thai, Lao, Tibetan, Burmese, Khmer, and
# what Chinese and Japanese are written in
BLOCKS = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u303c"
    "\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"
)
MARKS = "".join(  # the vowels and tones that stand above, below or behind their letter
    chr(code)
    for code in (*range(0xE00, 0x10A0), *range(0x1780, 0x1800), 0x3099, 0x309A)
    if unicodedata.category(chr(code)).startswith("M")
)
LETTER = rf"[^\W\d_{BLOCKS}]"  # of a script that puts spaces between words
UNSPACED = re.compile(rf"(?=[^\W\d_])[{BLOCKS}][{MARKS}]*")
TOKEN = re.compile(rf"\[[A-Z]+\]|{LETTER}+(?:['’]{LETTER}+)*|{UNSPACED.pattern}|\d+|[^\w\s]|_+")
# of old Macintoshes, word processors, pages, mainframes (NEL) and Unicode
LINE_ENDS = "\n\r\x0b\x0c\x85\u2028\u2029"
SENTENCE = re.compile(rf"\S(?:.*?(?:[.!?](?=\s)|[。！？｡]|[{LINE_ENDS}])|.*)", re.DOTALL)

Span = tuple[int, int]


def written_words(text: str) -> list[str]:
    """What stands between spaces, and each letter of a script without spaces."""
    return UNSPACED.sub(r" \g<0> ", text).split()


def spans(text: str) -> list[Span]:
    """Where words, numbers, signs and placeholders such as [NAME] stand, in order."""
    return [match.span() for match in TOKEN.finditer(text)]


def tokens(text: str) -> list[str]:
    """Words in lower case, numbers as zeros, signs and placeholders as they stand."""
    return [_normal(token) for token in TOKEN.findall(text)]


def _normal(token: str) -> str:
    return token if token.startswith("[") else NUMERAL.sub("0", token.lower())


def is_word(token: str) -> bool:
    """Whether it is more than a sign."""
    return token[0].isalnum() or len(token) > 1


def sentences(text: str) -> list[Span]:
    """Where sentences and lines stand, without the space around them."""
    stretches = []
    for match in SENTENCE.finditer(text):
        start, end = match.span()
        stretches.append((start, start + len(text[start:end].rstrip())))
    return stretches


@lru_cache(maxsize=1 << 16)
def bucket(word: str, buckets: int) -> int:
    """A number from 0 to buckets - 1 that is the same everywhere."""
    return crc32(word.encode("utf-8")) % buckets


def ids(text: str) -> list[int]:
    """A number from 1 to BUCKETS - 1 for each token."""
    return [1 + bucket(token, BUCKETS - 1) for token in tokens(text)]


def bag(text: str, columns: int) -> Features:
    """Hashed counts of words and of pairs of neighbours, of length 1: float32[columns].

    A count enters as 1 + log(count).

    Sublinear counts as in Manning, Raghavan and Schütze (2008), section 6.4.1. No text gives zeros.
    """
    words = [token for token in tokens(text) if is_word(token)]
    hashes = [bucket(term, columns) for term in (*words, *(f"{a} {b}" for a, b in pairwise(words)))]
    counts = np.bincount(hashes, minlength=columns) if hashes else np.zeros(columns)
    weights = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0.0)
    length = float(np.sqrt(np.square(weights).sum()))
    return (weights / length if length else weights).astype(np.float32)


def windows(numbers: list[int], count: int, length: int, padding: int = 0) -> Features:
    """`count` stretches of at most `length` numbers: float32[count, length].

    They are filled up with `padding`.

    They follow each other; when they do not hold all, they are spread evenly from the first number
    to the last.
    """
    table = np.full((count, length), padding, dtype=np.float32)
    whole = len(numbers) <= count * length
    last = max(len(numbers) - length, 0)
    starts = (
        [i * length for i in range(count)]
        if whole
        else np.linspace(0, last, count).round().astype(int).tolist()
    )
    for row, start in zip(table, starts, strict=True):
        part = numbers[start : start + length]
        row[: len(part)] = part
    return table
