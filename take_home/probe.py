"""The probe: before each grading, the very sandbox is attacked, and any success stops the grading.

Nothing is concluded from programs or versions that are present. `escape.py` runs where the adapter
would run, with the same options and smaller limits, and tries what a hostile answer would try.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from take_home import bubblewrap, escape
from take_home.sandbox import LIMITS, Sandbox, SandboxError

# The same limits by the same means, of a size that is reached in a moment.
SMALL = replace(LIMITS, cpu=30, wall=60.0, memory=256 << 20, processes=8, file=4 << 20)
SECONDS = 50.0
MOST_SECRETS = 5


def probe(tree: Path, hidden: Path) -> None:
    """Attacks the sandbox.

    Args:
        tree: the project that the sandbox shows.
        hidden: a file that a submission must not read, such as the key, or a folder of such files.

    Raises:
        SandboxError: it does not start, or something escaped: what, and the remedy. Nothing may be
            graded then.
    """
    with _targets(tree, hidden) as (targets, outside):
        source = Path(escape.__file__).read_bytes()
        with Sandbox(tree, {"adapters.py": source}, "probe", audit=True, limits=SMALL) as sandbox:
            achieved = _achieved(sandbox, targets)
        achieved += outside.achieved()
    if achieved:
        raise SandboxError(
            f"The sandbox does not hold, so nothing is graded: what runs in it {_list(achieved)}. "
            f"Remedy: {_remedy(achieved)}"
        )


class _Outside:
    """What an escape would reach: two listeners, a process and a file."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self.token = secrets.token_hex(8)
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.folder.chmod(0o755)
        self.canary = self.folder / "canary"
        self.canary.write_text(self.token)
        self.canary.chmod(0o644)
        self.tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        self.abstract.bind(f"\0{self.token}")
        self.abstract.listen()
        waits = ["sh", "-c", "read nothing", f"victim-{self.token}"]
        self.victim = stack.enter_context(subprocess.Popen(waits, stdin=subprocess.PIPE))
        stack.callback(self.victim.kill)

    def achieved(self) -> list[str]:
        """What happened out here, whatever the inside says."""
        seen = []
        for listener in (self.tcp, self.abstract):
            listener.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                listener.accept()[0].close()
                seen.append("connected to the grader")
        if self.victim.poll() is not None:
            seen.append("ended a process of the grader")
        if self.canary.read_text() != self.token or len(list(self.folder.iterdir())) != 1:
            seen.append("wrote into a folder of the grader")
        return seen


@contextlib.contextmanager
def _targets(tree: Path, hidden: Path) -> Iterator[tuple[escape.Targets, _Outside]]:
    files = [hidden] if hidden.is_file() else (p for p in hidden.rglob("*") if p.is_file())
    looked_for = list(itertools.islice(files, MOST_SECRETS))
    if not looked_for:
        raise SandboxError(f"The probe needs a hidden file to look for: {hidden} has none")
    with contextlib.ExitStack() as stack:
        outside = _Outside(stack)
        yield (
            escape.Targets(
                secrets=[str(file.resolve()) for file in (*looked_for, outside.canary)],
                variables=[*bubblewrap.ENVIRONMENT, "PWD"],
                packages=[p.name for p in (tree / "src").glob("*") if p.suffix != ".egg-info"],
                port=outside.tcp.getsockname()[1],
                name=outside.token,
                victim=outside.victim.pid,
                token=outside.token,
                processes=SMALL.processes,
                memory=SMALL.memory,
                file=SMALL.file,
            ),
            outside,
        )


def _achieved(sandbox: Sandbox, targets: escape.Targets) -> list[str]:
    """What the attempts of the first round that achieves anything achieve.

    Raises:
        SandboxError: they report nothing that can be understood.
    """
    for number in range(len(escape.ROUNDS)):
        request = json.dumps({"round": number, "targets": targets}).encode()
        is_last = number == len(escape.ROUNDS) - 1
        reply = sandbox.ask(request, is_last, SECONDS)
        if is_last and " MB of memory in " in reply.problem:
            return []
        if reply.problem.startswith("ran more than"):
            return [f"runs more than {SMALL.processes} processes"]
        if not isinstance(reply.value, list):
            said = reply.problem or sandbox.log.strip()
            raise SandboxError(
                f"The sandbox does not work, so nothing is graded: its probe {said}. "
                f"Remedy: {bubblewrap.remedy(sandbox.log)}"
            )
        achieved = [str(text) for text in reply.value]
        if achieved:  # what does not hold is not given memory to take
            return achieved
    return [f"takes {SMALL.memory >> 20} MB over several processes"]


def _list(achieved: list[str]) -> str:
    return ", ".join(dict.fromkeys(achieved))


def _remedy(achieved: list[str]) -> str:
    copies = [text.split()[4] for text in achieved if text.startswith("reads a copy of")]
    if copies:
        return f"pip uninstall {copies[0]} from the Python that grades"
    return (
        f"use Linux 5.14 or newer, and in place of {shutil.which('bwrap')} the bubblewrap of a "
        "distribution, 0.8 or newer"
    )
