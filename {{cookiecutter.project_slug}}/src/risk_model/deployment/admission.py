"""Where is a request worked? A table's in the event loop, in microseconds; a recording's in a
thread beside it.

Reading and scoring a recording takes milliseconds to a tenth of a second, which nobody else shall
wait for. So that neither bodies nor waiting requests fill the memory, only so many are admitted;
the others are told to come again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

from risk_model.deployment.requests import BODY_LIMIT, RefusedError

THREADS = min(os.cpu_count() or 1, 4)
HELD = 1 << 28  # bytes that the bodies of all admitted requests may take together
MOST = 64  # requests admitted at a time, however small their bodies

Result = TypeVar("Result")


class InTurn:
    """Works requests one after the other, where they arrive."""

    limit = BODY_LIMIT
    _everybody = nullcontext()

    def admitted(self) -> AbstractContextManager[None]:
        """Everybody is."""
        return self._everybody

    async def run(self, work: Callable[[bytes], Result], body: bytes) -> Result:
        """The result of `work`."""
        return work(body)

    def close(self) -> None:
        """Nothing is held."""


class Aside:
    """Works requests of at most `limit` bytes in threads; admits as many as HELD bytes allow."""

    def __init__(self, limit: int) -> None:
        self.limit, self.free = limit, max(min(MOST, HELD // limit), 2 * THREADS)
        self._threads = ThreadPoolExecutor(THREADS, "recording")

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Holds a place from before the body is read until it is answered; RefusedError (503) when
        none is free.
        """
        if not self.free:
            raise RefusedError(
                503, "too many recordings are being read; send this one again in a second"
            )
        self.free -= 1
        try:
            yield
        finally:
            self.free += 1

    async def run(self, work: Callable[[bytes], Result], body: bytes) -> Result:
        """The result of `work`, from a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, body)

    def close(self) -> None:
        """Lets the threads end."""
        self._threads.shutdown(cancel_futures=True)
