"""The input of a package that reads recordings, and the threads that work on it.

Reading and scoring a recording takes milliseconds to a tenth of a second, which nobody else shall
wait for. So that neither bodies nor waiting requests fill the memory, only so many are admitted;
the others are asked to come again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from risk_model.core.package import ModelPackage
from risk_model.deployment.package_input import PackageInput
from risk_model.deployment.recording_explanations import recording_explainer
from risk_model.deployment.recording_requests import (
    recording_body_schema,
    recording_reader,
    signal_of,
)
from risk_model.deployment.requests import RefusedError
from risk_model.signals import reader

THREADS = min(os.cpu_count() or 1, 4)
BODIES = 1 << 28  # bytes that the bodies of all admitted requests may take together
MOST = 64  # requests admitted at a time, however small their bodies

Result = TypeVar("Result")


def recording_input(package: ModelPackage) -> PackageInput:
    """What the service needs to know of a package's recordings."""
    signal = signal_of(package.schema)
    return PackageInput(
        recording_reader(package.schema),
        recording_body_schema(signal),
        ThreadedWorker(reader(signal).REQUEST_BYTES),
        recording_explainer(package),
    )


class ThreadedWorker:
    """Works on requests of at most `limit` bytes in threads; admits as many as BODIES allow."""

    def __init__(self, limit: int) -> None:
        self.limit, self.free = limit, max(min(MOST, BODIES // limit), 2 * THREADS)
        self._threads = ThreadPoolExecutor(THREADS, "recording")

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Holds a place from before the body is read until it is answered.

        Raises:
            RefusedError: (503) no place is free.
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
