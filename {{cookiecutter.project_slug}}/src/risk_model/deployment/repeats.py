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

from risk_model.deployment.requests import LARGE, RefusedError, is_uuid

KEPT = 10_000  # answers
KEPT_BYTES = 1 << 24  # that they hold together: an answer to a batch has 60,000 and more
KEPT_SECONDS = 24 * 3600.0
CLASH = "this Idempotency-Key was sent with another request"


@dataclass(slots=True)
class KeptAnswer:
    """A request by its digest, and the answer it got, or will get as long as `coming` is there.

    A finished answer is kept as its parts, which take a third of the memory of a Response.
    """

    digest: bytes
    at: float
    coming: asyncio.Future[Response] | None
    status: int = 0
    body: bytes = b""
    media_type: str | None = None

    def finish(self, answer: Response) -> None:
        """Keeps an answer, and hands it to whoever waits for it."""
        # a copy, because orjson's own bytes keep the buffer of 4 kB that they were written in
        self.status, self.body = answer.status_code, bytes(memoryview(answer.body))
        self.media_type = answer.media_type
        if self.coming is not None:
            self.coming.set_result(answer)
        self.coming = None

    def response(self) -> Response:
        """The answer, once more."""
        uncached = {"cache-control": "no-store"}
        return Response(self.body, self.status, uncached, self.media_type)


class Repeats:
    """The answers to requests with a key of their own."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], KeptAnswer] = OrderedDict()
        self._bytes = 0

    async def answer(
        self,
        client: str,
        key: str,
        content: list[bytes],
        compute: Callable[[], Awaitable[Response]],
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
        large = sum(map(len, content)) > LARGE
        digest = await asyncio.to_thread(_digest, content) if large else _digest(content)
        name = (client, key)
        self._forget()
        known = self._kept.get(name)
        if known is not None and known.digest != digest:
            raise RefusedError(409, CLASH)
        if known is not None:
            coming = known.coming
            return known.response() if coming is None else await asyncio.shield(coming)
        return await self._compute(name, digest, compute)

    async def _compute(
        self, name: tuple[str, str], digest: bytes, compute: Callable[[], Awaitable[Response]]
    ) -> Response:
        coming: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        entry = self._kept[name] = KeptAnswer(digest, time.monotonic(), coming)
        try:
            answer = await compute()
        except BaseException as error:
            self._drop(name, entry)
            coming.set_exception(
                error if isinstance(error, Exception) else RefusedError(503, "send it again")
            )
            coming.exception()  # nobody may be waiting for it
            raise
        entry.finish(answer)
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._drop(name, entry)
        elif self._kept.get(name) is entry:  # not forgotten meanwhile
            self._bytes += len(entry.body)
        return answer

    def _drop(self, name: tuple[str, str], entry: KeptAnswer) -> None:
        """Removes what is not to be kept, before its bytes are counted."""
        if self._kept.get(name) is entry:
            del self._kept[name]

    def _forget(self) -> None:
        """Drops the oldest answers beyond KEPT, KEPT_BYTES and KEPT_SECONDS."""
        oldest = time.monotonic() - KEPT_SECONDS
        while self._kept:
            first = next(iter(self._kept.values()))
            room = len(self._kept) < KEPT and self._bytes <= KEPT_BYTES
            if room and first.at > oldest:
                return
            self._bytes -= len(self._kept.popitem(last=False)[1].body)


def _digest(content: list[bytes]) -> bytes:
    """The SHA-256 of parts that hold no line feed, but for the last."""
    digest = hashlib.sha256()
    for part in content:
        digest.update(b"\n")
        digest.update(part)
    return digest.digest()
