"""The limits of a connection, which hold without a proxy before this server.

uvicorn's reader of HTTP waits for a request's head for ever, takes heads of any size and counts
connections that send nothing like those that are answered. Here a head has its time and its size,
a body its time, a request one Host that this server answers to, and when the connections run out,
the one whose request has been incomplete for longest makes room. What is refused costs no work
behind this.

Granian's own options cover heads, but let connections without a request keep others out: see
docs/serving.md.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterable
from itertools import chain
from typing import Any, cast

import uvicorn
from starlette.responses import Response
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from risk_model.core.optional import optional_module
from risk_model.deployment.accepting import Acceptor
from risk_model.deployment.admission import BUSY
from risk_model.deployment.requests import BODY_SECONDS, RefusedError
from risk_model.deployment.responses import problem

HEAD_BYTES = 16_384
HEAD_LINES = 64
HEAD_SECONDS = 10.0
CONNECTIONS = 1_000
LINGER_SECONDS = 1.0  # in which a refused sender may read why
TICKS = 10  # of uvicorn's server, ten a second, between two looks for slow senders
LOOPBACK = ("127.0.0.1", "localhost", "::1")

HEAD_LATE = problem(RefusedError(408, "the request's head took too long to arrive"))
HEAD_LARGE = problem(
    RefusedError(
        431, f"the request's head holds more than {HEAD_BYTES} bytes or {HEAD_LINES} lines"
    )
)
HOST_WRONG = problem(RefusedError(400, "send one Host header, with a name of this server"))
NOT_HTTP = problem(RefusedError(400, "this is not a request in HTTP/1.1"))
OVERLOADED = problem(RefusedError(503, BUSY))
NO_CONNECTION = problem(RefusedError(503, "too many connections; come again in a second"))


class FinishedCycle:
    """Stands for the request that was refused at once, in uvicorn's eyes: one with its answer."""

    response_complete = True
    message_event = asyncio.Event()


FINISHED_CYCLE = FinishedCycle()


def host_names(names: Iterable[str]) -> frozenset[bytes]:
    """Names as they are compared with those of Host headers."""
    return frozenset(name.strip("[]").lower().encode("idna") for name in names)


def named_host(value: bytes) -> bytes:
    """The name in a Host header, without its port.

    >>> named_host(b"Risk.example:8000"), named_host(b"[::1]:8000"), named_host(b"::1")
    (b'risk.example', b'::1', b'::1')
    """
    if value.startswith(b"["):
        return value[1:].partition(b"]")[0].lower()
    name, colon, port = value.rpartition(b":")
    return (name if colon and port.isdigit() and b":" not in name else value).lower()


class GuardedState(ServerState):
    """What the connections of one server share.

    Args:
        hosts: names that this server answers to; None for any.
        places: requests that have arrived in whole and are not answered yet, at a time.
        most: connections at a time.
    """

    def __init__(self, hosts: frozenset[bytes] | None, places: int, most: int) -> None:
        super().__init__()
        self.hosts, self.places, self.most = hosts, places, most
        self.open_places = places  # fewer while most requests are refused
        self.answering = 0  # requests that have arrived in whole
        # those from which a request has yet to arrive in whole, and those that were answered and
        # may ask again; the longest first
        self.incomplete: dict[GuardedProtocol, None] = {}
        self.idle: dict[GuardedProtocol, None] = {}
        self.refused = 0  # heads and connections
        self.beat = time.monotonic()  # when the loop last turned
        self._written: dict[tuple[object, ...], bytes] = {}
        self._common: list[tuple[bytes, bytes]] = []  # headers of all answers in it
        self.relief = (
            module.Relief() if (module := optional_module("deployment.overload")) else None
        )

    def written(self, answer: Response, *more: bytes) -> bytes:
        """The bytes of an answer that stays as it is, with further lines of its head."""
        if self._common is not self.default_headers:  # uvicorn makes new ones each second
            self._common = self.default_headers
            self._written.clear()
        if (answer, *more) not in self._written:
            fields = [b": ".join(field) for field in [*self._common, *answer.raw_headers]]
            lines = [STATUS_LINE[answer.status_code][:-2], *more, *fields, b"", bytes(answer.body)]
            self._written[answer, *more] = b"\r\n".join(lines)
        return self._written[answer, *more]


class GuardedServer(uvicorn.Server):
    """uvicorn's server over guarded connections."""

    def __init__(self, config: Config, state: GuardedState) -> None:
        super().__init__(config)
        self.server_state = self.guard = state

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts the application, and accepts the connections of listening sockets."""
        await super().startup(sockets=[])
        config, app_state = self.config, self.lifespan.state

        def protocol() -> GuardedProtocol:
            return GuardedProtocol(config, self.guard, app_state)

        acceptors = [Acceptor(listener, protocol) for listener in sockets or []]
        self.servers = cast(Any, acceptors)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: notes that the loop turns, looks for overload, ends slow senders."""
        guard = self.guard
        guard.beat = time.monotonic()
        if relief := guard.relief:
            guard.open_places = relief.places(guard.places, guard.refused, guard.total_requests)
        if counter % TICKS == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(guard.connections):
                cast(GuardedProtocol, connection).end_if_late(now)
        return await super().on_tick(counter)


class GuardedProtocol(HttpToolsProtocol):
    """One connection, within limits."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.guard = cast(GuardedState, server_state)
        self.deadline = self.loop.time() + HEAD_SECONDS  # of the head or body on its way
        self.head_bytes, self.in_head, self.in_body, self.refused = 0, True, False, False
        self.arrived = 0  # requests in whole, which are not answered

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes the connection on, at the cost of the longest waiting one when there are too many.

        When all are being answered there is no room.
        """
        super().connection_made(transport)
        if len(self.connections) > self.guard.most:
            longest = next(chain(self.guard.incomplete, self.guard.idle), None)
            if longest is None:
                self.refuse(NO_CONNECTION)
                return
            longest.end()
        self.guard.incomplete[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        self._forget()
        self._leave(self.arrived)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feeds the parser, and counts the bytes of a head that is not complete."""
        if self.refused:
            return
        if self.in_head:
            self.head_bytes += len(data)
        super().data_received(data)
        if self.in_head and self.head_bytes > HEAD_BYTES:
            self.refuse(HEAD_LARGE)

    def on_message_begin(self) -> None:
        """A head begins to arrive."""
        super().on_message_begin()
        self.guard.idle.pop(self, None)
        self.guard.incomplete[self] = None
        self.in_head, self.head_bytes = True, 0
        self.deadline = self.loop.time() + HEAD_SECONDS

    def on_headers_complete(self) -> None:
        """Chooses who answers: the application, or the refusal of a head that breaks a rule."""
        self.in_head, self.in_body = False, True
        self.deadline = self.loop.time() + BODY_SECONDS + LINGER_SECONDS
        refusal = self._refusal()
        self.app = cast(Any, refusal) or self.config.loaded_app
        answering = self.cycle is not None and not self.cycle.response_complete
        if refusal is None or self.pipeline or answering:
            super().on_headers_complete()  # a refusal waits for the answers before it
            return
        if self.parser.get_http_version() == "1.0" or not self.parser.should_keep_alive():
            self.refuse(refusal)
            return
        self.guard.refused += 1
        self.cycle = cast(Any, FINISHED_CYCLE)
        self._write(refusal)
        if relief := self.guard.relief:
            relief.pause(self.transport, self.flow)

    def on_message_complete(self) -> None:
        """The whole request is here; what may take long now is the answer."""
        super().on_message_complete()
        self.guard.incomplete.pop(self, None)
        if not self.cycle.response_complete:
            self.arrived += 1
            self.guard.answering += 1
        self.in_body, self.deadline = False, float("inf")
        self._expect_head()

    def on_response_complete(self) -> None:
        """Waits for the next request."""
        super().on_response_complete()
        self._leave(min(self.arrived, 1))
        if not self.transport.is_closing():
            self._expect_head()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is not HTTP."""
        self.refuse(NOT_HTTP)

    def end_if_late(self, now: float) -> None:
        """Ends the connection when its sender is slow: 408 for a head, without a word in a body."""
        if now <= self.deadline or self.refused:
            return
        if self.in_head and (self.cycle is None or self.cycle.response_complete):
            self.refuse(HEAD_LATE)
        else:
            self.end()

    def _leave(self, requests: int) -> None:
        self.arrived -= requests
        self.guard.answering -= requests

    def _expect_head(self) -> None:
        """Of the next request, once this one has arrived and is answered."""
        if self.cycle.response_complete and not self.in_body:
            self.guard.idle[self] = None
            self.in_head, self.head_bytes = True, 0
            self.deadline = self.loop.time() + self.timeout_keep_alive + HEAD_SECONDS

    def refuse(self, answer: Response) -> None:
        """Writes an answer, hears nothing any more, and ends the connection shortly after.

        Closed at once, with bytes unread, the sender would be told of a reset and not of the cause.
        """
        self.refused = True
        self.guard.refused += 1
        self._forget()
        if self.transport.is_closing():
            return
        self.cycle = self.cycle or cast(Any, FINISHED_CYCLE)
        self._write(answer, b"connection: close")
        self.loop.call_later(LINGER_SECONDS, self.end)

    def end(self) -> None:
        """Closes the connection."""
        self._forget()
        if not self.transport.is_closing():
            self.transport.close()

    def _write(self, answer: Response, *more: bytes) -> None:
        """Writes an answer without a task of its own, which is what a flood of requests costs."""
        self.transport.write(self.guard.written(answer, *more))

    def _forget(self) -> None:
        self.guard.incomplete.pop(self, None)
        self.guard.idle.pop(self, None)

    def _refusal(self) -> Response | None:
        guard, hosts = self.guard, [value for name, value in self.headers if name == b"host"]
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > HEAD_BYTES or len(self.headers) > HEAD_LINES:
            return HEAD_LARGE
        if guard.hosts is not None and (len(hosts) != 1 or named_host(hosts[0]) not in guard.hosts):
            return HOST_WRONG
        return OVERLOADED if guard.answering >= guard.open_places else None
