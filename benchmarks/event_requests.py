"""How long does one request with events take, answered by a real server with its audit log?

    python benchmarks/event_requests.py

500 events of 35 codes to 560 columns, at 85 times as in PhysioNet 2012's stays of that size, and
the same as a FHIR Bundle of 320 kB, asked one after the other over one connection. Targets: 3 ms
and 15 ms at the median. Beside each stands how many times longer that is than `json.loads` takes
for the body.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from event_features import CODES, spec
from packages import untrained
from serving import PREDICT, free_port, running

from risk_model.signals.event_schema import Page, schema_of

START = datetime(2026, 1, 1, tzinfo=UTC)
HOURS, EVENTS, CHARTED, TURNS = 48, 500, 85, 400
BUNDLE_BYTES = 320_000
TARGETS_MS = {"500 events": 3.0, "a Bundle of 320 kB": 15.0}


def made_up() -> list[tuple[str, int, float]]:
    """Time, code and value of each event; the first is the index event."""
    rng = np.random.default_rng(0)
    charted = rng.integers(0, HOURS * 60, CHARTED)
    minutes = [0, *np.sort(rng.choice(charted, EVENTS - 1)).tolist()]
    codes = [0, *rng.integers(0, CODES, EVENTS - 1).tolist()]
    values = rng.normal(0, 0.5, EVENTS).round(2).tolist()
    times = [(START + timedelta(minutes=m)).isoformat() for m in minutes]
    return list(zip(times, codes, values, strict=True))


def listed() -> dict[str, object]:
    """The events as a list."""
    return {
        "events": [
            {"time": time, "code": f"LOINC/{code}", "value": value}
            for time, code, value in made_up()
        ]
    }


def bundle() -> dict[str, object]:
    """The same events as Observations, each as long as it takes for the Bundle to be that long."""
    note = "x" * (BUNDLE_BYTES // EVENTS - 280)
    resources = [
        {
            "resourceType": "Observation",
            "id": str(number),
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": str(code)}]},
            "subject": {"reference": "Patient/a"},
            "effectiveDateTime": time,
            "valueQuantity": {"value": value},
            "note": [{"text": note}],
        }
        for number, (time, code, value) in enumerate(made_up())
    ]
    entries = [{"resource": resource} for resource in resources]
    return {"bundle": {"resourceType": "Bundle", "type": "collection", "entry": entries}}


def median_ms(work: Callable[[], object], turns: int = TURNS) -> float:
    """The median milliseconds of `work`."""
    taken = []
    for _ in range(turns):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return 1_000 * median(taken)


def ask(connection: http.client.HTTPConnection, body: bytes) -> None:
    """One request; ends the program where it is refused."""
    connection.request("POST", "/v1/predict", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        sys.exit(f"status {answer.status}: {content[:500].decode()}")


def main() -> None:
    """Prints a line for each kind of request; exit code 1 where a target is missed."""
    at = (START + timedelta(hours=HOURS)).isoformat()
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        untrained(
            Path(folder) / "package", schema_of("benchmark", Page(spec())), missing=0.5, bound=1e4
        )
        port = free_port()
        log = str(Path(folder) / "audit.db")
        command = [sys.executable, "-c", PREDICT, f"{folder}/package", str(port), log]
        with running(
            command, {**os.environ, "OMP_NUM_THREADS": "1"}, f"http://127.0.0.1:{port}/livez"
        ):
            connection = http.client.HTTPConnection("127.0.0.1", port)
            for (what, target), sent in zip(TARGETS_MS.items(), (listed(), bundle()), strict=True):
                body = json.dumps({"inputs": {"events": {"at": at, **sent}}}).encode()
                ask(connection, body)
                ours = median_ms(partial(ask, connection, body))
                theirs = median_ms(partial(json.loads, body))
                print(
                    f"{what} ({len(body):,} bytes): {ours:.2f} ms (target {target:g}), "
                    f"{ours / theirs:.1f}x of json.loads"
                )
                missed |= ours > target
    sys.exit(missed)


if __name__ == "__main__":
    main()
