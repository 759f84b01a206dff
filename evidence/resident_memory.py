"""The memory of a serving process over 200,000 requests, and the CPU of its start.

One server answers all seeds, each of 20,000 requests: predictions for patients who were never named
before, some under a key, some explained, refusals, callers whom nobody knows, and paths that are no
routes. What a server keeps of requests without end shows as growth. The columns hold its resident
memory at the end of each seed, how much that is above the end of the first, both in MB, and, for
every seed the same, its memory when it was ready, and the seconds of CPU that it took until then.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from types import ModuleType

from evidence.audit_kills import made_service
from risk_model.deployment.access_keys import add_key

SEEDS, SAMPLE = 10, 1
NEAR = 20.0  # MB, between two machines
BOUNDS = {
    "ready_mb": (0.0, 150.0),
    "resident_mb": (0.0, 150.0),
    "grown_mb": (-10.0, 10.0),
    "start_cpu_seconds": (0.0, 1.0),
}
REQUESTS = 20_000  # a seed
CONNECTIONS = 32


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """The columns, a value a seed."""
    service = made_service()
    with tempfile.TemporaryDirectory() as folder:
        package = service.make_package(Path(folder) / "package").directory
        keys = Path(folder) / "keys.json"
        key = add_key(keys, "ward", ["predict"], "")
        with service.running(package, Path(folder) / "log" / "audit.db", api_keys=keys) as server:
            server.health.get("/readyz").raise_for_status()
            pid = server.process.pid
            cpu, ready, resident = _cpu_seconds(pid), _resident(pid), list[float]()
            for seed in seeds:
                asyncio.run(_ask_all(service, server.port, key, seed))
                resident.append(_resident(pid))
    print(f"ready with {ready:.0f} MB after {cpu:.2f} s of CPU; then {resident}")
    return {
        "ready_mb": [ready] * len(seeds),
        "resident_mb": resident,
        "grown_mb": [now - resident[0] for now in resident],
        "start_cpu_seconds": [cpu] * len(seeds),
    }


def _resident(pid: int) -> float:
    """Resident memory in MB."""
    told = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(told[1]) / 1024 if told else float("nan")


def _cpu_seconds(pid: int) -> float:
    """Seconds of CPU that a process has used, of its own and of the system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _requests(service: ModuleType, key: str, seed: int) -> Iterator[tuple[bytes, HTTPStatus]]:
    """Each request of a seed, and the status of its answer."""
    for number in range(seed * REQUESTS, (seed + 1) * REQUESTS):
        kind, patient = number % 10, service.PATIENT
        path, status, headers = "/v1/predict", HTTPStatus.OK, f"bearer {key}"
        subject: dict[str, object] = {"subject": f"MRN {number}"}
        more: dict[str, object] = {}
        if kind in (0, 1, 2):
            more = subject
        elif kind in (3, 4, 5):
            headers += f"\r\nidempotency-key: {uuid.UUID(int=number)}"
        elif kind == 6:
            more = {**subject, "explain": True}
        elif kind == 7:
            patient = {**patient, "age": number, f"n{number}": 1}
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        elif kind == 8:
            headers, status = f"bearer {number}", HTTPStatus.UNAUTHORIZED
        else:
            path, status = f"/v1/{number}", HTTPStatus.NOT_FOUND
        body = json.dumps(service.request_body(patient, **more)).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {headers}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body, status


async def _ask_all(service: ModuleType, port: int, key: str, seed: int) -> None:
    """Sends all requests of a seed, over connections that are closed afterwards."""
    requests = _requests(service, key, seed)

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request, status in requests:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            if head[9:12] != str(status.value).encode():
                raise RuntimeError(f"{head.decode()} instead of {status}")
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
