"""Accepting connections, many at a time.

uvloop accepts one connection in each turn of its loop. Under overload a turn takes tens of
milliseconds, so that whoever comes waits for seconds behind a few hundred others, only to be told
that there is no place. Here all that wait are accepted in one turn.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

TOGETHER = 128  # connections that are accepted in one turn of the loop
PAUSE_SECONDS = 1.0  # when the process may open no more files


class Acceptor:
    """Accepts the connections of a listening socket; to be used as a server of uvicorn."""

    def __init__(self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        self.listener, self.protocol = listener, protocol
        self.loop, self.closed = asyncio.get_running_loop(), False
        self._tasks: set[asyncio.Task[object]] = set()
        listener.setblocking(False)
        self._watch()

    def close(self) -> None:
        """Accepts nobody any more."""
        self.closed = True
        self.loop.remove_reader(self.listener)

    async def wait_closed(self) -> None:
        """There is nothing to wait for."""

    def _watch(self) -> None:
        if not self.closed:
            self.loop.add_reader(self.listener, self._accept)

    def _accept(self) -> None:
        for _ in range(TOGETHER):
            try:
                connection, _ = self.listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:
                self.loop.remove_reader(self.listener)
                self.loop.call_later(PAUSE_SECONDS, self._watch)
                return
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made = self.loop.connect_accepted_socket(self.protocol, connection)
            task: asyncio.Task[object] = self.loop.create_task(made)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
