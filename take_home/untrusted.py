"""Text that a candidate wrote, made safe to look at: nothing in it can hide, reorder or flood."""

from __future__ import annotations

import unicodedata

# Control, format (bidirectional marks, zero width), surrogate, private, line and paragraph marks.
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
KEPT = "\n\t"
MARKS = 3  # combining marks on one letter; stacks of them cover the lines around


def visible(text: str) -> str:
    r"""The text with each character that is not seen, or moves others, written as its number.

    >>> visible("a\x1b[31mb" + chr(0x202E))
    'a‹U+001B›[31mb‹U+202E›'
    """
    if text.isascii() and text.isprintable():
        return text
    written, marks = [], 0
    for letter in text.replace("\r\n", "\n"):
        marks = marks + 1 if unicodedata.combining(letter) else 0
        hidden = unicodedata.category(letter) in UNSEEN and letter not in KEPT
        written.append(f"‹U+{ord(letter):04X}›" if hidden or marks > MARKS else letter)
    return "".join(written)


def cut(text: str, most: int) -> str:
    """The beginning of a text, and how much of it is left out.

    >>> cut("abcdef", 4)
    'abcd … (cut: 2 more characters)'
    """
    if len(text) <= most:
        return text
    return f"{text[:most]} … (cut: {len(text) - most:,} more characters)"


def cut_start(text: str, most: int) -> str:
    """The end of a text, and how much before it is left out."""
    if len(text) <= most:
        return text
    return f"(cut: {len(text) - most:,} characters before) … {text[-most:]}"


def shown(text: str, most: int) -> str:
    """The beginning of a text that may be looked at."""
    return visible(cut(text, most))


def one_line(text: str, most: int) -> str:
    r"""Like `shown`, on one line: every run of blanks is one blank.

    >>> one_line("two\n  lines", 40)
    'two lines'
    """
    return shown(" ".join(text[: 4 * most].split()), most) if text else ""
