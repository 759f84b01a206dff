"""kill -9 of a serving process at random moments under load: is an answered prediction ever lost?

Each seed has a log of its own: a server is killed while eight clients ask, and started again. The
columns say whether predictions were answered before the kill (`loaded`), whether one of them is not
in the log (`lost`), whether the log fails to verify against the checkpoints kept elsewhere
(`unverified`), and whether the next start failed, or gave no answer, without any repair
(`not_started`). A process is killed, not a machine: whether a disk keeps what it acknowledged when
the power goes is another question.
"""

from __future__ import annotations

import importlib.util
import json
import random
import sqlite3
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import ModuleType

from risk_model.core.errors import UserError
from risk_model.deployment.audit.verify import verify

TREE = Path(__file__).parent.parent / "{{cookiecutter.project_slug}}"
SEEDS, SAMPLE = 200, 10
NEAR = 0.0
BOUNDS = {
    "loaded": (1.0, 1.0),
    "lost": (0.0, 0.0),
    "unverified": (0.0, 0.0),
    "not_started": (0.0, 0.0),
}
CLIENTS = 8
ENOUGH = 20  # answers before the time to the kill begins
LONGEST = 0.5  # seconds until the kill


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """For every column, whether it holds for each seed (1 or 0)."""
    columns: dict[str, list[float]] = {name: [] for name in BOUNDS}
    service, total = made_service(), 0
    with tempfile.TemporaryDirectory() as folder:
        package = service.make_package(Path(folder) / "package").directory
        for seed in seeds:
            answered, verdict = _killed(service, package, Path(folder) / str(seed), seed)
            total += answered
            for name, held in verdict.items():
                columns[name].append(float(held))
    print(f"{len(seeds)} kills, {total:,} predictions answered before them")
    return columns


def made_service() -> ModuleType:
    """The small package and the server process that the project's own tests use."""
    path = TREE / "tests" / "made_service.py"
    spec = importlib.util.spec_from_file_location("made_service", path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _killed(
    service: ModuleType, package: Path, folder: Path, seed: int
) -> tuple[int, dict[str, bool]]:
    """How many were answered before a kill, and what became of the log."""
    log, kept, answered = folder / "log" / "audit.db", folder / "checkpoints", list[str]()
    body = json.dumps(service.request_body(service.PATIENT))
    with service.running(package, log, checkpoints=kept) as server:
        clients = [
            threading.Thread(target=_ask, args=(server.port, body, answered))
            for _ in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        while len(answered) < ENOUGH:
            time.sleep(0.001)
        time.sleep(random.Random(seed).uniform(0, LONGEST))
        server.process.kill()
        for client in clients:
            client.join()
    verdict = {"loaded": len(answered) >= ENOUGH, "lost": bool({*answered} - _recorded(log))}
    verdict["unverified"] = _unverified(log, kept)
    verdict["not_started"] = not _starts(service, package, log, kept)
    return len(answered), verdict


def _ask(port: int, body: str, answered: list[str]) -> None:
    """Asks until the server is gone, and keeps the id of each answer that came whole."""
    with closing(HTTPConnection("127.0.0.1", port)) as connection:
        while True:
            try:
                connection.request(
                    "POST", "/v1/predict", body, {"content-type": "application/json"}
                )
                answered.append(json.loads(connection.getresponse().read())["prediction_id"])
            except (OSError, HTTPException):
                return


def _recorded(log: Path) -> set[str]:
    with closing(sqlite3.connect(log)) as database:
        return {json.loads(body)["event_id"] for (body,) in database.execute(
            "SELECT body FROM record")}  # fmt: skip


def _unverified(log: Path, kept: Path) -> bool:
    try:
        return verify(log, checkpoints=[kept]).problem is not None
    except UserError:
        return True


def _starts(service: ModuleType, package: Path, log: Path, kept: Path) -> bool:
    """Whether a server starts on what the kill left, answers, and stops with a log that holds."""
    try:
        with service.running(package, log, checkpoints=kept) as server:
            answer = server.predict(service.PATIENT)
            server.stop()
    except service.pytest.fail.Exception:  # it did not start, or did not answer
        return False
    return answer.status_code == 200 and not _unverified(log, kept)
