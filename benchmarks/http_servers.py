"""Which HTTP server: the one that is used against Granian, over the same application.

    python benchmarks/http_servers.py --package DIR --python PYTHON [--project DIR] [--turns 5]
                                      [--seconds 3]

PYTHON is an interpreter that has both servers; Granian is no dependency of a project. Two kinds of
ratio, at 8 and 64 connections, each the median over turns whose order is reversed: requests per
second, and CPU seconds of the server's processes per request. Needs `wrk`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from serving import (
    PREDICT,
    Target,
    free_port,
    measure,
    request_body,
    request_script,
    running,
)

GRANIAN = """
import asyncio, signal, sys
from pathlib import Path
import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from risk_model.core.package import ModelPackage
from risk_model.deployment.application import create_app

app = create_app(ModelPackage.open(Path(sys.argv[1])), Path(sys.argv[3]), "benchmark: no patient")
limits = HTTP1Settings(header_read_timeout=10_000, max_buffer_size=16_384)

async def main():
    server = Server(
        app, port=int(sys.argv[2]), interface=Interfaces.ASGI, http=HTTPModes.http1,
        websockets=False, log_enabled=False, backlog=2048, backpressure=1000, http1_settings=limits,
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.serve()

uvloop.run(main())
"""
CONNECTIONS = (8, 64)


@dataclass(frozen=True)
class Measured:
    """Requests per second, and CPU microseconds per request."""

    rate: float
    cost: float


def cpu_seconds(process: subprocess.Popen[str]) -> float:
    """CPU seconds that a process has taken."""
    facts = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")


def load(
    target: Target, process: subprocess.Popen[str], connections: int, seconds: int
) -> Measured:
    """One run against a server."""
    before = cpu_seconds(process)
    rate = measure(target, connections, seconds).rate
    return Measured(rate, (cpu_seconds(process) - before) / (rate * seconds) * 1e6)


def main() -> None:
    """Prints the ratios."""
    parser = argparse.ArgumentParser(description="uvicorn with its limits against Granian.")
    default = Path(__file__).parents[1] / "{{cookiecutter.project_slug}}"
    parser.add_argument("--package", type=Path, required=True, help="a sealed model package")
    parser.add_argument("--python", default=sys.executable, help="an interpreter with Granian")
    parser.add_argument("--project", type=Path, default=default)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    flags = parser.parse_args()
    source = flags.project / "src"
    environment = {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    package, servers = flags.package.resolve(), {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        script = request_script(Path(folder), "predict", request_body(package))
        for name, code in (("uvicorn", PREDICT), ("granian", GRANIAN)):
            base = f"http://127.0.0.1:{(port := free_port())}"
            words = [flags.python, "-c", code, str(package), str(port), f"{folder}/{name}.db"]
            process = stack.enter_context(running(words, environment, f"{base}/livez"))
            servers[name] = (Target(name, f"{base}/v1/predict", script), process)
        for connections in CONNECTIONS:
            runs: dict[str, list[Measured]] = {name: [] for name in servers}
            for turn in range(flags.turns):
                for name in sorted(servers, reverse=bool(turn % 2)):
                    runs[name].append(load(*servers[name], connections, flags.seconds))
            ours, theirs = runs["uvicorn"], runs["granian"]
            pairs = list(zip(ours, theirs, strict=True))
            rate = statistics.median(own.rate / other.rate for own, other in pairs)
            cost = statistics.median(own.cost / other.cost for own, other in pairs)
            print(
                f"{connections} connections: uvicorn / Granian, requests per second {rate:.2f}, "
                f"CPU per request {cost:.2f}"
            )


if __name__ == "__main__":
    main()
