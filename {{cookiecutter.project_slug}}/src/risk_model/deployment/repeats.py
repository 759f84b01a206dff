"""Requests that are sent again: one key, one prediction, one answer.

A client that got no answer cannot know whether there was a prediction. With the header
Idempotency-Key it may ask again and gets the answer of the first time. Answers are kept in memory,
so a server that starts anew predicts again.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from risk_model.deployment.requests import RefusedError, is_uuid

KEPT = 10_000  # answers
KEPT_SECONDS = 24 * 3600.0
CLASH = "this Idempotency-Key was sent with another request"


@dataclass(slots=True)
class KeptAnswer:
    """A request by its digest, and the answer it got or will get."""

    digest: bytes
    at: float
    answer: asyncio.Future[Response]


class Repeats:
    """The answers to requests with a key of their own."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], KeptAnswer] = OrderedDict()

    async def answer(
        self, client: str, key: str, content: bytes, compute: Callable[[], Awaitable[Response]]
    ) -> Response:
        """The answer to a request, computed once.

        Args:
            client: who asks; each has keys of its own.
            key: the header.
            content: everything that the answer depends on.
            compute: gives the answer; that of a server that failed is not kept.

        Raises:
            RefusedError: (400) the key is no key, (409) the key came with other content.
        """
        if not is_uuid(key):
            raise RefusedError(400, "an Idempotency-Key must be a UUID, as it is recorded")
        digest, name = hashlib.sha256(content).digest(), (client, key)
        self._forget()
        known = self._kept.get(name)
        if known is not None and known.digest != digest:
            raise RefusedError(409, CLASH)
        if known is not None:
            return await asyncio.shield(known.answer)
        entry = KeptAnswer(digest, time.monotonic(), asyncio.get_running_loop().create_future())
        self._kept[name] = entry
        try:
            answer = await compute()
        except BaseException as error:
            self._kept.pop(name, None)
            entry.answer.set_exception(
                error if isinstance(error, Exception) else RefusedError(503, "send it again")
            )
            entry.answer.exception()  # nobody may be waiting for it
            raise
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._kept.pop(name, None)
        entry.answer.set_result(answer)
        return answer

    def _forget(self) -> None:
        """Drops the oldest answers beyond KEPT and KEPT_SECONDS."""
        oldest = time.monotonic() - KEPT_SECONDS
        while self._kept:
            first = next(iter(self._kept.values()))
            if len(self._kept) < KEPT and first.at > oldest:
                return
            self._kept.popitem(last=False)
