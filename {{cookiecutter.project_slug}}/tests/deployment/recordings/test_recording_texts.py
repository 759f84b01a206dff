"""Is a long text of a request read as the parser would, without one long piece of work?"""

from __future__ import annotations

import base64
import json
import os

import orjson
import pytest

from risk_model.deployment import requests
from risk_model.deployment.recording_texts import LONG, cut_out
from risk_model.deployment.requests import RefusedError, read_json
from risk_model.signals import long_bytes
from risk_model.signals.long_bytes import PIECE, from_base64, holds

LARGE = base64.b64encode(os.urandom(3 * PIECE)).decode()
OTHER = base64.b64encode(os.urandom(LONG)).decode()


def parsed(body: bytes) -> object:
    rest, texts = cut_out(body)

    def restored(value: object) -> object:
        if isinstance(value, dict):
            return {restored(k): restored(v) for k, v in value.items()}
        if isinstance(value, list):
            return [restored(item) for item in value]
        for stands, text in texts.items() if isinstance(value, str) else ():
            value = str(value).replace(stands, bytes(text).decode())
        return value

    return restored(orjson.loads(rest))


@pytest.mark.parametrize(
    "content",
    [
        {"inputs": {"image": LARGE}},
        {"inputs": {"image": LARGE}, "subject": "a-17", "explain": True},
        {"subject": OTHER, "inputs": {"image": LARGE}},
        {LARGE: OTHER, "more": [OTHER, LARGE, {"deep": LARGE}]},
        {"inputs": {"image": LARGE[:-1] + "é"}},
        {"inputs": {"image": LARGE + '"' + LARGE}},
        {"inputs": {"image": "\\" * 7 + LARGE}},
        {"inputs": {"image": LARGE[:LONG] + "\n" + LARGE[LONG:]}},
        {"inputs": {"image": "short"}},
        {"empty": "", "image": LARGE, "end": ""},
    ],
    ids=range(10),
)
def test_the_content_is_what_the_parser_reads(content: dict[str, object]) -> None:
    for body in (json.dumps(content), json.dumps(content, indent=2, ensure_ascii=False)):
        assert parsed(body.encode()) == content


def test_escaped_slashes_are_slashes_wherever_a_piece_ends() -> None:
    text = ("/" * 3 + "A") * PIECE
    body = json.dumps({"inputs": {"image": text}}).replace("/", "\\/").encode()
    for shift in range(3):
        moved = b" " * shift + body
        rest, texts = cut_out(moved)
        assert len(rest) < LONG
        assert [bytes(found).decode() for found in texts.values()] == [text]
        assert parsed(moved) == orjson.loads(moved)


def test_a_backslash_that_is_escaped_itself_stays() -> None:
    content = {"subject": "\\/", "image": LARGE}
    body = json.dumps(content).replace("/", "\\/").encode()
    assert parsed(body) == orjson.loads(body) == content


@pytest.mark.parametrize(
    "body",
    [
        f'{{"inputs": {{"image": "{LARGE}"',
        f'"{LARGE}',
        f'{{"a"{"1" * LONG}"b": 1}}',
        f'{{"a": "{LARGE}", "a": "{LARGE}"}}',
        f'{{"a": {LARGE}}}',
    ],
)
def test_what_is_no_json_stays_none(body: str) -> None:
    with pytest.raises(RefusedError):
        read_json(body.encode())
    with pytest.raises(RefusedError):
        read_json(cut_out(body.encode())[0])


def test_what_stands_in_its_place_is_too_long_for_a_subject_and_never_the_same() -> None:
    body = json.dumps({"subject": OTHER}).encode()
    first, second = (orjson.loads(cut_out(body)[0])["subject"] for _ in range(2))
    assert len(first) > requests.SUBJECT_LENGTH
    assert first != second


def test_no_piece_of_work_is_longer_than_a_quarter_of_a_megabyte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worked_on: list[int] = []

    class Watched:
        def __getattr__(self, name: str) -> object:
            def call(piece: bytes) -> bytes:
                worked_on.append(len(piece))
                return base64.b64decode(piece)

            return call

    monkeypatch.setattr(long_bytes, "binascii", Watched())
    body = json.dumps({"inputs": {"image": LARGE}}).encode()
    rest, texts = cut_out(body)
    ((_, text),) = texts.items()
    assert from_base64(text) == base64.b64decode(LARGE)
    assert max(worked_on) <= PIECE
    assert len(rest) < LONG
    assert PIECE <= 1 << 18


def test_bytes_are_found_across_the_end_of_a_piece() -> None:
    for at in (0, PIECE - 3, PIECE - 1, PIECE, 2 * PIECE - 2):
        content = bytearray(3 * PIECE)
        content[at : at + 4] = b"mark"
        assert holds(bytes(content), b"mark")
    assert not holds(bytes(3 * PIECE), b"mark")


@pytest.mark.parametrize("text", ["QQ=", "Q", "QUJD" * PIECE + "QQ=", "QQ==" + "QUJD" * PIECE])
def test_wrong_padding_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)padding|base64"):
        from_base64(memoryview(text.encode()))
