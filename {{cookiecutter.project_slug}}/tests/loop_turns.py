"""The longest turn of a server's event loop, and the requests that could make one long.

`BEFORE` adds to a server started by `made_service` a task that runs once in each turn of the loop,
and notes how much of the processor's time the loop's own thread has used since it last ran. Other
processes cannot lengthen that, as they can the time on the clock, which is noted too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from risk_model.core.optional import module_exists
from risk_model.deployment.http_guard import HEAD_BYTES, HEAD_LINES
from risk_model.deployment.requests import BODY_LIMIT

from tests.made_service import PATIENT, Server, request_body

BEFORE = """
import asyncio, time
from starlette.responses import JSONResponse
from risk_model.deployment import application
class Turns:
    longest, held, task = 0.0, 0.0, None
    async def watch(self):
        used, now = time.thread_time(), time.perf_counter()
        while True:
            await asyncio.sleep(0)
            before, then = used, now
            used, now = time.thread_time(), time.perf_counter()
            self.longest = max(self.longest, used - before)
            self.held = max(self.held, now - then)
    async def tell(self, request):
        self.task = self.task or asyncio.create_task(self.watch())
        told = JSONResponse([self.longest * 1e3, self.held * 1e3])
        self.longest = self.held = 0.0
        return told
turns, add_routes = Turns(), application.add_routes
def add_routes_and_turns(app, service):
    add_routes(app, service)
    app.add_route("/turns", turns.tell)
application.add_routes = add_routes_and_turns
"""


@dataclass(frozen=True)
class WorstRequest:
    """A request that asks for much work, and the status of its answer."""

    name: str
    status: int
    path: str = "/v1/predict"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def turn(self, server: Server) -> tuple[float, float]:
        """The longest turn of the loop while it is answered: ms of the processor, on the clock."""
        server.client.get("/turns")
        headers = {"content-type": "application/json", **self.headers}
        method = "POST" if self.body else "GET"
        answer = server.client.request(
            method, self.path, content=self.body or None, headers=headers
        )
        assert answer.status_code == self.status, (self.name, answer.text[:500])
        used, held = server.client.get("/turns").json()
        return float(used), float(held)


def worst_requests() -> Iterator[WorstRequest]:
    """What a client may send at worst to a model of the small package."""
    yield WorstRequest("a prediction", 200, body=_body(PATIENT))
    yield WorstRequest("an explanation", 200, "/v1/predict?explain=true", _body(PATIENT))
    yield WorstRequest("the description", 200, "/v1/model")
    yield WorstRequest("the document", 200, "/openapi.json")
    yield WorstRequest("unknown names", 422, body=_body({f"n{i:04}": 1 for i in range(5_000)}))
    long_names = {f"{i:03}" + "a" * 300 for i in range(200)}
    yield WorstRequest("long unknown names", 422, body=_body(dict.fromkeys(long_names, 1)))
    wrong = {**dict.fromkeys(PATIENT, "?"), **{f"n{i:04}": "?" for i in range(4_000)}}
    yield WorstRequest("wrong values", 422, body=_body(wrong))
    for depth, status in ((500, 422), (BODY_LIMIT // 2 - 20, 400)):
        nested = b'{"inputs":' + b"[" * depth + b"]" * depth + b"}"
        yield WorstRequest(f"nesting of {depth:,}", status, body=nested)
    keys = b",".join(b'"a":1' for _ in range(10_000))
    yield WorstRequest("one key 10,000 times", 400, body=b"{" + keys + b"}")
    escaped = b'{"inputs":{"a":"' + b'\\"' * 32_000 + b'"}}'
    yield WorstRequest("escaped quotes", 422, body=escaped)
    digits = b'{"inputs":{"age":' + b"9" * 65_000 + b"}}"
    yield WorstRequest("a number of 65,000 digits", 400, body=digits)
    subject = json.dumps(request_body(PATIENT, subject="a" * 60_000)).encode()
    yield WorstRequest("a long subject", 422, body=subject)
    yield WorstRequest("too large", 413, body=b" " * (BODY_LIMIT + 1))
    yield WorstRequest("nothing but spaces", 400, body=b" " * BODY_LIMIT)
    head = {f"x-{i}": "a" * (HEAD_BYTES // HEAD_LINES - 20) for i in range(HEAD_LINES - 10)}
    yield WorstRequest("a full head", 200, body=_body(PATIENT), headers=head)
    yield WorstRequest("a long path", 404, "/" + "%41" * 5_000)
    if module_exists("deployment.predict_batch"):
        yield from _batches()


def _batches() -> Iterator[WorstRequest]:
    one = request_body(PATIENT)
    for name, more in (("a batch", {}), ("a batch explained", {"explain": True})):
        batch = json.dumps({"requests": [{**one, **more}] * 100}).encode()
        yield WorstRequest(name, 200, "/v1/predict/batch", batch)
    stray = {"inputs": {f"n{i:03}": "?" for i in range(170)}}
    batch = json.dumps({"requests": [stray] * 100}).encode()
    yield WorstRequest("a batch of wrong records", 200, "/v1/predict/batch", batch)
    small = b'{"requests":[' + b",".join([b"{}"] * 80_000) + b"]}"
    yield WorstRequest("a batch of too many", 422, "/v1/predict/batch", small)
    key = {"idempotency-key": "7d1f1a0e-6a29-4f5e-8f0b-0a4f8e7c5a11"}
    yield WorstRequest("a batch under a key", 200, "/v1/predict/batch", batch, key)


def _body(inputs: Any) -> bytes:
    return json.dumps(request_body(inputs), separators=(",", ":")).encode()
