"""What users of an overloaded service see: ten times as many connections as keep it busy.

    python benchmarks/overload.py --package DIR [--project DIR] [--seconds 10]

64 connections ask, then 640, each at once when it has its answer: as clients do that do not wait
the second which a refusal asks for. Those that wait it would come ten times slower. The load comes
from here and not from `wrk`, which tells admitted requests and refused ones not apart and takes
half of a small machine. Beside it one client asks for /livez.

Exits with 1 unless, on a quiet machine, /livez always answers in under 100 ms; 99 % of admitted
requests come within 3 times what 99 % took before; 99 % of refusals in under 50 ms; every request
is answered, and every prediction stands in the log.
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
from typing import cast

import uvloop
from serving import PREDICT, free_port, request_body, running

USUAL, OVERLOADED = 64, 640
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
    end: float = 0.0  # of asking, by time.perf_counter
    answers: dict[int, list[float]] = field(default_factory=dict)
    sent: int = 0
    done: int = 0  # connections that ask no more

    @property
    def rate(self) -> float:
        """Predictions per second."""
        return len(self.answers.get(200, [])) / self.seconds

    def percentile(self, status: int, share: float) -> float:
        """The milliseconds in which that share of the answers of a status came."""
        values = sorted(self.answers.get(status, [0.0]))
        return values[min(int(len(values) * share), len(values) - 1)]


class Connection(asyncio.Protocol):
    """One connection, which asks again as soon as it has its answer."""

    def __init__(self, load: Load) -> None:
        self.load, self.start, self.received = load, 0.0, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Waits until all are connected."""
        self.transport = cast(asyncio.WriteTransport, transport)

    def ask(self) -> None:
        """Sends the request."""
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
        if now < load.end:
            self.ask()
        else:
            load.done += 1
            self.transport.close()


async def send(port: int, request: bytes, connections: int, seconds: float) -> Load:
    """Sends requests for some seconds, and waits until each of them is answered."""
    load = Load(request, seconds)
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Connection(load), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.sleep(WARM_SECONDS)
    load.end = time.perf_counter() + seconds
    for _, connection in made:
        connection.ask()
    while load.done < connections:
        await asyncio.sleep(0.01)
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
    uvloop.run(send(port, request, USUAL, WARM_SECONDS))
    usual = uvloop.run(send(port, request, USUAL, seconds))
    livez = subprocess.Popen(
        [sys.executable, "-c", LIVEZ, str(health_port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    over = uvloop.run(send(port, request, OVERLOADED, seconds))
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
        log = Path(folder, "log", "audit.db")  # its keys lie beside its folder
        words = [sys.executable, "-c", code, str(package), str(port), str(log)]
        with running(words, environment, f"http://127.0.0.1:{port}/livez"):
            usual, over, livez = measure(port, health_port, request, flags.seconds)
            recorded = predictions(log)
        print(shown(f"{USUAL} connections", usual))
        print(shown(f"{OVERLOADED} connections", over))
        print(
            f"{over.sent / flags.seconds:,.0f} requests per second; /livez at most {livez:.0f} ms"
        )
    wrong = failures(usual, over, livez)
    if recorded < len(usual.answers[200]) + len(over.answers[200]):
        wrong.append("every prediction stands in the log")
    sys.exit(f"does not hold: {'; '.join(wrong)}" if wrong else 0)


if __name__ == "__main__":
    main()
