"""The queue in front of the audit log: many requests wait for one commit.

One thread writes. Requests that arrive while it waits for the disk share the next commit, so a
durable record costs a service about one fsync of latency and not one fsync of throughput.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import MappingProxyType

from risk_model.core.errors import UserError
from risk_model.deployment.audit.record import Event, Kind
from risk_model.deployment.audit.store import AuditError, Store

BATCH = 256  # records in one commit, at most
WAITING = 4_096  # records that may wait for the disk
DISK_SECONDS = 5.0  # for one commit
PAUSE, PAUSE_SECONDS = 0.5, 0.002  # before a commit: so much of the last one's time, at most
LARGE = 1 << 18  # bytes whose digest takes too long for the loop

logger = logging.getLogger(__name__)


class AuditLog:
    """The one writer of a log.

    Opening the log writes its start, closing it its stop. A log that does not follow from its last
    known checkpoint is refused.

    Args:
        path: the log.
        constant: facts that stand in every record (the model and code version).
        start: facts of the start alone.
        keys: folder of the log's keys; by default one beside the log's folder, made with the log.
        checkpoints: the second place, to which every checkpoint is added; by default none.
        changes: records that stand right behind the start's, each as its kind and its facts.

    Raises:
        UserError: a second process writes to it, its end was changed, its keys do not fit, or it
            cannot be written.
    """

    def __init__(
        self,
        path: Path,
        constant: Mapping[str, object],
        start: Mapping[str, object],
        keys: Path | None = None,
        checkpoints: Path | None = None,
        changes: Sequence[tuple[Kind, Mapping[str, object]]] = (),
    ) -> None:
        self.path, self.failed = path, False
        # is told of each commit: seconds it took, and how many records were lost with it
        self.observe: Callable[[float, int], None] = lambda seconds, lost: None
        self._waiting: list[tuple[Event, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._pause, self._expected = 0.0, 0  # seconds for which so many records are waited for
        self._all_here = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "audit")
        try:
            self._store = Store(path, keys, checkpoints, constant)
            self._store.commit([self._store.event(*each) for each in (("start", start), *changes)])
        except (sqlite3.Error, OSError, AuditError) as error:
            raise UserError(
                f"{path}: not a usable audit log ({error}); check the disk and the path"
            ) from error

    async def append(
        self,
        kind: Kind,
        facts: Mapping[str, object],
        committed: bytes = b"",
        subject: str = "",
    ) -> str:
        """Writes one record and returns its event id once the record is durably on disk.

        Args:
            kind: of the event.
            facts: what the record says; names that are not in FACTS are refused.
            committed: what the record commits to without saying it (the encoded input, the
                explanation).
            subject: who it is about, as the caller knows them; the record holds a pseudonym.

        Raises:
            AuditError: the disk refused it or too many records wait; the next call tries again.
        """
        if len(self._waiting) >= WAITING:
            self.observe(0.0, 1)
            raise AuditError("too many records wait for the disk")
        made = partial(self._store.event, kind, facts, committed, subject)
        event = await asyncio.to_thread(made) if len(committed) > LARGE else made()
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append((event, waiter))
        if len(self._waiting) >= self._expected:
            self._all_here.set()
        if self._writing is None:
            # starts in the loop's next round, so the rest of this round joins the same commit
            self._writing = asyncio.create_task(self._write())
        await waiter
        return str(event.record["event_id"])

    async def close(self, facts: Mapping[str, object] = MappingProxyType({})) -> None:
        """Writes the stop after all records on their way, then closes the file."""
        with contextlib.suppress(AuditError):
            await self.append("stop", facts)
        self._thread.shutdown()
        self._store.close()

    async def _write(self) -> None:
        """Commits batch after batch until none waits. Only the event loop touches the queue."""
        while self._waiting:
            await self._gather()
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            events, error, start = [event for event, _ in batch], None, time.perf_counter()
            try:
                async with asyncio.timeout(DISK_SECONDS):
                    await asyncio.get_running_loop().run_in_executor(
                        self._thread, self._store.commit, events
                    )
            except Exception as cause:
                error = AuditError(type(cause).__name__)
                # of the file's own state: it holds nothing of a request
                logger.error("audit log: %s: %s", type(cause).__name__, cause)
            self.failed = error is not None
            seconds = time.perf_counter() - start
            self.observe(seconds, len(batch) if error else 0)
            self._pause = min(seconds * PAUSE, PAUSE_SECONDS)
            self._expected = len(batch) + len(self._waiting)
            for waiter in [waiter for _, waiter in batch if not waiter.done()]:  # or cancelled
                waiter.set_exception(error) if error else waiter.set_result(None)
        self._writing = None

    async def _gather(self) -> None:
        """Waits for those whom the last commit kept waiting: answered, they soon ask again.

        Without it callers fall into two halves, each of which waits for the other's commit. Whoever
        asks alone does not wait.
        """
        self._all_here.clear()
        if len(self._waiting) < self._expected:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause):
                    await self._all_here.wait()
