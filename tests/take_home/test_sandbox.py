"""The sandbox answers honest questions, ends in time, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from take_home import bubblewrap, descriptors, watch
from take_home.sandbox import Limits, SandboxError

from tests.conftest import ROOT
from tests.take_home.asking import RIGHT, put_program, started
from tests.take_home.attacks import make_tree, processes_of
from tests.take_home.ordinary_user import as_ordinary_user


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "tree")


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    assert holds()


def test_each_request_gets_its_reply(tree: Path) -> None:
    with started(tree, RIGHT + "\nprint('hello')") as sandbox:
        replies = [sandbox.ask(json.dumps([n]).encode(), n == 2, 30) for n in range(3)]

    assert [r.value for r in replies] == [{"answer": [0]}, {"answer": [2]}, {"answer": [4]}]
    assert [r.problem for r in replies] == ["", "", ""]
    assert sandbox.log == "hello\n"


def test_a_long_request_and_much_output_do_not_wait_for_each_other(tree: Path) -> None:
    source = "print('x' * 1_000_000, flush=True)\ndef double(n): print('y' * 1_000_000); return n"
    numbers = list(range(200_000))
    with started(tree, source) as sandbox:
        reply = sandbox.ask(json.dumps(numbers).encode(), True, 30)

    assert len(json.dumps(numbers)) > 1 << 20
    assert reply.problem == "answered with more than 1 MB"
    assert len(sandbox.log) <= descriptors.LOG_BYTES


def test_a_long_request_that_is_read_in_part_ends_in_time(tree: Path) -> None:
    with started(tree, "import os, time\nos.read(0, 8192)\ntime.sleep(600)") as sandbox:
        reply = sandbox.ask(b"[" + b" " * (1 << 20) + b"]", True, 1)

    assert reply.problem == "ran longer than 1 s"


def test_what_is_printed_cannot_command_a_terminal(tree: Path) -> None:
    with started(tree, "print('\\x1b[2Jred\\u202e')\n" + RIGHT) as sandbox:
        sandbox.ask(b"[]", True, 30)

    assert sandbox.log == "\ufffd[2Jred\ufffd\n"


def test_after_a_problem_no_request_is_answered(tree: Path) -> None:
    with started(tree, "import time\ndef double(n):\n    if not n: time.sleep(60)") as sandbox:
        first = sandbox.ask(b"[]", False, 0.5)
        second = sandbox.ask(b"[1]", True, 30)

    assert first.problem == "ran longer than 0.5 s"
    assert second == first


def test_a_reply_left_over_answers_no_later_request(tree: Path) -> None:
    source = """
import os, sys, threading
def double(n):
    late = b'{"answer": [2]}\\n'
    threading.Timer(0.1, os.write, [int(sys.argv[1]), late]).start()
    return [2 * x for x in n]
"""
    with started(tree, source) as sandbox:
        first = sandbox.ask(b"[5]", False, 30)
        waiting = select.select([sandbox._pipes.reply], [], [], 20)[0]
        second = sandbox.ask(b"[1]", False, 30)
        third = sandbox.ask(b"[1]", True, 30)

    assert first.value == {"answer": [10]}
    assert waiting
    assert second.value is None
    assert second.problem == "answered before it was asked"
    assert third == second


def test_the_whole_sandbox_has_a_time_of_its_own(tree: Path) -> None:
    limits = Limits(wall=0.5)
    with started(tree, "import time\ndef double(n): time.sleep(60)", limits=limits) as sandbox:
        assert sandbox.ask(b"[]", True, 30).problem == "ran longer than 0.5 s in all"


def test_processor_time_is_limited_and_named(tree: Path) -> None:
    with started(tree, "def double(n):\n    while True: pass", limits=Limits(cpu=1)) as sandbox:
        assert sandbox.ask(b"[]", True, 60).problem == "used more than 1 s of processor time"


def test_memory_is_watched_while_nobody_waits_for_an_answer(tree: Path) -> None:
    source = """
import os, time
def double(n):
    for _ in range(5 if not n else 0):
        if os.fork() == 0:
            kept = b"x" * (100 << 20)
            time.sleep(60)
"""
    with started(tree, source) as sandbox:
        assert sandbox.ask(b"[]", False, 30).problem == ""
        wait_until(lambda: not watch.use(sandbox.first_process).processes)
        problem = sandbox.ask(b"[1]", True, 30).problem

    assert problem.startswith("used more than 300 MB of memory in ")


def test_a_sandbox_that_does_not_start_is_no_answer_of_the_candidate(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = bubblewrap.options
    monkeypatch.setattr(
        bubblewrap, "options", lambda *a: [*options(*a), "--ro-bind", "/missing", "/missing"]
    )
    with (
        pytest.raises(SandboxError, match="does not start: bwrap: Can't find source path /missing"),
        started(tree, RIGHT) as sandbox,
    ):
        sandbox.ask(b"[]", True, 30)


def test_a_bubblewrap_that_gives_up_late_is_no_answer_of_the_candidate(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = """
import os, sys, time
options = os.read(int(sys.argv[2]), 1 << 20).decode().split("\\0")
status = int(options[options.index("--json-status-fd") + 1])
os.write(status, b'{"child-pid": %d}\\n' % os.getpid())
sys.stdin.readline()
sys.exit("bwrap: setting up uid map: Permission denied")
"""
    (tmp_path / "late.py").write_text(program)
    put_program(tmp_path / "bwrap", f'#!/bin/sh\nexec {sys.executable} {tmp_path}/late.py "$@"\n')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with (
        pytest.raises(SandboxError, match=r"does not start: .*Permission denied\. Remedy: grade"),
        started(tree, RIGHT) as sandbox,
    ):
        sandbox.ask(b"[]", True, 30)


@pytest.mark.parametrize("ordinary", [False, True])
def test_a_killed_grader_takes_the_sandbox_with_it(ordinary: bool) -> None:
    program = """
import os, tempfile
from pathlib import Path
from take_home.sandbox import Sandbox
from tests.take_home.attacks import make_tree
source = b'''
import ctypes, os, time
def double(n):
    if n: time.sleep(600)
    ctypes.CDLL(None).prctl(1, 0)  # no signal when the parent ends
    if os.fork() == 0: os.setsid(); time.sleep(600)
'''
with tempfile.TemporaryDirectory() as folder:
    tree = make_tree(Path(folder) / "tree")
    with Sandbox(tree, {"answer.py": source}, "double") as sandbox:
        sandbox.ask(b"[]", False, 30)
        print(os.getpid(), Path(f"/proc/{sandbox.first_process}/ns/pid").readlink(), flush=True)
        sandbox.ask(b"[1]", True, 600)
"""
    command = [*(as_ordinary_user() if ordinary else []), sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as grader:
        assert grader.stdout is not None
        number, name = grader.stdout.readline().split()
        namespace = Path(name)
        assert processes_of(namespace)
        os.kill(int(number), signal.SIGKILL)

    wait_until(lambda: not processes_of(namespace))
