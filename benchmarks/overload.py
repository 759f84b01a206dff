"""What users of an overloaded service see: ten times as many requests as it can answer.

    python benchmarks/overload.py --package DIR [--project DIR] [--seconds 10]

First 64 connections ask as fast as they are answered, which gives the rate that the server can
keep. Then ten times that rate is sent over 640 connections, evenly and whatever the answers:
thousands of clients, each of which comes again a second after its refusal as Retry-After says, look
like that. `wrk`, whose connections ask again at once, takes half of such a machine to send what no
such client would. Beside it one client asks for /livez.

Exits with 1 unless, on a quiet machine, ten times the rate was reached; /livez always answers in
under 100 ms; 99 % of admitted requests within 3 times what 99 % took before; 99 % of refusals come
in under 50 ms; every request is answered, and every prediction stands in the log.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from serving import PREDICT, free_port, request_body, running

USUAL, CONNECTIONS = 64, 640
OVERLOAD = 10
REACHED = 0.95  # of the rate, or nothing was shown
WARM_SECONDS = 1.0
LIVEZ_MS, REFUSAL_MS, SLOWER = 100.0, 50.0, 3.0
# prints the longest of the answers to /livez, in ms, once its stdin ends
LIVEZ = """
import http.client, select, sys, time
connection, longest = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1])), 0.0
while not select.select([sys.stdin], [], [], 0.01)[0]:
    start = time.perf_counter()
    connection.request("GET", "/livez")
    answer = connection.getresponse()
    assert answer.read() and answer.status == 200
    longest = max(longest, time.perf_counter() - start)
print(longest * 1e3)
"""


@dataclass
class Load:
    """Requests that were sent, and the milliseconds of their answers by status."""

    request: bytes
    seconds: float
    answers: dict[int, list[float]] = field(default_factory=dict)
    idle: list[Connection] = field(default_factory=list)
    due: int = 0  # requests that wait for a connection
    sent: int = 0
    counting: bool = True

    @property
    def rate(self) -> float:
        """Predictions per second."""
        return len(self.answers.get(200, [])) / self.seconds

    def percentile(self, status: int, share: float) -> float:
        """The milliseconds in which that share of the answers of a status came."""
        values = sorted(self.answers.get(status, [0.0]))
        return values[min(int(len(values) * share), len(values) - 1)]


class Connection(asyncio.Protocol):
    """One connection, which asks again at once, or when it is told to."""

    def __init__(self, load: Load, closed_loop: bool) -> None:
        self.load, self.closed_loop, self.start, self.received = load, closed_loop, 0.0, b""
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Waits for work."""
        self.transport = transport  # type: ignore[assignment]
        self.load.idle.append(self)

    def ask(self) -> None:
        """Sends the request."""
        if self.transport is not None:
            self.start, self.load.sent = time.perf_counter(), self.load.sent + 1
            self.transport.write(self.load.request)

    def data_received(self, data: bytes) -> None:
        """Notes a whole answer."""
        data = self.received = self.received + data
        head, end, body = data.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if not end or len(body) < int(length):
            return
        load, self.received, now = self.load, b"", time.perf_counter()
        load.answers.setdefault(int(data[9:12]), []).append((now - self.start) * 1e3)
        if load.counting and (self.closed_loop or load.due):
            load.due -= not self.closed_loop
            self.ask()
        else:
            load.idle.append(self)


async def send(
    port: int, request: bytes, connections: int, rate: float | None, seconds: float
) -> Load:
    """Sends requests for some seconds: so many per second, or each after the answer before it."""
    load, loop = Load(request, seconds), asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Connection(load, rate is None), "127.0.0.1", port)
        for _ in range(connections)
    ]
    start = time.perf_counter()
    if rate is None:
        for connection in [load.idle.pop() for _ in range(connections)]:
            connection.ask()
        await asyncio.sleep(seconds)
    else:
        planned = 0
        while (now := time.perf_counter()) - start < seconds:
            load.due += round((now - start) * rate) - planned
            planned = round((now - start) * rate)
            while load.due and load.idle:
                load.due -= 1
                load.idle.pop().ask()
            await asyncio.sleep(0.001)
    load.counting = False
    while len(load.idle) < connections:  # every one of them is answered
        await asyncio.sleep(0.01)
    for transport, _ in made:
        transport.close()
    return load


def shown(name: str, load: Load) -> str:
    """A line on each status."""
    lines = [
        f"{name}, {status}: {len(values):,} answers, median {load.percentile(status, 0.5):.0f} ms, "
        f"99th percentile {load.percentile(status, 0.99):.0f}, longest {max(values):.0f}"
        for status, values in sorted(load.answers.items())
    ]
    return "\n".join(lines)


def predictions(log: Path) -> int:
    """How many stand in an audit log."""
    with closing(sqlite3.connect(log)) as database:
        told = "SELECT count(*) FROM record WHERE json_extract(body, '$.type') = 'prediction'"
        return int(database.execute(told).fetchone()[0])


def failures(usual: Load, over: Load, livez: float) -> list[str]:
    """What does not hold."""
    bounds = {
        f"{OVERLOAD} times the rate was sent": (
            over.sent > REACHED * OVERLOAD * usual.rate * over.seconds
        ),
        f"/livez in under {LIVEZ_MS:g} ms": livez < LIVEZ_MS,
        f"99 % of refusals in under {REFUSAL_MS:g} ms": over.percentile(503, 0.99) < REFUSAL_MS,
        f"99 % of admitted requests within {SLOWER:g} times the usual": (
            over.percentile(200, 0.99) <= SLOWER * usual.percentile(200, 0.99)
        ),
        "every request is answered, by a risk or by 503": (
            over.answers.keys() == {200, 503}
            and sum(map(len, over.answers.values())) == over.sent
        ),
    }  # fmt: skip
    return [text for text, holds in bounds.items() if not holds]


def measure(
    port: int, health_port: int, request: bytes, seconds: float
) -> tuple[Load, Load, float]:
    """The usual load, the overload, and the longest answer to /livez in ms."""
    uvloop.run(send(port, request, USUAL, None, WARM_SECONDS))
    usual = uvloop.run(send(port, request, USUAL, None, seconds))
    livez = subprocess.Popen(
        [sys.executable, "-c", LIVEZ, str(health_port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    over = uvloop.run(send(port, request, CONNECTIONS, OVERLOAD * usual.rate, seconds))
    return usual, over, float(livez.communicate()[0])


def main() -> None:
    """Prints medians, 99th percentiles and maxima, and what does not hold."""
    parser = argparse.ArgumentParser(description="Latencies of an overloaded service.")
    default = Path(__file__).parents[1] / "{{cookiecutter.project_slug}}"
    parser.add_argument("--package", type=Path, required=True, help="a sealed model package")
    parser.add_argument("--project", type=Path, default=default)
    parser.add_argument("--seconds", type=float, default=10.0)
    flags = parser.parse_args()
    environment = {**os.environ, "PYTHONPATH": str(flags.project / "src"), "OMP_NUM_THREADS": "1"}
    package, port, health_port = flags.package.resolve(), free_port(), free_port()
    body = json.dumps(request_body(package)).encode()
    head = f"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n"
    request = f"{head}content-type: application/json\r\n\r\n".encode() + body
    code = PREDICT.replace("health_port=0", f"health_port={health_port}")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "audit.db")
        words = [sys.executable, "-c", code, str(package), str(port), str(log)]
        with running(words, environment, f"http://127.0.0.1:{port}/livez"):
            usual, over, livez = measure(port, health_port, request, flags.seconds)
            recorded = predictions(log)
        print(shown(f"{USUAL} connections", usual))
        print(shown(f"{OVERLOAD} times {usual.rate:,.0f} requests per second", over))
        print(f"sent {over.sent / flags.seconds:,.0f} per second; /livez at most {livez:.0f} ms")
    wrong = failures(usual, over, livez)
    if recorded < len(usual.answers[200]) + len(over.answers[200]):
        wrong.append("every prediction stands in the log")
    sys.exit(f"does not hold: {'; '.join(wrong)}" if wrong else 0)


if __name__ == "__main__":
    main()
