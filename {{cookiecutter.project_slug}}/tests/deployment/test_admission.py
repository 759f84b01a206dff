"""Do threads and places stay right, whatever happens at the moment of a deadline?"""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from risk_model.deployment.admission import HUNG, Worker

SECONDS = 0.4


def test_a_result_that_arrives_with_its_deadline_leaves_no_thread_counted_as_hanging() -> None:
    worker, go, done = Worker(limit=0), threading.Event(), threading.Event()

    def work(_: int) -> None:
        go.wait()
        done.set()

    async def late() -> None:
        go.clear()
        done.clear()
        running = asyncio.ensure_future(worker.run(work, 0, SECONDS))
        await asyncio.sleep(SECONDS / 4)  # a thread works
        # the loop is held up until result and deadline are both due, and sees them in one turn
        go.set()
        done.wait()
        time.sleep(SECONDS)
        with pytest.raises(TimeoutError):
            await running

    async def several() -> None:
        for _ in range(HUNG):
            await late()
        assert worker.hung == 0
        assert await worker.run(lambda value: value + 1, 1) == 2

    before = threading.active_count()
    asyncio.run(several())
    assert threading.active_count() == before
    worker.close()
