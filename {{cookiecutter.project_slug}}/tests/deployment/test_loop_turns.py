"""Does any request keep the event loop, and so everybody else, for more than 5 ms?"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median

from risk_model.core.package import ModelPackage

from tests.loop_turns import BEFORE, WorstRequest, worst_requests
from tests.made_service import Server

Running = Callable[..., AbstractContextManager[Server]]
MOST_MS = 5.0
TRIES = 5


def test_no_request_keeps_the_loop_for_five_milliseconds(
    running: Running, package: ModelPackage, tmp_path: Path
) -> None:
    with running(package.directory, tmp_path / "audit.db", before=BEFORE) as server:
        turns = {
            worst.name: median(worst.turn(server)[0] for _ in range(TRIES))
            for worst in worst_requests()
        }
    assert {name: turn for name, turn in turns.items() if turn >= MOST_MS} == {}


def test_a_turn_that_is_too_long_is_seen(
    running: Running, package: ModelPackage, tmp_path: Path
) -> None:
    slow = """
from risk_model.deployment import app
async def describe(self, request):
    until = time.thread_time() + 0.01
    while time.thread_time() < until:
        pass
    return JSONResponse({})
app.Service.describe = describe
"""
    with running(package.directory, tmp_path / "audit.db", before=BEFORE + slow) as server:
        assert WorstRequest("slow", 200, "/v1/model").turn(server)[0] >= 10.0
