"""A reply is data: what a judge could stumble on is no number, or no reply."""

from __future__ import annotations

import pytest

from take_home.reply import DEEPEST, LARGEST, parsed


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"null", None),
        (b'{"a": [1, 2.5, "x", true, null]}', {"a": [1, 2.5, "x", True, None]}),
        (b"[NaN, Infinity, -Infinity, 1e999, -1e999]", [None] * 5),
        (b"[1e308, -0.0, 5e-324]", [1e308, -0.0, 5e-324]),
        (f"[{LARGEST - 1}, {LARGEST}, -{LARGEST}]".encode(), [LARGEST - 1, None, None]),
        (b"[" + b"9" * 5000 + b"]", [None]),
        (b"[" * DEEPEST + b"]" * DEEPEST, None),
        ('"\u00e9\U0001f600"'.encode(), "\u00e9\U0001f600"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
    ],
)
def test_json_is_read_and_what_is_no_number_is_none(line: bytes, value: object) -> None:
    reply = parsed(line)

    assert reply.problem == ""
    assert reply.value == value or value is None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"full marks",
        b"[1] [2]",
        b'"\xff"',
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b"[" * 200_000,
        b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1),
        b"[" * 900 + b"]" * 900,
        b"{'a': 1}",
    ],
)
def test_what_no_judge_should_see_is_no_reply(line: bytes) -> None:
    reply = parsed(line)

    assert reply.value is None
    assert reply.problem.startswith("answered with something that is no JSON")
