"""Hostile answers, each as a submitted file in the sandbox; also a program that runs one of them.

`python -m tests.take_home.attacks NAME` prints what came of it as JSON, so that a test can do it as
another user. The task is to double numbers; the adapter and the tree are the smallest possible.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from take_home.sandbox import LIMITS, Sandbox

from tests.take_home.hostile import ATTACKS

ADAPTER = """
import json, os, sys
try:
    from answer import double
except Exception as error:
    double = None
for line in sys.stdin:
    try:
        reply = {"answer": double(json.loads(line))}
    except Exception as error:
        reply = {"raised": type(error).__name__}
    os.write(int(sys.argv[1]), json.dumps(reply).encode() + b"\\n")
"""
SMALL = replace(
    LIMITS, cpu=30, wall=60.0, memory=300 << 20, processes=24, file=8 << 20, reply=1 << 20
)


@dataclass(frozen=True)
class Outcome:
    """What came of an attack.

    Attributes:
        right: how many of the two requests were answered rightly.
        problems: of the two replies.
        harm: what was harmed outside, in words.
        left: processes of the sandbox that still run.
        log: what it printed.
    """

    right: int
    problems: tuple[str, ...]
    harm: tuple[str, ...]
    left: tuple[int, ...]
    log: str


def make_tree(folder: Path) -> Path:
    """The reference's project of the task."""
    folder.mkdir()
    (folder / "adapters.py").write_text(ADAPTER)
    (folder / "answer.py").write_text("def double(numbers):\n    return [2 * n for n in numbers]\n")
    for place in (folder, *folder.iterdir()):
        place.chmod(0o755)
    return folder


class Outside:
    """What an attack must not reach: a secret file, listeners, a process, the environment."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self.token = secrets.token_hex(8)
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="outside")))
        self.folder.chmod(0o777)  # nothing but the sandbox protects it
        self.tree = make_tree(self.folder / "tree")
        self.secret = self.folder / "key.json"
        self.secret.write_text(json.dumps({"key": self.token}))
        self.before = self._contents()
        self.tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        self.abstract.bind(f"\0{self.token[::-1]}")
        self.abstract.listen()
        waits = ["sh", "-c", "read nothing"]
        self.victim = stack.enter_context(subprocess.Popen(waits, stdin=subprocess.PIPE))
        stack.callback(self.victim.kill)
        os.environ["GRADING_SECRET"] = self.token

    def names(self) -> dict[str, str]:
        """What an attack is told, as if it had guessed."""
        return {
            "SECRET": str(self.secret),
            "PORT": str(self.tcp.getsockname()[1]),
            "NAME": self.token[::-1],
            "VICTIM": str(self.victim.pid),
            "GRADER": str(os.getpid()),
        }

    def harm(self, said: str) -> tuple[str, ...]:
        """What was reached, by traces out here and by what the attack said."""
        reached = []
        for listener in (self.tcp, self.abstract):
            listener.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                listener.accept()[0].close()
                reached.append("a connection")
        if self.victim.poll() is not None:
            reached.append("another process")
        if self._contents() != self.before:
            reached.append("a file")
        if self.token in said:
            reached.append("the secret")
        return tuple(reached)

    def _contents(self) -> dict[str, tuple[bytes, float]]:
        files = sorted(p for p in self.folder.rglob("*") if p.is_file())
        return {str(p): (p.read_bytes(), p.stat().st_mtime) for p in files}


def processes_of(namespace: Path) -> tuple[int, ...]:
    """Processes in a namespace of process numbers; not those that ended and wait to be collected by
    this machine's first process.
    """
    members = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and (folder / "ns/pid").readlink() == namespace:
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                members += [int(folder.name)] * (state not in "ZX")
    return tuple(members)


def attack(name: str) -> Outcome:
    """Runs a hostile answer, with two requests."""
    with contextlib.ExitStack() as stack:
        outside = Outside(stack)
        source = ATTACKS[name].whole_source
        for key, value in outside.names().items():
            source = source.replace(f"<{key}>", value)
        files = {"answer.py": source.encode()}
        right, problems = 0, []
        with Sandbox(outside.tree, files, "double", audit=True, limits=SMALL) as sandbox:
            namespace = Path(f"/proc/{sandbox.first_process}/ns/pid").readlink()
            for last in (False, True):
                numbers = [secrets.randbelow(10**6) for _ in range(3)]
                line = json.dumps(numbers).encode()
                reply = sandbox.ask(line, last, ATTACKS[name].seconds)
                right += reply.value == {"answer": [2 * n for n in numbers]}
                problems.append(reply.problem)
            said = json.dumps(reply.value) + sandbox.log + repr(sandbox.audit_files())
        return Outcome(
            right,
            tuple(problems),
            outside.harm(said + sandbox.log),
            processes_of(namespace),
            sandbox.log,
        )


if __name__ == "__main__":
    print(json.dumps(asdict(attack(sys.argv[1])) | {"user": os.geteuid()}))
