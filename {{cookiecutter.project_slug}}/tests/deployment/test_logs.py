"""Is each line that a server writes to stderr JSON, and without a value, whatever goes wrong?"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
from onnx import TensorProto, helper

from risk_model.core.package import ModelPackage

from tests.made_service import GUARD, PATIENT, SCHEMA, Server, make_package

Running = Callable[..., AbstractContextManager[Server]]
# Each bug raises the patient's name, in the place that the query names.
BUGS = """
import asyncio, logging, threading, warnings
from risk_model.deployment.app import Service
from risk_model.deployment.health import Health
def fail(*_):
    raise ValueError("Mustermann 96.5")
class Thrown:
    __del__ = fail
def in_a_thread():
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
async def forgotten():
    fail()
PLACES = {
    "route": fail,
    "thread": in_a_thread,
    "callback": lambda: asyncio.get_running_loop().call_soon(fail),
    "destructor": Thrown,
    "task": lambda: asyncio.get_running_loop().create_task(forgotten()),
    "warning": lambda: warnings.warn("Mustermann 96.5"),
    "library": lambda: logging.getLogger("library").error("Mustermann %s", 96.5),
}
described = Service.describe
async def describe(self, request):
    PLACES[request.scope["query_string"].decode()]()
    return await described(self, request)
async def ready(self, request):
    fail()
Service.describe, Health.ready = describe, ready
"""
PLACES = "route thread callback destructor task warning library".split()
NOT_STARTED = """
from risk_model.deployment.http_guard import GuardedServer
async def startup(self, sockets=None):
    raise ValueError("Mustermann 96.5")
GuardedServer.startup = startup
"""


def lines(complained: str) -> list[dict[str, Any]]:
    """The lines of stderr, each an object; none tells of the patient or shows a traceback."""
    assert [
        word for word in ("Mustermann", "96.5", "Traceback", "File ") if word in complained
    ] == []
    parsed = [json.loads(line) for line in complained.splitlines()]
    assert all(line.keys() == {"time", "level", "module", "message"} for line in parsed)
    return parsed


def test_a_bug_anywhere_is_a_line_of_json_with_its_type_alone(
    running: Running, package: ModelPackage, tmp_path: Path
) -> None:
    with running(package.directory, tmp_path / "audit.db", before=BUGS) as server:
        # after a bug the server ends the connection
        answers = {place: httpx.get(f"{server.url}/v1/model?{place}") for place in PLACES}
        told_by = server.health.base_url
        ready = httpx.get(told_by.join("/readyz"))
        lost = httpx.get(told_by.join("/Mustermann?Mustermann=96.5"))
        assert server.predict(PATIENT).is_success, "the service goes on"
        complained = server.stop()
    expected = {place: 500 if place == "route" else 200 for place in PLACES}
    assert {place: answer.status_code for place, answer in answers.items()} == expected
    assert (ready.status_code, lost.status_code) == (500, 404)
    for answer in (answers["route"], ready, lost):
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Mustermann" not in answer.text
    told = [line["message"] for line in lines(complained)]
    assert told.count("request failed: ValueError") == 2, "of the service and of its health"
    assert "a thread ended: ValueError" in told
    assert "a destructor failed: ValueError" in told
    assert "an error of a library: not an exception" in told
    assert told.count("an error of a library: ValueError") == 2, "asyncio, of callback and task"


def test_a_server_that_fails_after_it_listens_ends_with_a_line_of_json(
    start: Callable[..., subprocess.Popen[str]], package: ModelPackage, tmp_path: Path
) -> None:
    process = start(package.directory, 0, tmp_path / "audit.db", before=NOT_STARTED)
    printed, complained = process.communicate(timeout=GUARD)
    assert process.returncode == 1
    assert printed.startswith("serving ")
    assert "the process ends: ValueError" in [line["message"] for line in lines(complained)]


def looking_up(limit: int) -> onnx.ModelProto:
    """A model that looks its risk up by the age, in a table that ends before `limit`."""
    d = SCHEMA.width
    constants = {"table": np.full(limit, 0.1, dtype=np.float32), "first": np.array([0])}
    nodes = [
        helper.make_node("Gather", ["features", "first"], ["column"], axis=1),
        helper.make_node("Squeeze", ["column"], ["age"]),
        helper.make_node("Cast", ["age"], ["place"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "place"], ["found"]),
        helper.make_node("Unsqueeze", ["found", "first"], ["risk"]),
        helper.make_node("Identity", ["risk"], ["logit"]),
    ]
    graph = helper.make_graph(
        nodes,
        "risk",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", d])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n"]) for n in ("risk", "logit")],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def test_a_value_at_which_the_model_fails_is_not_written_by_its_library(
    running: Running, tmp_path: Path
) -> None:
    package = make_package(tmp_path / "lookup", graph=looking_up(97))
    with running(package.directory, tmp_path / "audit.db") as server:
        answer = server.predict({**PATIENT, "age": 113})
        complained = server.stop()
    assert answer.status_code == 500
    assert "113" not in complained
    assert [line["message"] for line in lines(complained)] == ["prediction failed: InvalidArgument"]
