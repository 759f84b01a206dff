"""Requests that must be refused, of all kinds, and a client that sends them."""

from __future__ import annotations

import json
import random
import socket
from contextlib import suppress
from threading import Event

from evidence.soaking.clients import (
    HOST,
    JSON,
    MEANWHILE,
    PAUSE,
    START,
    Line,
    Load,
    check_refusal,
    request,
)
from evidence.soaking.server import WALL

GET, LAST = b"GET /livez HTTP/1.1\r\n", b"Connection: close\r\n"
TWO = LAST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "
RAW: list[tuple[str, bytes, int]] = [
    ("no Host", GET + LAST + b"\r\n", 400),
    ("large head", GET + HOST + LAST + b"X: " + b"a" * 100_000 + b"\r\n\r\n", 431),
    ("two lengths", START + TWO, 400),
    ("TLS", b"\x16\x03\x01\x00\xff\r\n\r\n", 400),
]


def refusals(load: Load) -> list[tuple[str, str, bytes, dict[str, str], int]]:
    """Requests that must be refused: what, path, body, headers and status."""
    case, known = load.cases[0], load.wards[0].headers
    right = json.dumps(request(load, case)).encode()
    unknown = {**JSON, "authorization": "Bearer nobody's"}
    changed = {**request(load, case), "units": {**load.units, "lactate": "mg/dL"}}
    nested, zipped = b'{"inputs": ' + b"[" * 50_000, {**known, "content-encoding": "gzip"}
    return [
        ("no key", "/v1/predict", right, JSON, 401),
        ("an unknown key", "/v1/predict", right, unknown, 401),
        ("a key for the description", "/v1/predict", right, load.reader.headers, 403),
        ("not a number", "/v1/predict", b'{"inputs": {"age": NaN}}', known, 400),
        ("twice", "/v1/predict", b'{"inputs": {"age": 54, "age": 30}}', known, 400),
        ("a surrogate", "/v1/predict", b'{"inputs": {"sex": "\\ud800"}}', known, 400),
        ("nested", "/v1/predict", nested, known, 400),
        ("a unit", "/v1/predict", json.dumps(changed).encode(), known, 422),
        ("one field", "/v1/predict", b'{"inputs": {"sex": "male"}}', known, 422),
        ("too large", "/v1/predict", right + b" " * 70_000, known, 413),
        ("packed", "/v1/predict", right, zipped, 415),
        ("a form", "/v1/predict", b"age=54", {**known, "content-type": "text/plain"}, 415),
        ("no key of a request", "/v1/predict", right, {**known, "idempotency-key": "7"}, 400),
        ("no batch", "/v1/predict/batch", b'{"requests": []}', known, 422),
        ("no route", "/v1/predictions", right, known, 404),
        ("another method", "/v1/model", right, known, 405),
        ("another Host", "/v1/predict", right, {**known, "host": "evil.example"}, 400),
    ]


def refused(load: Load, rng: random.Random, done: Event) -> None:
    """Sends what must be refused: wrong requests, unknown callers, what is no HTTP."""
    line, wrong = Line(load), refusals(load)
    while not done.wait(PAUSE):
        name, path, body, headers, status = rng.choice(wrong)
        got, told = line.ask(path, body, headers)
        check_refusal(load, name, got, told, {status})
        load.tally.count("refusals", got == status)
        if rng.random() < 0.2:
            _raw(load, *rng.choice(RAW))


def _raw(load: Load, name: str, sent: bytes, status: int) -> None:
    answer = b""
    with suppress(OSError), socket.create_connection(("127.0.0.1", load.server.port), WALL) as line:
        line.sendall(sent)
        while piece := line.recv(65_536):
            answer += piece
    got = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
    if got not in {0, status} | MEANWHILE:
        load.tally.mistake(f"{name}: {answer[:300]!r}")
    load.tally.count("refusals", got == status)
