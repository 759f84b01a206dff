"""A registry by hand, and a running server that is told to look its alias up again."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from risk_model.core.package import ModelPackage
from risk_model.deployment import registry

from tests.made_service import GUARD, SCHEMA, Server, logistic_graph, make_package

NAME = "ward"


def another(folder: Path, name: str = "another", **changes: Any) -> ModelPackage:
    """A package of other weights, whose patients have another risk."""
    width = changes.get("schema", SCHEMA).width
    graph = logistic_graph(np.full(width, 0.015), -2.5, np.ones(width))
    return make_package(folder / name, graph=graph, **{"model": "network", **changes})


def put(models: Path, package: ModelPackage, alias: str = "champion") -> None:
    """Gives the package an alias in the registry, as `register` does."""
    copy = registry._copy(package, models)
    registry.point(copy, models, NAME, alias, "1")


def records(log: Path, *kinds: str) -> list[dict[str, Any]]:
    rows = sqlite3.connect(log).execute("SELECT body FROM record ORDER BY seq").fetchall()
    return [body for (row,) in rows if (body := json.loads(row))["type"] in kinds]


def changes(log: Path) -> list[dict[str, Any]]:
    return records(log, "model_change")


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for what must come, however slow the machine is."""
    deadline = time.monotonic() + GUARD
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def hang_up(server: Server, log: Path) -> dict[str, Any]:
    """Sends SIGHUP and returns the record of what came of it, once it has come."""
    before = len(changes(log))
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(changes(log)) > before)
    record = changes(log)[-1]
    wait_until(lambda: served(server) == record["model_sha256"])
    return record


def served(server: Server) -> str:
    return str(server.client.get("/v1/model").json()["model_sha256"])


def command(models: Path, log: Path, *flags: str) -> subprocess.Popen[str]:
    """The command itself, in a process of its own."""
    words = ["serve", "--registry", str(models), "--audit", str(log), *flags]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    return subprocess.Popen(
        [sys.executable, "-m", "risk_model", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
