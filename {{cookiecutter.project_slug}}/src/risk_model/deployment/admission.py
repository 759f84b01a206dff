"""How requests are worked on: beside the event loop, so many at a time, each until its deadline.

A model that is slow or hangs holds a thread, and neither the loop nor anybody's connection. A place
is taken once a body has arrived, so that slow senders hold none; whoever finds none free is told so
at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

from risk_model.deployment.requests import RefusedError

PLACES = 80  # requests for tables worked on or waiting; with 128 refusals would take over 50 ms
SECONDS = 5.0  # from the moment a body has arrived until it is scored
# For what it handed over the loop waits so long in a turn, and in so many turns one after another.
PATIENCE_SECONDS, PATIENT_TURNS = 0.003, 5
HUNG = 3  # threads that may hang before no more work is taken on
BODIES = 1 << 28  # bytes that all bodies may hold together, also while they arrive
BUSY = "too many requests are being answered; send this one again in a second"

Given = TypeVar("Given")
Result = TypeVar("Result")


@dataclass(slots=True)
class Job:
    """Work that somebody waits for, in the loop."""

    work: Callable[[], Any]
    waiter: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    working: bool = False  # from its start in a thread until its result is collected in the loop
    abandoned: bool = False  # nobody waits any more


class Worker:
    """Threads that work on the bodies of requests.

    Args:
        limit: bytes that a body may hold.
        threads: how many work at a time.
        places: requests that are worked on or wait at a time.
        seconds: after which whoever waits is told so, and a thread that still works is replaced;
            None for SECONDS.
    """

    def __init__(
        self,
        limit: int,
        threads: int = 1,
        places: int = PLACES,
        seconds: float | None = None,
    ) -> None:
        self.limit, self.places, self.free = limit, places, places
        self.seconds = SECONDS if seconds is None else seconds
        self.room, self.hung = BODIES, 0
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads, self._lock, self._quiet = threads, threading.Lock(), threading.Event()
        self._finished: deque[tuple[Job, Any, Exception | None]] = deque()
        self._gathered: list[Job] = []
        self._handing, self._patient = False, True
        self._quiet.set()
        for _ in range(threads):
            self._start_thread()

    @property
    def full(self) -> bool:
        """Whether no more can be taken on: every place is taken, or the model hangs."""
        return self.free <= 0 or self.hung >= HUNG

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Holds a place until the request is answered; RefusedError (503) when none is free."""
        if self.full:
            raise RefusedError(503, BUSY)
        self.free -= 1
        try:
            yield
        finally:
            self.free += 1

    @contextmanager
    def memory(self) -> Iterator[Callable[[int], None]]:
        """A function that takes bytes for a body, until the request is answered.

        It raises RefusedError (503) when all bodies together would hold more than BODIES.
        """
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if size > self.room:
                raise RefusedError(503, BUSY)
            self.room, taken = self.room - size, taken + size

        try:
            yield take
        finally:
            self.room += taken

    async def run(
        self, work: Callable[[Given], Result], given: Given, seconds: float | None = None
    ) -> Result:
        """The result of `work`, from a thread.

        Args:
            work: is done in a thread.
            given: what to work on.
            seconds: instead of those that all work has.

        Raises:
            TimeoutError: the result did not come in time.
            RefusedError: (503) too many threads hang.
        """
        if self.hung >= HUNG:
            raise RefusedError(503, BUSY)
        loop = asyncio.get_running_loop()
        job = Job(lambda: work(given), loop.create_future(), loop)
        self._gathered.append(job)
        if len(self._gathered) == 1:  # what comes in the rest of this turn goes with it
            loop.call_soon(self._hand_over)
        try:
            async with asyncio.timeout(self.seconds if seconds is None else seconds):
                result: Result = await job.waiter
        except TimeoutError:
            self._abandon(job)
            raise
        except asyncio.CancelledError:
            with self._lock:
                job.abandoned = not job.working
            raise
        return result

    def close(self) -> None:
        """Lets the threads end; one that hangs ends with the process."""
        for _ in range(self._threads):
            self._jobs.put(None)

    def _abandon(self, job: Job) -> None:
        with self._lock:
            job.abandoned = True
        if job.working:
            self.hung += 1
            self._start_thread()

    def _hand_over(self) -> None:
        """Lets the threads work for a moment in which nothing else asks for the interpreter.

        Where the loop goes on at once, it and a thread take the interpreter from each other at
        every call of the model, which costs more than the call.
        """
        self._quiet.clear()
        self._handing = self._patient
        for job in self._gathered:
            self._jobs.put(job)
        self._gathered.clear()
        if self._handing:
            self._wait(PATIENT_TURNS)

    def _wait(self, turns: int) -> None:
        self._handing = True
        finished = self._quiet.wait(PATIENCE_SECONDS)
        self._handing = False
        self._collect()
        if not finished and turns > 1:
            asyncio.get_running_loop().call_soon(self._wait, turns - 1)
        else:
            self._patient = finished

    def _collect(self) -> None:
        """Hands results over, in the loop; a thread that comes late is one too many now."""
        while self._finished:
            job, result, error = self._finished.popleft()
            job.working = False
            if job.abandoned:
                self.hung -= 1
                self._jobs.put(None)
            elif not job.waiter.done():
                job.waiter.set_exception(error) if error else job.waiter.set_result(result)
        if self._quiet.is_set():
            self._patient = True

    def _start_thread(self) -> None:
        threading.Thread(target=self._work, name="scoring", daemon=True).start()

    def _work(self) -> None:
        while job := self._jobs.get():
            with self._lock:
                if job.abandoned:
                    continue
                job.working = True
            result, error = None, None
            try:
                result = job.work()
            except Exception as cause:
                error = cause
            self._finished.append((job, result, error))
            if self._jobs.empty():
                self._quiet.set()
            if not self._handing:
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    job.loop.call_soon_threadsafe(self._collect)
