"""Does a real server refuse whatever two parsers could read differently, within bounded memory?"""

from __future__ import annotations

import gzip
import json
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.made_service import (
    GUARD,
    PATIENT,
    Server,
    make_package,
    peak_memory,
    request_body,
    running,
)

RIGHT = json.dumps(request_body(PATIENT))
HOST = b"Host: localhost\r\n"
MARK = "injected"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served") / "log" / "audit.db"


@pytest.fixture(scope="module")
def server(log: Path) -> Iterator[Server]:
    """One server for all of them: what one does to it, the next would see."""
    with running(make_package(log.parents[1] / "package").directory, log) as server:
        yield server
        assert server.predict(PATIENT).status_code == 200
        told = server.stop()
    assert "Traceback" not in told


def with_age(value: str) -> bytes:
    return RIGHT.replace('"age": 71', f'"age": {value}').encode()


def changed(**members: Any) -> bytes:
    return json.dumps({**request_body(PATIENT), **members}).encode()


NOT_FINITE = ["NaN", "-NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400 + ".0"]
UNREADABLE = {
    "lone surrogate": RIGHT.replace("female", "\\ud800").encode(),
    "lone low surrogate": RIGHT.replace("female", "\\udc00x").encode(),
    "lone surrogate as a name": RIGHT.replace('"sex"', '"\\ud800"').encode(),
    "surrogate in three bytes": RIGHT.encode().replace(b"female", b"\xed\xa0\x80"),
    "bytes that are no UTF-8": RIGHT.encode().replace(b"female", b"\xff"),
    "NUL in a text": RIGHT.encode().replace(b"female", b"fem\0ale"),
    "NUL behind it": RIGHT.encode() + b"\0",
    "byte order mark": b"\xef\xbb\xbf" + RIGHT.encode(),
    "UTF-16": RIGHT.encode("utf-16"),
    "UTF-16, big end first": RIGHT.encode("utf-16-be"),
    "UTF-32": RIGHT.encode("utf-32"),
    "latin-1": RIGHT.replace("ICU", "\u00c4rzte").encode("latin-1"),
    "field twice": with_age('30, "age": 71'),
    "field twice, once escaped": with_age('30, "\\u0061ge": 71'),
    "unit twice": RIGHT.replace('"units": {', '"units": {"age": "a", ').encode(),
    "member twice": RIGHT.replace("{", '{"inputs": {"age": 30}, ', 1).encode(),
    "a number of 10,000 digits": with_age("9" * 10_000),
    "a comment": b"/* */" + RIGHT.encode(),
    "a comma too many": RIGHT.encode()[:-1] + b",}",
    "two bodies": RIGHT.encode() * 2,
    "nested": b'{"inputs": ' + b"[" * 60_000,
    "nested objects": b'{"a":' * 10_000,
    "nothing": b"",
}
WRONG: dict[str, tuple[bytes, str]] = {
    "number as text": (with_age('"71"'), "/inputs/age"),
    "true for a number": (with_age("true"), "/inputs/age"),
    "list for a number": (with_age("[71]"), "/inputs/age"),
    "object for a number": (with_age('{"value": 71}'), "/inputs/age"),
    "required and null": (with_age("null"), "/inputs/age"),
    "beyond its range": (with_age("171"), "/inputs/age"),
    "heart rate of 900": (RIGHT.replace("96.5", "900").encode(), "/inputs/heart_rate"),
    "number for truth": (changed(inputs={**PATIENT, "diabetes": 0}), "/inputs/diabetes"),
    "NUL in a category": (RIGHT.replace("female", "female\\u0000").encode(), "/inputs/sex"),
    "another form of the letter": (
        changed(inputs={**PATIENT, "ward/unit": "A\u0308rzte"}),
        "/inputs/ward~1unit",
    ),
    "another unit": (RIGHT.replace("mmol/L", "mg/dL").encode(), "/units/lactate"),
    "no units": (json.dumps({"inputs": PATIENT}).encode(), "/units/lactate"),
    "two patients": (changed(inputs=[PATIENT, PATIENT]), "/inputs"),
    "two names": (changed(subject=["a", "b"]), "/subject"),
    "a long name": (changed(subject="\u05d0" * 129), "/subject"),
    "an id with line ends": (changed(request_id="a\r\nb"), "/request_id"),
    "one field": (b'{"inputs": {"sex": "male"}}', "/inputs/age"),
}


def refused(answer: httpx.Response, status: int) -> list[dict[str, str]]:
    """The errors of a refusal of that status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "risk" not in answer.json()
    errors: list[dict[str, str]] = answer.json().get("errors", [])
    return errors


@pytest.mark.parametrize("number", NOT_FINITE)
def test_a_number_that_is_not_finite_is_named_with_its_place(server: Server, number: str) -> None:
    errors = refused(server.post(with_age(number)), 400)
    # -NaN is no number of any parser
    expected = [] if number == "-NaN" else ["/inputs/age"]
    assert [error["pointer"] for error in errors] == expected


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_what_two_parsers_could_read_differently_is_refused(server: Server, body: bytes) -> None:
    assert refused(server.post(body), 400) == []


@pytest.mark.parametrize(("body", "pointer"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_refused_at_its_place_and_never_turned_into_a_right_one(
    server: Server, body: bytes, pointer: str
) -> None:
    assert pointer in [error["pointer"] for error in refused(server.post(body), 422)]


def chunks(size: int) -> Iterator[bytes]:
    """A body without a length."""
    yield b'{"inputs": {"age": 54'
    for _ in range(size // 50_000):
        yield b" " * 50_000


def test_large_bodies_are_refused_within_bounded_memory(server: Server) -> None:
    size = 60_000_000
    packed = gzip.compress(RIGHT.encode() + b" " * size)
    nested, digits = b'{"inputs": ' + b"[" * 100_000, with_age("9" * 10_000)
    bodies: list[tuple[Any, dict[str, str], int]] = [
        (RIGHT.encode() + b" " * size, {}, 413),
        (chunks, {}, 413),
        (nested, {}, 413),
        (digits, {}, 400),
        (packed, {"content-encoding": "gzip"}, 415),
        (packed[:60_000], {}, 400),
    ]

    def send(body: Any, headers: dict[str, str]) -> int:
        with httpx.Client(base_url=server.url, timeout=GUARD) as client:
            content = body(size) if callable(body) else body
            sent = {"content-type": "application/json", **headers}
            return client.post("/v1/predict", content=content, headers=sent).status_code

    server.predict(PATIENT, explain=True)
    before = peak_memory(server.process.pid)
    with ThreadPoolExecutor(12) as pool:
        told = [(pool.submit(send, body, headers), status) for body, headers, status in bodies * 4]
        assert [(answer.result(), status) for answer, status in told] == [
            (status, status) for _, _, status in bodies * 4
        ]
    assert server.predict(PATIENT).status_code == 200
    assert peak_memory(server.process.pid) - before < 32_000, "kB"


def test_a_coding_of_the_transfer_that_is_not_chunked_is_refused(server: Server) -> None:
    packed = gzip.compress(RIGHT.encode())
    for coding in (b"gzip", b"gzip, chunked", b"chunked, gzip", b"identity"):
        head = b"POST /v1/predict HTTP/1.1\r\nContent-Type: application/json\r\n" + HOST
        head += b"Connection: close\r\nTransfer-Encoding: " + coding + b"\r\n\r\n"
        answer = exchange(server, head + b"%x\r\n" % len(packed) + packed + b"\r\n0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 4"), (coding, answer)
        assert answer.count(b"HTTP/1.1 ") == 1


def exchange(server: Server, sent: bytes) -> bytes:
    """Everything that comes back on a connection of its own."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=GUARD) as connection:
        connection.sendall(sent)
        received = b""
        while piece := connection.recv(65_536):
            received += piece
        return received


LINE_ENDS = {
    "path": b"POST /v1/predict%0d%0aX-Injected:%20injected HTTP/1.1\r\n",
    "query": b"POST /v1/predict?a=%0d%0aX-Injected:%20injected HTTP/1.1\r\n",
    "raw query": b"POST /v1/predict?a=\rX-Injected:injected HTTP/1.1\r\n",
    "header": b"POST /v1/predict HTTP/1.1\r\nX: a\rX-Injected: injected\r\n",
    "header, line feed": b"POST /v1/predict HTTP/1.1\r\nX: a\nX-Injected: injected\r\n",
    "key of a request": b"POST /v1/predict HTTP/1.1\r\nIdempotency-Key: a%0d%0ainjected\r\n",
    "bearer": b"POST /v1/predict HTTP/1.1\r\nAuthorization: Bearer a\rinjected\r\n",
    "origin": b"POST /v1/predict HTTP/1.1\r\nOrigin: https://a%0d%0aX-Injected: injected\r\n",
    "method": b"INJECTED\r /v1/predict HTTP/1.1\r\n",
}


def test_line_ends_in_a_request_make_no_line_of_an_answer_or_a_log(
    tmp_path: Path,
) -> None:
    package, log = make_package(tmp_path / "package").directory, tmp_path / "log" / "audit.db"
    body = RIGHT.encode()
    rest = HOST + b"Content-Type: application/json\r\nConnection: close\r\nContent-Length: "
    with running(package, log) as server:
        for name, start in LINE_ENDS.items():
            answer = exchange(server, start + rest + b"%d\r\n\r\n" % len(body) + body)
            assert MARK.encode() not in answer.lower(), name
            assert answer.count(b"HTTP/1.1 ") == 1, name
        names = {"subject": f'a\r\n{{"level": "{MARK}"}}', "request_id": f"\r\n{MARK}"}
        assert server.predict(PATIENT, subject=names["subject"]).status_code == 200
        assert server.predict(PATIENT, request_id=names["request_id"]).status_code == 422
        errors = server.stop()
    assert all(set(json.loads(line)) >= {"level"} for line in errors.splitlines())
    assert MARK not in errors.lower()
    assert MARK.encode() not in log.read_bytes().lower()


def test_nobody_is_sent_to_another_address(server: Server) -> None:
    host = b"Connection: close\r\nContent-Length: 0\r\nContent-Type: application/json\r\n\r\n"
    for target in (
        b"/v1/predict/", b"//evil.example/v1/predict", b"/v1//predict", b"/\\evil.example",
        b"http://evil.example/v1/predict/", b"/v1/predict/..", b"/v1/model/", b"/livez/", b"/v1",
        b"/v1/predict/batch/", b"/%2f%2fevil.example", b"/v1/predict?next=//evil.example",
    ):  # fmt: skip
        for method in (b"POST", b"GET", b"OPTIONS"):
            answer = exchange(server, method + b" " + target + b" HTTP/1.1\r\n" + HOST + host)
            head = answer.split(b"\r\n\r\n")[0].lower()
            assert b"\r\nlocation:" not in head, target
            assert not head.startswith(b"http/1.1 3"), target
    forged = b"POST /v1/predict/ HTTP/1.1\r\nHost: evil.example\r\n"
    assert exchange(server, forged + host).startswith(b"HTTP/1.1 400 ")


NAMES = [
    "Łukasz Żółć",
    "שרה כהן",
    "محمد \u202eabc",
    "山田 太郎",
    "👩\u200d⚕️",
    "x" * 128,
    "\u05d0" * 128,
]


@pytest.mark.parametrize("name", NAMES)
def test_any_script_and_length_of_a_name_is_served_under_one_pseudonym(
    server: Server, log: Path, name: str
) -> None:
    ids = [
        server.predict({**PATIENT, "ward/unit": "Ärzte"}, subject=name).json()["prediction_id"]
        for _ in range(2)
    ]
    with sqlite3.connect(log) as database:
        rows = [json.loads(row) for (row,) in database.execute("SELECT body FROM record")]
    told = {row["subject"] for row in rows if row["event_id"] in ids}
    assert len(told) == 1
    assert name.encode() not in log.read_bytes() + log.with_name("audit.db-wal").read_bytes()


def test_the_zone_of_the_machine_changes_no_record(tmp_path: Path) -> None:
    package = make_package(tmp_path / "package").directory
    for zone in ("Pacific/Apia", "America/St_Johns"):
        log = tmp_path / zone / "audit.db"
        there = f"import os, time\nos.environ['TZ'] = {zone!r}\ntime.tzset()\n"
        with running(package, log, before=there) as server:
            server.predict(PATIENT)
            server.stop()
        with sqlite3.connect(log) as database:
            rows = [json.loads(row) for (row,) in database.execute("SELECT body FROM record")]
        for row in rows:
            told = datetime.fromisoformat(row["time"])
            assert told.utcoffset() == timedelta(0)
            assert abs(datetime.now(UTC) - told) < timedelta(seconds=GUARD)
