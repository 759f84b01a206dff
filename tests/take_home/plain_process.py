"""Submitted files at work without a sandbox, for tests of what is judged: fast, and for own code.

A server process imports the large packages once; each file runs in a fork of it, over its own copy
of the reference's tree, and speaks as the sandbox does.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from take_home.tasks import PACKAGE, Task

LARGE = ["torch", "pandas", "sklearn.linear_model", "scipy.optimize", "onnxruntime", "onnx"]
LARGE += ["xgboost", "fastapi", "numba", "omegaconf", "torch.nn.functional"]


@dataclass(frozen=True)
class Reply:
    """A value, or why there is none."""

    value: Any
    problem: str = ""


class PlainProcess:
    """One process that runs one file."""

    def __init__(self, requests: Connection, replies: Connection, audit: Path) -> None:
        self.requests, self.replies, self.audit = requests, replies, audit
        self.problem = ""

    def ask(self, line: bytes, last: bool, seconds: float) -> Reply:
        """Sends one line and waits for its reply."""
        if not self.problem:
            os.write(self.requests.fileno(), line) if len(line) < 4096 else self._write(line)
            got, end = b"", time.monotonic() + seconds
            while not got.endswith(b"\n") and not self.problem:
                if not self.replies.poll(max(0.0, end - time.monotonic())):
                    self.problem = f"ran longer than {seconds:g} s"
                elif not (piece := os.read(self.replies.fileno(), 1 << 16)):
                    self.problem = "ended without an answer"
                else:
                    got += piece
        return Reply(None, self.problem) if self.problem else Reply(json.loads(got))

    def _write(self, line: bytes) -> None:
        view = memoryview(line)
        while view:
            view = view[os.write(self.requests.fileno(), view) :]

    def audit_files(self) -> dict[str, bytes]:
        """The audit folder as it is."""
        files = (path for path in self.audit.rglob("*") if path.is_file())
        return {str(path.relative_to(self.audit)): path.read_bytes() for path in files}


def forking() -> ForkServerContext:
    """What starts processes that have the large packages already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LARGE)
    return context


def public_checks(project: Path, name: str) -> int:
    """The exit status of pytest on one file of a candidate's tests, run in their project."""
    process = forking().Process(target=_pytest, args=(project, name))
    process.start()
    process.join()
    return process.exitcode if process.exitcode is not None else -1


def _pytest(project: Path, name: str) -> None:
    _settle(project)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.path = [str(project / "src"), *(p for p in sys.path if "cookiecutter" not in p)]
    import pytest

    os._exit(pytest.main(["-q", "--rootdir", str(project), "-c", "pyproject.toml", name]))


def plain_start(solved: Path) -> Callable[[Task, bytes], AbstractContextManager[PlainProcess]]:
    """What `grade` starts a process with; the tree is that of `reference_tree`."""
    context = forking()

    @contextmanager
    def start(task: Task, file: bytes) -> Iterator[PlainProcess]:
        with tempfile.TemporaryDirectory() as folder:
            tree, audit = Path(folder) / "tree", Path(folder) / "audit"
            shutil.copytree(solved, tree)
            audit.mkdir()
            (tree / "src" / PACKAGE / task.file).write_bytes(file)
            inside, requests = context.Pipe(duplex=False)
            replies, out = context.Pipe(duplex=False)
            process = context.Process(target=_run, args=(tree, audit, task.name, inside, out))
            process.start()
            inside.close()
            out.close()
            try:
                yield PlainProcess(requests, replies, audit)
            finally:
                process.kill()
                process.join()
                requests.close()
                replies.close()

    return start


def _settle(tree: Path) -> None:
    """Moves to a tree, quietly, without bytecode and without the template's own package."""
    os.chdir(tree)
    sys.dont_write_bytecode, sys.pycache_prefix = True, str(tree / "none")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    for name in [n for n in sys.modules if n.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def _run(tree: Path, audit: Path, task: str, requests: Connection, replies: Connection) -> None:
    """In the fork: what `python -B adapters.py DESCRIPTOR TASK` does in a process of its own."""
    _settle(tree)
    os.environ["TAKE_HOME_AUDIT"] = str(audit)
    os.dup2(requests.fileno(), 0)
    sys.stdin = os.fdopen(0, encoding="utf-8")
    sys.path = [str(tree), str(tree / "src"), *(p for p in sys.path if "cookiecutter" not in p)]
    import adapters  # type: ignore[import-not-found]

    assert Path(adapters.__file__).parent == tree
    adapters.main(replies.fileno(), task)
