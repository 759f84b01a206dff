"""Schemathesis against a running server: does every answer keep what the OpenAPI document promises?

Each seed is a new server with a package made by hand, and one run of schemathesis with all of its
checks: bodies that follow the schema must be accepted, others refused, and status, media type,
headers and body of each answer must stand in the document. Afterwards the audit log must verify.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from risk_model.deployment.audit.verify import verify

SEEDS, SAMPLE = 10, 1
NEAR = 0.0
ENOUGH = 200  # requests a seed, so that ten seeds send two thousand and more
BOUNDS = {
    "enough_requests": (1.0, 1.0),
    "failures": (0.0, 0.0),
    "errors": (0.0, 0.0),
    "untested_routes": (0.0, 0.0),
    "log_verifies": (1.0, 1.0),
}
TREE = Path(__file__).parent.parent / "{{cookiecutter.project_slug}}"
FIGURES = {"requests": 0}  # sent in all, which differ from run to run
OPTIONS = ["--checks", "all", "--max-examples", "300", "--continue-on-failure", "--no-color"]


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """For every column, its value at each seed."""
    columns: dict[str, list[float]] = {name: [] for name in BOUNDS}
    service = made_service()
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            policy = service.policy_of(service.SCHEMA, service.REFERENCE)
            # what is missing together is for the policy, of which a JSON schema can say nothing
            policy = replace(policy, least_recorded=1)
            package = service.make_package(Path(folder) / "package", input_policy=policy)
            log = Path(folder) / "audit/audit.db"
            with service.running(package.directory, log) as server:
                report = schemathesis(server.url, seed, Path(folder) / "report.json")
                server.stop()
            cases, routes = report["test_cases"], report["operations"]
            FIGURES["requests"] += cases["generated"]
            columns["enough_requests"].append(float(cases["generated"] >= ENOUGH))
            columns["failures"].append(float(cases["with_failures"]))
            columns["errors"].append(float(cases["errored"] + len(report["errors"])))
            columns["untested_routes"].append(float(routes["total"] - routes["tested"]))
            columns["log_verifies"].append(float(not verify(log).problem))
    return columns


def schemathesis(url: str, seed: int, report: Path) -> dict[str, Any]:
    """The report of one run; its own words are printed when it found something.

    Raises:
        RuntimeError: it wrote no report; with its last words.
    """
    words = ["run", f"{url}/openapi.json", *OPTIONS, "--seed", str(seed)]
    words += ["--report", "json", "--report-json-path", str(report)]
    command = [sys.executable, "-m", "schemathesis.cli", *words]
    # in a folder of its own, where it keeps examples between runs
    done = subprocess.run(command, cwd=report.parent, capture_output=True, text=True, check=False)
    if not report.is_file():
        raise RuntimeError((done.stdout + done.stderr)[-2000:])
    if done.returncode:
        print(done.stdout[-6000:])
    content: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return content


def made_service() -> ModuleType:
    """The project's own test server, loaded by its path: two packages are called tests."""
    spec = importlib.util.spec_from_file_location("made_service", TREE / "tests/made_service.py")
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{TREE}: has no tests/made_service.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
