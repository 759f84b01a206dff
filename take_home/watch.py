"""What a process and all below it use, seen from outside: memory and their number.

A limit of the kernel holds for one process each; this is what holds for all of them together, also
while nobody waits for an answer.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from take_home.bubblewrap import Limits

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Use:
    """What a sandbox uses now.

    Attributes:
        memory: resident memory, bytes; a page that several processes share is counted in each.
        processes: their number.
        cpu: processor time of the process that had most, seconds.
    """

    memory: int
    processes: int
    cpu: float


@dataclass(frozen=True)
class _Process:
    """One process, by the fields of `/proc/PID/stat` (proc(5))."""

    number: int
    parent: int
    memory: int
    cpu: float


def use(first: int) -> Use:
    """What the process `first` and its descendants use; nothing once it has ended."""
    members = list(_family(first))
    cpu = max((member.cpu for member in members), default=0.0)
    return Use(sum(member.memory for member in members), len(members), cpu)


class Watch(threading.Thread):
    """Ends a process, and so its namespace, when it and all below it use too much.

    Args:
        first: the process's number.
        descriptor: of the same process (pidfd), which must stay open until the watch has stopped.
        limits: of which memory, processes and processor time are watched.
    """

    def __init__(self, first: int, descriptor: int, limits: Limits) -> None:
        super().__init__(daemon=True)
        self.first, self.descriptor, self.limits = first, descriptor, limits
        self.problem = ""
        self._over = threading.Event()

    def run(self) -> None:
        """Looks again and again until it is stopped or has found a problem."""
        while not self._over.wait(LOOK_SECONDS):
            problem = self._excess(use(self.first))
            if problem:
                self.problem = problem
                signal.pidfd_send_signal(self.descriptor, signal.SIGKILL)
                return

    def stop(self) -> None:
        """Waits until it looks no more."""
        self._over.set()
        self.join()

    def _excess(self, used: Use) -> str:
        """What is used beyond the limits, or nothing."""
        if used.memory > self.limits.memory:
            limit = self.limits.memory >> 20
            return f"used more than {limit:,} MB of memory in {used.processes} processes"
        if used.processes > self.limits.processes + 1:  # one is bubblewrap's
            return f"ran more than {self.limits.processes} processes at one time"
        if used.cpu > self.limits.cpu:
            return f"used more than {self.limits.cpu} s of processor time"
        return ""


def _family(first: int) -> Iterator[_Process]:
    """The process and all below it. One whose parent ended belongs to process 1 of its namespace,
    which `first` is or stands above.
    """
    children: dict[int, list[_Process]] = {}
    waiting = []
    for process in _processes():
        children.setdefault(process.parent, []).append(process)
        if process.number == first:
            waiting.append(process)
    while waiting:
        process = waiting.pop()
        yield process
        waiting += children.get(process.number, [])


def _processes() -> Iterator[_Process]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                # The name of the program, in brackets, may hold spaces and brackets.
                fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
                cpu = (int(fields[11]) + int(fields[12])) / TICKS
                yield _Process(int(folder.name), int(fields[1]), int(fields[21]) * PAGE, cpu)
