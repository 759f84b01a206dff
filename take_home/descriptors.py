"""The pipes to and from a sandboxed process, so that neither side waits for the other."""

from __future__ import annotations

import contextlib
import os
import select
from dataclasses import dataclass

CHUNK = 1 << 16
FULL_PIPE = 2 << 20  # twice what one may hold (pipe(7), pipe-max-size)
LOG_BYTES = 4000


def content(data: bytes) -> int:
    """A descriptor at the start of these bytes, which lie in no file."""
    descriptor = os.memfd_create("content")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


@dataclass
class Pipes:
    """The grader's ends of three pipes.

    Attributes:
        request: written to; -1 once closed.
        reply: read; -1 once all writers have closed it.
        output: what the process prints, read; -1 as above.
        log: the last bytes that it printed.
    """

    request: int
    reply: int
    output: int
    log: bytes = b""

    def __post_init__(self) -> None:
        os.set_blocking(self.request, False)

    def step(self, unsent: bytes, seconds: float) -> tuple[bytes, bytes]:
        """Sends and receives what is possible now.

        Args:
            unsent: what is still to be written.
            seconds: how long to wait for anything to happen.

        Returns:
            What is still to be written, and what came by the pipe of the replies.
        """
        readable = [d for d in (self.reply, self.output) if d >= 0]
        writable = [self.request] if unsent and self.request >= 0 else []
        reading, writing, _ = select.select(readable, writable, [], seconds)
        if writing:
            unsent = self._send(unsent)
        if self.output in reading:
            self._print()
        return unsent, self._receive() if self.reply in reading else b""

    def has_reply(self) -> bool:
        """Whether bytes wait that nobody asked for. They are lost."""
        ready = self.reply >= 0 and select.select([self.reply], [], [], 0)[0]
        return bool(ready) and bool(self._receive())

    def close_request(self) -> None:
        """Tells the process that no request follows."""
        self.request = _closed(self.request)

    def close(self) -> None:
        """Keeps what was printed last, and closes all pipes."""
        for _ in range(FULL_PIPE // CHUNK):
            if self.output < 0 or not select.select([self.output], [], [], 0)[0]:
                break
            self._print()
        self.close_request()
        self.reply, self.output = _closed(self.reply), _closed(self.output)

    def _send(self, unsent: bytes) -> bytes:
        try:
            return unsent[os.write(self.request, unsent[:CHUNK]) :]
        except BlockingIOError:
            return unsent
        except BrokenPipeError:  # it reads no more; whether it answers is another matter
            self.close_request()
            return b""

    def _receive(self) -> bytes:
        piece = os.read(self.reply, CHUNK)
        if not piece:
            self.reply = _closed(self.reply)
        return piece

    def _print(self) -> None:
        piece = os.read(self.output, CHUNK)
        if not piece:
            self.output = _closed(self.output)
        self.log = (self.log + piece)[-LOG_BYTES:]


def _closed(descriptor: int) -> int:
    if descriptor >= 0:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    return -1
