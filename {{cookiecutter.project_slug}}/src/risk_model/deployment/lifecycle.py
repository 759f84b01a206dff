"""The life of a served process: two servers in threads of their own, and the signals in the first.

Python hands a signal to the process's first thread only. There nothing else runs, so that no model
and no request can keep the process from hearing it.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType

from uvicorn.config import Config

from risk_model.core.errors import UserError
from risk_model.deployment.http_guard import (
    CONNECTIONS,
    GuardedProtocol,
    GuardedServer,
    GuardedState,
)

DRAIN_SECONDS = 10  # for the requests on their way
END_SECONDS = 10.0  # after them, for the last records
HEAR_SECONDS = 1.0  # between two looks at whether a signal came
SWITCH_SECONDS = 0.001  # so that a busy loop keeps the other threads waiting for less
FILES = 100  # besides connections
HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
)

logger = logging.getLogger(__name__)


def guarded_server(app: object, state: GuardedState, lifespan: bool) -> GuardedServer:
    """A server over an application, which has yet to run.

    Args:
        app: an ASGI application.
        state: its limits.
        lifespan: whether the application is told of start and end.
    """
    config = Config(
        app,  # type: ignore[arg-type]
        loop="uvloop",
        http=GuardedProtocol,
        ws="none",
        lifespan="on" if lifespan else "off",
        access_log=False,  # a request line may hold what it should not
        log_config=None,
        proxy_headers=False,  # anybody could send them
        server_header=False,
        headers=list(HEADERS),
        timeout_keep_alive=30,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    return GuardedServer(config, state)


def connections() -> int:
    """How many connections the process may hold at a time; raises its limit of open files first."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + FILES
    if hard == resource.RLIM_INFINITY or hard >= wanted:
        soft = max(soft, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(CONNECTIONS, max(soft - FILES, 1))


class Lifecycle:
    """Runs a server and the one that tells of its health, until SIGTERM or SIGINT.

    Args:
        server: answers requests.
        health: tells of its health.
        drain: is called at the signal, before anything else.
    """

    def __init__(
        self, server: GuardedServer, health: GuardedServer, drain: Callable[[], None]
    ) -> None:
        self.server, self.health, self.drain = server, health, drain
        self._asked = threading.Event()
        self._signals: list[int] = []
        self._failure: BaseException | None = None

    def run(self, listener: socket.socket, health_listener: socket.socket) -> None:
        """Serves; requests on their way at the signal are finished, within DRAIN_SECONDS.

        Ends the process with 1 when they cannot be: a thread that hangs is no reason to stay.

        Raises:
            KeyboardInterrupt: at SIGINT, once all is done.
        """
        sys.setswitchinterval(SWITCH_SECONDS)
        # or each collection of garbage would look through all of it again, for tens of milliseconds
        gc.collect()
        gc.freeze()
        before = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            told = self._thread(self.health, health_listener)
            served = self._thread(self.server, listener)
            while not self._asked.wait(HEAR_SECONDS):
                pass  # a signal may come to another thread, or behind another: then nothing wakes
            served.join(DRAIN_SECONDS + END_SECONDS)
            if served.is_alive():
                logger.error("something hangs: the process ends without its last record")
                os._exit(1)
            self.health.should_exit = True
            told.join(END_SECONDS)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self._failure is not None:
            raise self._failure
        if signal.SIGINT in self._signals:
            raise KeyboardInterrupt

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self.drain()
        self._signals.append(number)
        self.server.force_exit = len(self._signals) > 1 and number == signal.SIGINT
        self.server.should_exit = True
        self._asked.set()

    def _thread(self, server: GuardedServer, listener: socket.socket) -> threading.Thread:
        def serve() -> None:
            try:
                server.run(sockets=[listener])
            except BaseException as error:  # handed to the first thread
                self._failure = error
            finally:
                self.server.should_exit = True  # neither goes on alone
                self._asked.set()

        thread = threading.Thread(target=serve, name="serving", daemon=True)
        thread.start()
        return thread


def listen(host: str, port: int, flag: str = "--port") -> socket.socket:
    """A listening socket; UserError when the port is in use or may not be bound."""
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        raise UserError(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another with {flag}"
        ) from error
