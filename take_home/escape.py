"""Attempts to escape from the sandbox, made inside it in the adapter's place before each grading.

It is shown alone at `/tree/adapters.py`, so it uses the standard library only. Each attempt returns
what it achieved, or nothing when the sandbox held. Where there is no sandbox, an attempt leaves
nothing behind: what it creates it removes, what it starts it ends, what it may end is the probe's.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import mmap
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypedDict

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
CHILDREN = 4


class Targets(TypedDict):
    """What the probe names in its request.

    Attributes:
        secrets: paths outside that must not be read.
        variables: names that the environment may hold.
        packages: that may lie in the tree only.
        port, name: of the grader's listeners, TCP and abstract.
        victim, token: number of a process of the grader, and a text in its command line.
        processes, memory, file: the limits.
    """

    secrets: list[str]
    variables: list[str]
    packages: list[str]
    port: int
    name: str
    victim: int
    token: str
    processes: int
    memory: int
    file: int


def reads(targets: Targets) -> str:
    """Files of the grader, by their own path and by the first process's root."""
    for path in targets["secrets"]:
        for place in (Path(path), Path(f"/proc/1/root{path}")):
            with contextlib.suppress(OSError):
                place.read_bytes()
                return f"reads {place}"
    return ""


def reads_environment(targets: Targets) -> str:
    """The grader's environment, here or kept by bubblewrap."""
    names = set(os.environ)
    with contextlib.suppress(OSError):
        entries = Path("/proc/1/environ").read_text(errors="replace").split("\0")
        names |= {entry.partition("=")[0] for entry in entries if entry}
    foreign = sorted(names - set(targets["variables"]))
    return f"reads the environment of the grader ({foreign[0]})" if foreign else ""


def finds_a_copy(targets: Targets) -> str:
    """The reference's package, installed where the interpreter finds it."""
    for folder in map(Path, sys.path):
        for package in targets["packages"]:
            if not folder.is_relative_to("/tree") and (folder / package).exists():
                return f"reads a copy of {package} in {folder}"
    return ""


def writes(targets: Targets) -> str:
    """A file beside the package, beside Python, at the root or beside a secret."""
    folders = ["/tree", sys.prefix, sys.base_prefix, "/usr", "/", "/dev"]
    folders += [os.path.dirname(path) for path in targets["secrets"]]  # noqa: PTH120
    for folder in folders:
        path = f"{folder}/escaped-{os.getpid()}"
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            os.unlink(path)  # noqa: PTH108
            return f"writes to {folder}"
    with contextlib.suppress(OSError), open(__file__, "ab"):  # noqa: PTH123
        return f"writes to {__file__}"
    return ""


def fills(targets: Targets) -> str:
    """More bytes than a file may hold, and than a folder may hold."""
    files = [Path(f"/tmp/escaped-{os.getpid()}-{i}") for i in range(2)]  # noqa: S108
    written = 0
    for file in files:
        with contextlib.suppress(OSError):
            written += file.write_bytes(bytes(targets["file"] * 3 // 4))
    with contextlib.suppress(OSError):
        written += files[0].write_bytes(bytes(targets["file"] * 5 // 4))
    for file in files:
        file.unlink(missing_ok=True)
    return f"writes {written >> 20} MB" if written > targets["file"] else ""


def connects(targets: Targets) -> str:
    """The grader's listeners."""
    addresses = (
        (socket.AF_INET, ("127.0.0.1", targets["port"])),
        (socket.AF_UNIX, f"\0{targets['name']}"),
    )
    for family, address in addresses:
        with contextlib.suppress(OSError), socket.socket(family) as connection:
            connection.settimeout(5)
            connection.connect(address)
            return f"connects to the grader at {address!r}"
    with contextlib.suppress(OSError):
        lines = Path("/proc/net/dev").read_text().splitlines()[2:]
        others = [n for n in (line.partition(":")[0].strip() for line in lines) if n != "lo"]
        return f"sees the network interface {others[0]}" if others else ""
    return ""


def sees_processes(targets: Targets) -> str:
    """A process of the grader."""
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if targets["token"].encode() in (folder / "cmdline").read_bytes():
                return f"sees process {folder.name} of the grader"
    return ""


def signals(targets: Targets) -> str:
    """A process of the grader, unless its number is by chance one of the sandbox's own."""
    if targets["victim"] in (1, os.getpid()):
        return ""
    try:
        os.kill(targets["victim"], signal.SIGKILL)
    except OSError:
        return ""
    return "ends a process of the grader"


def is_privileged(targets: Targets) -> str:
    """Root, capabilities, ways to more of them, no filter of system calls."""
    if 0 in (os.getuid(), os.geteuid(), os.getgid(), os.getegid()):
        return "is root"
    lines = Path("/proc/self/status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    kinds = ("CapInh", "CapPrm", "CapEff", "CapAmb")
    held = [kind for kind in kinds if int(status[kind], 16)]
    if held:
        return f"has capabilities ({held[0]})"
    if status["NoNewPrivs"] != "1":
        return "may gain privileges from a program"
    return "" if status["Seccomp"] == "2" else "makes system calls unfiltered"


def makes_refused_calls(targets: Targets) -> str:
    """System calls that the filter refuses: memory that no limit counts, a namespace of its own."""
    with contextlib.suppress(OSError):
        os.close(os.memfd_create("escaped"))
        return "makes memory that no limit counts"
    child = os.fork()
    if child == 0:
        os._exit(ctypes.CDLL(None).unshare(CLONE_NEWUSER) == 0)
    return "makes a user namespace" if os.waitpid(child, 0)[1] else ""


def takes_memory(targets: Targets) -> str:
    """As much address space as one process may have, and so more than that."""
    try:
        mmap.mmap(-1, targets["memory"]).close()
    except (OSError, MemoryError):
        return ""
    return f"takes {targets['memory'] >> 20} MB in one process"


def forks(targets: Targets) -> str:
    """Eight processes more than allowed."""
    children = list(_children(targets["processes"] + 8, time.sleep, 10))
    running = len(children)
    _end(children)
    return f"runs {running} processes" if running > targets["processes"] else ""


def takes_memory_together(targets: Targets) -> str:
    """More memory than allowed, over several processes, for seconds in which the grader sees it."""
    children = list(_children(CHILDREN, _hold, targets["memory"] * 5 // 4 // CHILDREN))
    time.sleep(5)
    _end(children)
    return ""


Attempt = Callable[[Targets], str]
# The grader's watch may end the sandbox in the last two rounds, and with it what was not told yet.
ROUNDS: tuple[tuple[Attempt, ...], ...] = (
    (
        reads,
        reads_environment,
        finds_a_copy,
        writes,
        fills,
        connects,
        sees_processes,
        signals,
        is_privileged,
        makes_refused_calls,
        takes_memory,
    ),
    (forks,),
    (takes_memory_together,),
)


def _hold(memory: int) -> None:
    held = bytearray(memory)
    for page in range(0, memory, mmap.PAGESIZE):
        held[page] = 1
    time.sleep(20)


def _children(count: int, work: Callable[[int], None], argument: int) -> Iterator[int]:
    """Children that work and end; fewer where the kernel refuses more."""
    for _ in range(count):
        try:
            child = os.fork()
        except OSError:
            return
        if child == 0:
            # Refused inside the sandbox; elsewhere no child outlives its parent.
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            try:
                work(argument)
            finally:
                os._exit(0)
        yield child


def _end(children: list[int]) -> None:
    for child in children:
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def main() -> None:
    """Answers each request with what the attempts of its round achieved."""
    for line in sys.stdin:
        request = json.loads(line)
        tried = (attempt(request["targets"]) for attempt in ROUNDS[request["round"]])
        os.write(int(sys.argv[1]), json.dumps([text for text in tried if text]).encode() + b"\n")


if __name__ == "__main__":
    main()
