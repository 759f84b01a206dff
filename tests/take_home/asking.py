"""A sandbox with an answer to the smallest task, as the tests start it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from take_home.sandbox import Limits, Sandbox

from tests.take_home.attacks import SMALL

RIGHT = "def double(numbers): return [2 * n for n in numbers]"


@contextlib.contextmanager
def started(
    tree: Path, source: str, audit: bool = False, limits: Limits = SMALL
) -> Iterator[Sandbox]:
    with Sandbox(tree, {"answer.py": source.encode()}, "double", audit, limits) as sandbox:
        yield sandbox


def answer(tree: Path, source: str, limits: Limits = SMALL) -> object:
    """What `double` answers to no numbers."""
    with started(tree, source, limits=limits) as sandbox:
        reply = sandbox.ask(b"[]", True, 30)
        assert isinstance(reply.value, dict), (reply.problem, sandbox.log)
        return reply.value.get("answer", reply.value)


def put_program(path: Path, text: str) -> None:
    """A program of that name."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
