"""How requests are worked on: a table's in the event loop, where they arrive, in microseconds.

What takes longer goes beside the loop, so that nobody else waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

from risk_model.deployment.requests import BODY_LIMIT

Result = TypeVar("Result")


class Worker(Protocol):
    """Works on the bodies of requests, of at most `limit` bytes each."""

    limit: int

    def admit(self) -> AbstractContextManager[None]:
        """Holds a place until the request is answered; RefusedError (503) when none is free."""

    async def run(self, work: Callable[[bytes], Result], body: bytes) -> Result:
        """The result of `work`."""

    def close(self) -> None:
        """Ends what still runs."""


class InlineWorker:
    """Works on requests one after the other, where they arrive, and admits all of them."""

    limit = BODY_LIMIT
    _everybody = nullcontext()

    def admit(self) -> AbstractContextManager[None]:
        """Holds nothing."""
        return self._everybody

    async def run(self, work: Callable[[bytes], Result], body: bytes) -> Result:
        """The result of `work`."""
        return work(body)

    def close(self) -> None:
        """Nothing runs."""
