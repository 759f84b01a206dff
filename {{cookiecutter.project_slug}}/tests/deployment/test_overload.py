"""Is everybody told at once that a server is full, and everybody answered whom it took on?"""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from risk_model.core.package import ModelPackage
from risk_model.deployment.http_guard import HEAD_SECONDS
from risk_model.deployment.overload import FEW, READ_AGAIN, Relief

from tests.gated_server import GATED, TWO_PLACES
from tests.made_service import GUARD, PATIENT, Server, request_body

Running = Callable[..., AbstractContextManager[Server]]
BODY = json.dumps(request_body(PATIENT)).encode()
HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
REQUEST = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
HALF_OPEN = [b"", b"POST /v1/pre", HEAD, HEAD + b"Content-Length: 9\r\n\r\n{"]


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    """This process may hold as many connections as the tests open."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=GUARD)


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Status and head of the next answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65_536)
    return int(head.split(b" ", 2)[1]), head.lower()


def test_refused_connections_are_told_each_time_and_served_when_there_is_room(
    running: Running, package: ModelPackage, tmp_path: Path
) -> None:
    closed, count = tmp_path / "closed", READ_AGAIN + 50
    with running(package.directory, tmp_path / "audit.db", before=GATED + TWO_PLACES) as server:
        closed.touch()
        waiting = [connect(server) for _ in range(2)]
        for connection in waiting:
            connection.sendall(REQUEST)
        # asked of the health port, as a request here could itself take the second one's place
        while "requests_inflight 2\n" not in server.health.get("/metrics").text:
            time.sleep(0.01)
        refused = [connect(server) for _ in range(count)]
        for _ in range(3):
            for connection in refused:
                connection.sendall(REQUEST)
            answers = [answer(connection) for connection in refused]
            assert {status for status, _ in answers} == {503}
            assert all(b"retry-after: 1" in head for _, head in answers)
        assert server.health.get("/livez").status_code == 200
        closed.unlink()
        assert [answer(connection)[0] for connection in waiting] == [200, 200]
        for connection in refused:
            connection.sendall(REQUEST)
            assert answer(connection)[0] == 200
            connection.close()
        for connection in waiting:
            connection.close()


def test_fewer_are_let_in_while_most_are_refused() -> None:
    relief = Relief()
    assert relief.places(80, refused=10, answered=0) == 80, "a few refusals are no overload"
    assert relief.places(80, refused=1_000, answered=500) == FEW
    assert relief.places(8, refused=2_000, answered=500) == 8
    assert relief.places(80, refused=2_500, answered=1_500) == 80


@pytest.mark.slow
def test_1_100_half_open_connections_are_ended_and_nobody_waits_for_them(
    running: Running, package: ModelPackage, tmp_path: Path
) -> None:
    usual = f"http_guard.HEAD_SECONDS = {HEAD_SECONDS}\n"
    usual += "http_guard.BODY_SECONDS = requests.BODY_SECONDS = 10.0\n"
    with running(package.directory, tmp_path / "audit.db", before=usual) as server:
        opened = [connect(server) for _ in range(1_100)]
        for number, connection in enumerate(opened):
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(HALF_OPEN[number % len(HALF_OPEN)])
        begun, answered = time.monotonic(), 0
        while time.monotonic() - begun < HEAD_SECONDS:
            assert server.predict(PATIENT).status_code == 200
            assert server.health.get("/livez").status_code == 200
            answered += 1
        assert answered > 10
        ends = [end(connection) for connection in opened]
        assert {told[:12] for told in ends} == {b"", b"HTTP/1.1 408"}
        assert ends.count(b"") < len(ends) / 2, "most are told why"
        assert server.predict(PATIENT).status_code == 200


def end(connection: socket.socket) -> bytes:
    """What a connection gets until the server ends it."""
    received = b""
    with contextlib.suppress(ConnectionResetError), connection:
        while piece := connection.recv(65_536):
            received += piece
    return received
