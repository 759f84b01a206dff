"""What users of an overloaded service see: ten times as many connections as keep it busy.

    python benchmarks/overload.py --package DIR [--project DIR] [--seconds 5]

`wrk` keeps 64 connections busy, then 640, each sending its next request as soon as it has an
answer. Beside it one client asks for predictions and one for /livez. Aims on a quiet machine:
/livez in under 100 ms; the 99th percentile of an admitted request at 640 connections within 3 times
that at 64; a refusal in under 50 ms.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from serving import PREDICT, free_port, request_body, request_script, running

CONNECTIONS = (64, 640)
WARM_SECONDS = 1
Latencies = dict[str, list[float]]  # milliseconds, by what was asked and the status


def ask(port: int, path: str, body: str, end: float) -> Iterator[tuple[int, float]]:
    """Status and milliseconds of one request after the other."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    header = {"content-type": "application/json"}
    while time.monotonic() < end:
        start = time.perf_counter()
        connection.request("POST" if body else "GET", path, body or None, header)
        answer = connection.getresponse()
        answer.read()
        yield answer.status, (time.perf_counter() - start) * 1e3
        time.sleep(0.01)


def percentile(values: list[float], share: float) -> float:
    """The value below which that share lies."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def probe(port: int, health_port: int, body: str, seconds: int) -> Latencies:
    """What two clients see for some seconds."""
    seen: Latencies = defaultdict(list)

    def watch(name: str, port: int, path: str, body: str) -> None:
        for status, milliseconds in ask(port, path, body, end):
            seen[f"{name} {status}"].append(milliseconds)

    end = time.monotonic() + seconds
    clients = [
        threading.Thread(target=watch, args=("livez", health_port, "/livez", "")),
        threading.Thread(target=watch, args=("predict", port, "/v1/predict", body)),
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return seen


def main() -> None:
    """Prints medians, 99th percentiles and maxima."""
    parser = argparse.ArgumentParser(description="Latencies of an overloaded service.")
    default = Path(__file__).parents[1] / "{{cookiecutter.project_slug}}"
    parser.add_argument("--package", type=Path, required=True, help="a sealed model package")
    parser.add_argument("--project", type=Path, default=default)
    parser.add_argument("--seconds", type=int, default=5)
    flags = parser.parse_args()
    environment = {**os.environ, "PYTHONPATH": str(flags.project / "src"), "OMP_NUM_THREADS": "1"}
    package, port, health_port = flags.package.resolve(), free_port(), free_port()
    inputs = request_body(package)
    code = PREDICT.replace("health_port=0", f"health_port={health_port}")
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-c", code, str(package), str(port), f"{folder}/audit.db"]
        script = request_script(Path(folder), "predict", inputs)
        url = f"http://127.0.0.1:{port}"
        with running(words, environment, f"{url}/livez"):
            for connections in CONNECTIONS:
                load = ["wrk", "-t1", f"-c{connections}", f"-d{flags.seconds + 2 * WARM_SECONDS}s"]
                wrk = subprocess.Popen(
                    [*load, "-s", str(script), f"{url}/v1/predict"], stdout=subprocess.DEVNULL
                )
                time.sleep(WARM_SECONDS)
                seen = probe(port, health_port, json.dumps(inputs), flags.seconds)
                wrk.wait()
                for name, values in sorted(seen.items()):
                    middle, high = percentile(values, 0.5), percentile(values, 0.99)
                    print(
                        f"{connections} connections, {name}: {len(values)} answers, median "
                        f"{middle:.0f} ms, 99th percentile {high:.0f}, longest {max(values):.0f}"
                    )


if __name__ == "__main__":
    main()
