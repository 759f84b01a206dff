"""The clients of the soak, each in a thread: right requests, wrong ones, slow and hostile senders.

A right request may fail while the server is down or can keep no record. What is answered must be
right.
"""

from __future__ import annotations

import json
import random
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from threading import Event
from typing import Any

from evidence.soaking.patients import Case
from evidence.soaking.server import WALL, SoakServer
from evidence.soaking.tally import Answered, Tally

JSON = {"content-type": "application/json"}
# What any request may meet while things go wrong: it waited too long, or there is no place, no disk
MEANWHILE = {408, 503, 504}
PAUSE = 0.02  # seconds between two requests of one client
HOST = b"Host: localhost\r\n"
START = b"POST /v1/predict HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"


@dataclass(frozen=True)
class Caller:
    """A client of the server, as its file of API keys names it."""

    name: str
    api_key: str

    @property
    def headers(self) -> dict[str, str]:
        """What each of its requests sends."""
        return {**JSON, "authorization": f"Bearer {self.api_key}"}


@dataclass(frozen=True)
class Load:
    """What all clients share. `units` are those of the schema, by field."""

    server: SoakServer
    tally: Tally
    cases: list[Case]
    units: dict[str, str]
    model_version: str
    wards: tuple[Caller, ...]
    reader: Caller  # may read the description and ask for no prediction


class Line:
    """A connection to the server of the moment."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self._port, self._connection = 0, HTTPConnection("127.0.0.1", 1)

    def send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> bool:
        """Sends a request; whether that was possible."""
        if self._port != self.load.server.port:
            self._connection.close()
            self._port = self.load.server.port
            self._connection = HTTPConnection("127.0.0.1", self._port, timeout=WALL)
        try:
            self._connection.request(method, path, body, dict(headers))
        except (OSError, HTTPException):
            self._connection.close()
            return False
        return True

    def receive(self) -> tuple[int, bytes]:
        """Status and body of an answer that came whole; (0, b"") when none did."""
        try:
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException):
            self._connection.close()
            return 0, b""

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def ask(
        self, path: str, body: bytes | None, headers: Mapping[str, str], method: str = "POST"
    ) -> tuple[int, bytes]:
        """Sends a request and returns what came."""
        answer = self.receive() if self.send(method, path, body, headers) else (0, b"")
        self.load.tally.count(f"status {answer[0]}" if answer[0] else "no answer")
        return answer


def request(load: Load, case: Case, **more: Any) -> dict[str, Any]:
    """The body of a right request."""
    return {"inputs": case.inputs, "units": load.units, **more}


def check(
    load: Load, case: Case, told: dict[str, Any], caller: Caller, key: str, request_id: str
) -> None:
    """Compares an answer with what it must say, and notes it."""
    expected = {
        "risk": case.risk,
        "flagged": case.flagged,
        "missing": case.missing,
        "model_version": load.model_version,
        "request_id": request_id,
    }
    if wrong := [name for name, value in expected.items() if told.get(name) != value]:
        load.tally.mistake(f"{', '.join(wrong)} of {case.inputs}: {told}")
        return
    explained = bool(told.get("explanation", {}).get("available"))
    load.tally.count("explanations", explained)
    load.tally.answer(
        Answered(told["prediction_id"], case.risk, caller.name, key, request_id, explained)
    )


def check_refusal(load: Load, name: str, status: int, body: bytes, allowed: set[int]) -> None:
    """Compares an answer that is no prediction with what it may be."""
    if not status:
        return
    told = json.loads(body)
    if status not in allowed | MEANWHILE or "risk" in told:
        load.tally.mistake(f"{name}: {status} {body[:300]!r}")
        return
    if instance := told.get("instance"):
        load.tally.refusal(instance.removeprefix("urn:uuid:"), status)


def predict(line: Line, rng: random.Random, caller: Caller) -> int:
    """Asks about a patient, perhaps with an explanation, perhaps under a key; the status."""
    load, case, request_id = line.load, rng.choice(line.load.cases), str(uuid.uuid4())
    more: dict[str, Any] = {"request_id": request_id}
    more |= {"explain": True} if rng.random() < 0.1 else {}
    more |= {"subject": f"patient {rng.randrange(500)}"} if rng.random() < 0.5 else {}
    key = str(uuid.uuid4()) if rng.random() < 0.3 else ""
    headers = {**caller.headers, **({"idempotency-key": key} if key else {})}
    status, body = line.ask(
        "/v1/predict", json.dumps(request(load, case, **more)).encode(), headers
    )
    if status == 200:
        check(load, case, json.loads(body), caller, key, request_id)
    else:
        check_refusal(load, "a right request", status, body, set())
    return status


def predicting(load: Load, rng: random.Random, done: Event) -> None:
    """Asks for one patient after the other."""
    line = Line(load)
    while not done.wait(PAUSE):
        predict(line, rng, rng.choice(load.wards))


def repeating(load: Load, rng: random.Random, done: Event) -> None:
    """Sends one request under one key on three lines at once, and again, and then another's."""
    lines = [Line(load) for _ in range(3)]
    while not done.wait(PAUSE):
        case, other = rng.sample(load.cases, 2)
        caller, key, request_id = rng.choice(load.wards), str(uuid.uuid4()), str(uuid.uuid4())
        headers = {**caller.headers, "idempotency-key": key}
        body = json.dumps(request(load, case, request_id=request_id)).encode()
        for _ in range(2):
            sent = [line for line in lines if line.send("POST", "/v1/predict", body, headers)]
            for status, told in [line.receive() for line in sent]:
                load.tally.count("repeats under a key")
                if status == 200:
                    check(load, case, json.loads(told), caller, key, request_id)
                else:
                    check_refusal(load, "a repeat", status, told, set())
        changed = json.dumps(request(load, other, request_id=request_id)).encode()
        status, told = lines[0].ask("/v1/predict", changed, headers)
        if status == 200:  # of a server that was started since
            check(load, other, json.loads(told), caller, key, request_id)
        else:
            check_refusal(load, "another request under a key", status, told, {409})


def batching(load: Load, rng: random.Random, done: Event) -> None:
    """Asks for many patients at once, some of whom have no number where one must be."""
    line = Line(load)
    while not done.wait(10 * PAUSE):
        caller, chosen = rng.choice(load.wards), rng.choices(load.cases, k=rng.randrange(2, 30))
        ids, wrong = (
            [str(uuid.uuid4()) for _ in chosen],
            {n for n, _ in enumerate(chosen) if n % 7 == 3},
        )
        requests = [
            request(load, case, request_id=one) for case, one in zip(chosen, ids, strict=True)
        ]
        for number in wrong:
            requests[number]["inputs"] = {**chosen[number].inputs, "age": "54"}
        body = json.dumps({"requests": requests}).encode()
        status, told = line.ask("/v1/predict/batch", body, caller.headers)
        if status != 200:
            check_refusal(load, "a batch", status, told, set())
            continue
        load.tally.count("batches")
        answers = json.loads(told)["answers"]
        for number, answer in enumerate(answers):
            if "risk" in answer and number not in wrong:
                check(load, chosen[number], answer, caller, "", ids[number])
            else:
                allowed = {422} if number in wrong else set[int]()
                check_refusal(
                    load, "of a batch", answer["status"], json.dumps(answer).encode(), allowed
                )
        if len(answers) != len(chosen):
            load.tally.mistake(f"{len(chosen)} patients of a batch got {len(answers)} answers")


def slow(load: Load, rng: random.Random, done: Event) -> None:
    """Opens connections and sends half a head or half a body on each, or a byte now and then."""
    halves = [b"", START, START + b"Content-Length: 500\r\n\r\n" + b'{"inputs"']
    while not done.wait(PAUSE):
        lines: list[socket.socket] = []
        with suppress(OSError):
            for _ in range(20):
                lines.append(socket.create_connection(("127.0.0.1", load.server.port), WALL))
                lines[-1].sendall(rng.choice(halves))
            done.wait(rng.uniform(0, 3))
            lines[0].sendall(b"x")
        for line in lines:
            line.close()
        load.tally.count("half-open connections", len(lines))


def leaving(load: Load, rng: random.Random, done: Event) -> None:
    """Sends right requests and goes away without the answer."""
    while not done.wait(10 * PAUSE):
        leave(load, rng)


def leave(load: Load, rng: random.Random) -> None:
    """Sends one right request and ends the connection."""
    line, body = Line(load), json.dumps(request(load, rng.choice(load.cases))).encode()
    if line.send("POST", "/v1/predict", body, rng.choice(load.wards).headers):
        load.tally.count("clients that went away")
        time.sleep(rng.uniform(0, 0.01))
    line.close()


def describing(load: Load, rng: random.Random, done: Event) -> None:
    """Reads what there is to read: model, document and health."""
    line = Line(load)
    while not done.wait(10 * PAUSE):
        path = rng.choice(["/v1/model", "/openapi.json", "/readyz", "/livez"])
        status, _ = line.ask(path, None, load.reader.headers, "GET")
        if status not in {0, 200} | MEANWHILE:
            load.tally.mistake(f"{path}: {status}")


ASKING: tuple[Callable[[Load, random.Random, Event], None], ...] = (
    *[predicting] * 4, repeating, batching, slow, leaving, describing,
)  # fmt: skip
