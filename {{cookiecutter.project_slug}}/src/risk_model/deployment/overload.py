"""Relief under overload, so that refusals are not in the way of the requests that were taken on.

Each step of an answer waits for a turn of the loop, and in a turn every connection is read that has
something to say. When most of them are refused, and ask again at once, a turn is spent on refusals:
so the next request of a refused connection is read when it is its turn, and fewer are let in.
"""

from __future__ import annotations

import asyncio
from collections import deque

from uvicorn.protocols.http.flow_control import FlowControl

FEW = 32  # requests that are let in while more are refused than answered
# Refused connections that are read again in a turn: more make answers slow, fewer make refusals
# slow; benchmarks/overload.py of the template shows both.
READ_AGAIN = 96


class Relief:
    """What one server does about overload."""

    def __init__(self) -> None:
        self._paused: deque[tuple[asyncio.Transport, FlowControl]] = deque()
        self._refused, self._answered = 0, 0

    def pause(self, transport: asyncio.Transport, flow: FlowControl) -> None:
        """Reads the next request of a refused connection when it is its turn."""
        if transport.is_closing():
            return
        flow.pause_reading()
        self._paused.append((transport, flow))
        if len(self._paused) == 1:
            asyncio.get_running_loop().call_soon(self._read_again)

    def _read_again(self) -> None:
        for _ in range(min(READ_AGAIN, len(self._paused))):
            transport, flow = self._paused.popleft()
            if not transport.is_closing():
                flow.resume_reading()
        if self._paused:
            asyncio.get_running_loop().call_soon(self._read_again)

    def places(self, places: int, refused: int, answered: int) -> int:
        """How many requests to let in from now on.

        While most are refused, waiting longer buys nothing.

        Args:
            places: requests that may be let in.
            refused: requests that were refused so far.
            answered: requests that were answered so far.
        """
        more = refused - self._refused > max(answered - self._answered, FEW)
        self._refused, self._answered = refused, answered
        return min(places, FEW) if more else places
