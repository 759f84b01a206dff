"""Audit logs made for tests, and what somebody with write access to one could do."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from risk_model.core.package import ModelPackage
from risk_model.deployment.audit import AuditLog
from risk_model.deployment.audit.checkpoint import Keys
from risk_model.deployment.audit.record import commitment
from risk_model.deployment.audit.store import SCHEMA, default_keys

from tests.made_service import GUARD

MODEL = {"model": "logistic_regression", "model_sha256": "0" * 64, "code_version": "1"}

NEVER_CACHED = """
from risk_model.deployment import conditions
conditions.READY_SECONDS = 0.0
"""


def write_log(path: Path, records: int, checkpoints: Path | None = None) -> list[str]:
    """A log with that many predictions, two a patient, between start and stop; their event ids."""

    async def run() -> list[str]:
        log = AuditLog(path, MODEL, {}, checkpoints=checkpoints)
        events = [
            await log.append("prediction", {"risk": i / 100}, b"features", f"patient {i // 2}")
            for i in range(records)
        ]
        await log.close()
        return events

    return asyncio.run(run())


def bodies(path: Path) -> list[dict[str, Any]]:
    """The records of a log, in order; those that were erased are left out."""
    query = "SELECT body FROM record WHERE body IS NOT NULL ORDER BY seq"
    database = sqlite3.connect(path)
    try:
        return [json.loads(body) for (body,) in database.execute(query)]
    finally:
        database.close()


def tamper(path: Path, *statements: str) -> None:
    """Changes a log as somebody would who can write to it, and puts its triggers back."""
    triggers = [name for name in SCHEMA if name.startswith("no_")]
    database = sqlite3.connect(path, isolation_level=None)
    for statement in (*[f"DROP TRIGGER {name}" for name in triggers], *statements):
        database.execute(statement)
    for name in triggers:
        database.execute(SCHEMA[name])
    database.close()


def commits_to(path: Path, event_id: str, content: bytes) -> bool:
    """Whether whoever holds the secret and the salt can prove that a record is about this input."""
    record = next(body for body in bodies(path) if body["event_id"] == event_id)
    database = sqlite3.connect(path)
    ((salt,),) = database.execute("SELECT salt FROM record WHERE seq = ?", (record["seq"],))
    database.close()
    secret = Keys.load(default_keys(path)).secret
    return bool(record["commitment"] == commitment(secret, salt, content))


def overwrite(path: Path, start: float, content: bytes) -> None:
    """Writes over a file from that part of it on."""
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * start))
        file.write(content)


def refused_start(
    start: Callable[..., subprocess.Popen[str]], package: ModelPackage, log: Path, **places: Path
) -> str:
    """The one line with which the server refuses to start."""
    process = start(package.directory, 0, log, **places)
    assert process.stdout
    try:
        assert process.stdout.readline() == "", "it started"
        _, line = process.communicate(timeout=GUARD)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, line.count("\n")) == (2, 1), line
    return line
