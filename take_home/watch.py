"""What a process and all below it use, seen from outside: memory and their number.

A limit of the kernel holds for one process each; this is what holds for all of them together.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Use:
    """What a sandbox uses now.

    Attributes:
        memory: resident memory, bytes; a page that several processes share is counted in each.
        processes: their number.
    """

    memory: int
    processes: int


def use(first: int) -> Use:
    """What the process `first` and its descendants use; nothing once it has ended."""
    members = list(_descendants(first))
    return Use(sum(map(_resident, members)), len(members))


def _descendants(first: int) -> Iterator[int]:
    """The process and all below it. One whose parent ended belongs to process 1 of its namespace,
    which `first` is or stands above.
    """
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            children.setdefault(_parent(folder), []).append(int(folder.name))
    waiting = [first] if Path(f"/proc/{first}").exists() else []
    while waiting:
        process = waiting.pop()
        yield process
        waiting += children.get(process, [])


def _parent(folder: Path) -> int:
    try:
        # The name of the program, in brackets, may hold spaces and brackets.
        return int((folder / "stat").read_bytes().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_bytes().split()[1]) * PAGE
    except OSError:
        return 0
