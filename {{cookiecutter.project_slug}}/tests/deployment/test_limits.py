"""Do a server's limits hold without a proxy: for heads, hosts, connections, slowness, overload?"""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from risk_model.core.package import ModelPackage
from risk_model.deployment.admission import HUNG
from risk_model.deployment.http_guard import CONNECTIONS, HEAD_BYTES, HEAD_LINES
from risk_model.deployment.requests import BODY_LIMIT

from tests.gated_server import GATED, TWO_PLACES
from tests.made_service import GUARD, PATIENT, Server, request_body

Running = Callable[..., AbstractContextManager[Server]]
VERSION, HOST = b" HTTP/1.1\r\n", b"Host: localhost\r\n"
GET = b"GET /livez HTTP/1.1\r\n"
POST = b"POST /v1/predict HTTP/1.1\r\nContent-Type: application/json\r\n" + HOST
HALF = POST + b"Content-Length: 100\r\n"
IMPATIENT = "http_guard.HEAD_SECONDS = 1.0\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture(scope="module", autouse=True)
def many_files() -> Iterator[None]:
    """This process may hold as many connections as the tests open."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def records(log: Path, kind: str) -> list[dict[str, Any]]:
    rows = sqlite3.connect(log).execute("SELECT body FROM record ORDER BY seq").fetchall()
    return [body for body in (json.loads(row) for (row,) in rows) if body["type"] == kind]


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=GUARD)


def answered(connection: socket.socket) -> bytes:
    """Everything that comes until the server ends the connection."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            received += piece
    return received


def exchange(server: Server, sent: bytes) -> bytes:
    """What a server answers to bytes after which nothing comes."""
    with connect(server) as connection:
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            connection.sendall(sent)
        return answered(connection)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def wait_for(path: Path) -> None:
    for _ in range(int(GUARD / 0.01)):
        if path.exists():
            return
        threading.Event().wait(0.01)
    pytest.fail(f"{path.name} never came")


REFUSED: list[tuple[str, bytes, int]] = [
    ("large header", GET + HOST + b"X: " + b"a" * 200_000 + b"\r\n\r\n", 431),
    ("large head that never ends", GET + HOST + b"X: " + b"a" * 2_000_000, 431),
    ("many headers", GET + HOST + b"X: a\r\n" * HEAD_LINES + b"\r\n", 431),
    ("long path", b"GET /" + b"a" * HEAD_BYTES + b" HTTP/1.1\r\n" + HOST + b"\r\n", 431),
    ("no Host", GET + b"\r\n", 400),
    ("two Hosts", GET + HOST + HOST + b"\r\n", 400),
    ("Host of an attacker", GET + b"Host: evil.example\r\n\r\n", 400),
    ("empty Host", GET + b"Host:\r\n\r\n", 400),
    ("two lengths", POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", 400),
    ("length and chunks", HALF + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET, 400),
    ("unknown coding", POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    ("space before a colon", GET + b"Host : localhost\r\n\r\n", 400),
    ("folded header", GET + HOST + b"X: a\r\n b\r\n\r\n", 400),
    ("line feeds alone", b"GET /livez HTTP/1.1\nHost: localhost\n\n", 400),
    ("NUL in a header", GET + HOST + b"X: a\0b\r\n\r\n", 400),
    ("TLS to a plain port", b"\x16\x03\x01\x00\xff\r\n\r\n", 400),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
]


def test_a_head_that_breaks_a_rule_is_refused_once_and_leaves_the_others_served(
    running: Running, package: ModelPackage, log: Path
) -> None:
    with running(package.directory, log) as server:
        for name, sent, expected in REFUSED:
            # the last request of a connection, so that the server ends it if it answers
            answer = exchange(server, sent.replace(VERSION, VERSION + b"Connection: close\r\n", 1))
            assert status(answer) == expected, name
            assert answer.count(b"HTTP/1.1 ") == 1, name
            assert b"application/problem+json" in answer, name
            assert b"x-content-type-options: nosniff" in answer, name
        assert server.predict(PATIENT).status_code == 200
        assert "Traceback" not in server.stop()


def test_only_names_of_this_server_are_answered_and_nobody_is_sent_elsewhere(
    running: Running, package: ModelPackage, log: Path
) -> None:
    hosts = {"risk.example": 200, "RISK.example:8443": 200, "[::1]:80": 200, "a.risk.example": 400}
    with running(package.directory, log, hosts=("risk.example",)) as server:
        for host, expected in hosts.items():
            assert server.client.get("/livez", headers={"host": host}).status_code == expected
        for path in ("/v1/predict/", "/v1/model/"):
            answer = server.client.post(path, json={})
            assert answer.status_code == 404
            assert "location" not in answer.headers


@pytest.mark.parametrize(
    "sent", [b"", b"POST /v1/pre", HALF, POST + b"Content-Length: 9\r\n\r\n", b"\r\n"]
)
def test_whoever_is_slow_is_ended_and_nobody_waits_for_them(
    running: Running, package: ModelPackage, log: Path, sent: bytes
) -> None:
    slow = IMPATIENT + "http_guard.BODY_SECONDS = requests.BODY_SECONDS = 1.0\n"
    with running(package.directory, log, before=slow) as server:
        idle = [connect(server) for _ in range(CONNECTIONS + 100)]
        for connection in idle:
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(sent)
        assert server.predict(PATIENT).status_code == 200
        ends = [answered(connection) for connection in idle]
        told = {status(end) for end in ends if end}
        assert told == {408}
        assert server.predict(PATIENT).status_code == 200
        for connection in idle:
            connection.close()


def test_a_head_that_drips_is_ended_however_often_a_byte_comes(
    running: Running, package: ModelPackage, log: Path
) -> None:
    with running(package.directory, log, before=IMPATIENT) as server, connect(server) as connection:
        connection.sendall(GET)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            for _ in range(int(GUARD / 0.05)):
                connection.sendall(b"X: a\r\n")
                threading.Event().wait(0.05)
            pytest.fail("it was never ended")


def test_slow_senders_hold_no_place(running: Running, package: ModelPackage, log: Path) -> None:
    with running(package.directory, log, before=TWO_PLACES) as server:
        senders = [connect(server) for _ in range(10)]
        for connection in senders:
            connection.sendall(HALF + b"\r\n" + b'{"inputs"')
        assert [server.predict(PATIENT).status_code for _ in range(3)] == [200] * 3
        for connection in senders:
            connection.close()


@pytest.fixture
def gated(running: Running, package: ModelPackage, log: Path) -> Iterator[Server]:
    """A server with two places, whose model waits while there is a file "closed"."""
    with running(package.directory, log, before=GATED + TWO_PLACES) as server:
        (log.parent / "closed").touch()
        yield server
        (log.parent / "closed").unlink(missing_ok=True)


def ask(server: Server, answers: list[httpx.Response]) -> threading.Thread:
    """A request that waits for its answer in a thread of its own."""

    def wait() -> None:
        answers.append(
            httpx.post(f"{server.url}/v1/predict", json=request_body(PATIENT), timeout=GUARD)
        )

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_beyond_the_places_a_request_is_refused_at_once_and_health_is_told(
    gated: Server, log: Path
) -> None:
    answers: list[httpx.Response] = []
    threads = [ask(gated, answers), ask(gated, answers)]
    wait_for(log.parent / "asked 1")
    while gated.client.get("/v1/model").status_code == 200:  # until the second waits too
        if answers:  # its place was taken by this look at the model
            answers.clear()
            threads.append(ask(gated, answers))
        threading.Event().wait(0.01)
    refused = [gated.predict(PATIENT) for _ in range(20)]
    assert {answer.status_code for answer in refused} == {503}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert gated.health.get("/livez").json() == {"alive": True}
    (log.parent / "closed").unlink()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert gated.predict(PATIENT).status_code == 200
    assert records(log, "refusal") == [], "it says nothing about a patient"


def test_at_the_signal_health_says_so_and_what_is_on_its_way_is_finished(
    gated: Server, log: Path
) -> None:
    answers: list[httpx.Response] = []
    thread = ask(gated, answers)
    wait_for(log.parent / "asked 1")
    gated.process.terminate()
    ready = gated.health.get("/readyz")
    while ready.status_code == 200 and ready.json()["ready"]:
        ready = gated.health.get("/readyz")
    assert ready.status_code == 503
    assert gated.health.get("/livez").status_code == 200
    (log.parent / "closed").unlink()
    thread.join()
    assert gated.process.wait(timeout=GUARD) == 0
    assert answers[0].status_code == 200
    assert records(log, "stop")


def test_a_model_that_hangs_costs_its_request_alone_and_not_the_process(
    running: Running, package: ModelPackage, log: Path
) -> None:
    hang = GATED + "admission.SECONDS = 1.0\n"
    with running(package.directory, log, before=hang) as server:
        closed = log.parent / "closed"
        for n in (1, 2):
            closed.touch()
            assert server.predict(PATIENT).status_code == 504
            assert server.health.get("/livez").status_code == 200
            closed.rename(log.parent / "opened")  # for the others; this thread sees it in 10 ms
            assert server.predict(PATIENT).status_code == 200
            assert len(records(log, "refusal")) == n
        closed.touch()
        statuses = [server.predict(PATIENT).status_code for _ in range(HUNG + 1)]
        assert statuses[-1] == 503, "too many threads hang"
        assert set(statuses) == {503, 504}
        assert server.health.get("/livez").status_code == 200
        errors = server.stop()
        assert server.process.returncode == 0
        assert "Traceback" not in errors
    assert records(log, "stop")
    assert {record["status"] for record in records(log, "refusal")} == {504}


def test_a_loop_that_stands_still_is_told_and_does_not_keep_the_process(
    running: Running, package: ModelPackage, log: Path
) -> None:
    stuck = """
import time
from risk_model.deployment import app, lifecycle
async def describe(self, request):
    time.sleep(3600)
app.Service.describe = describe
health.STUCK_SECONDS = health.CHECK_SECONDS = 1.0
lifecycle.DRAIN_SECONDS, lifecycle.END_SECONDS = 1, 1.0
"""
    with running(package.directory, log, before=stuck) as server:
        assert server.health.get("/readyz").status_code == 200
        with connect(server) as connection:
            connection.sendall(b"GET /v1/model HTTP/1.1\r\n" + HOST + b"\r\n")
            alive = server.health.get("/livez")
            while alive.status_code == 200:
                alive = server.health.get("/livez")
            assert alive.status_code == 503
            assert server.health.get("/readyz").status_code == 503
            assert "something hangs" in server.stop()
            assert server.process.returncode == 1


def test_an_error_that_nobody_foresaw_leaves_no_traceback_and_no_value(
    running: Running, package: ModelPackage, log: Path
) -> None:
    broken = """
from risk_model.deployment import app
async def describe(self, request):
    raise RuntimeError(f"Mustermann {request.url}")
app.Service.describe = describe
"""
    with running(package.directory, log, before=broken) as server:
        answer = server.client.get("/v1/model?name=Mustermann")
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["connection"] == "close"
        assert server.client.get("/livez").status_code == 200
        errors = server.stop()
    assert "Traceback" not in errors
    assert "Mustermann" not in errors
    [line] = [json.loads(line) for line in errors.splitlines()]
    assert line["level"] == "error"
    assert "RuntimeError" in line["message"]


def test_thousands_of_unknown_names_are_counted_and_not_compared(
    running: Running, package: ModelPackage, log: Path
) -> None:
    counted = """
import difflib
real, folder = difflib.get_close_matches, Path(sys.argv[3]).parent
def near(*given, **options):
    with (folder / "compared").open("a") as file:
        file.write("x")
    return real(*given, **options)
difflib.get_close_matches = near
"""
    names = {f"n{i:04}": 1 for i in range(4_000)}
    assert len(json.dumps({"inputs": names})) < BODY_LIMIT
    with running(package.directory, log, before=counted) as server:
        answer = server.predict({**PATIENT, "heart_rat": 1, **names})
    assert answer.status_code == 422
    texts = [error["detail"] for error in answer.json()["errors"]]
    assert any("did you mean 'heart_rate'" in text for text in texts)
    assert "3,981 more members are not fields of this model" in texts
    assert len(texts) == 21
    assert len((log.parent / "compared").read_text()) == 3


def test_web_pages_may_ask_only_from_origins_that_were_named(
    running: Running, package: ModelPackage, log: Path
) -> None:
    page = {"origin": "https://ward.example", "access-control-request-method": "POST"}
    for origins, allowed in (((), None), (("https://ward.example",), "https://ward.example")):
        with running(package.directory, log, origins=origins) as server:
            answer = server.client.options("/v1/predict", headers=page)
            assert answer.headers.get("access-control-allow-origin") == allowed
            other = server.client.options("/v1/predict", headers={**page, "origin": "https://evil"})
            assert "access-control-allow-origin" not in other.headers
            server.stop()
