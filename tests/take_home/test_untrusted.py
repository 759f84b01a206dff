"""Text of strangers: seen as it is, and never without end."""

from __future__ import annotations

import doctest

import pytest

from take_home import untrusted
from take_home.untrusted import cut, cut_start, one_line, shown, visible


@pytest.mark.parametrize(
    "text", ["plain", "two\nlines\tand a tab", "Zürich – 37,5 °C", "עברית", "日本", "👩"]
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\x1b[2J", "a‹U+001B›[2J"),
        ("a\rb", "a‹U+000D›b"),
        ("a\r\nb", "a\nb"),
        ("\u202eab", "‹U+202E›ab"),
        ("a\u200bb\ufeff", "a‹U+200B›b‹U+FEFF›"),
        ("\ud800", "‹U+D800›"),
        ("e\u0301\u0301\u0301\u0301", "e\u0301\u0301\u0301‹U+0301›"),
    ],
)
def test_what_hides_or_reorders_is_written_as_a_number(text: str, seen: str) -> None:
    assert visible(text) == seen
    assert visible(seen) == seen


def test_what_is_cut_says_how_much() -> None:
    assert cut("x" * 100, 100) == "x" * 100
    assert cut("x" * 1_101, 100).endswith("x … (cut: 1,001 more characters)")
    assert cut_start("x" * 101 + "end", 3) == "(cut: 101 characters before) … end"


def test_a_long_text_is_cut_before_it_is_looked_at() -> None:
    assert len(shown("\x00" * 10_000_000, 10)) < 200
    assert one_line("\n" * 10_000_000 + "x", 10) == ""


def test_the_examples_in_the_module_are_right() -> None:
    assert doctest.testmod(untrusted) == (0, 3)
