"""The sandbox answers honest questions, shows what it should, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from take_home import bubblewrap, descriptors, seccomp, watch
from take_home.sandbox import LIMITS, Limits, Sandbox, SandboxError

from tests.conftest import ROOT
from tests.take_home.attacks import SMALL, make_tree, processes_of
from tests.take_home.ordinary_user import as_ordinary_user

RIGHT = "def double(numbers): return [2 * n for n in numbers]"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "tree")


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


def test_the_submitted_file_stands_in_the_tree_for_this_sandbox_only(tree: Path) -> None:
    before = (tree / "answer.py").read_bytes()

    assert answer(tree, "def double(n): return open(__file__).read()") != before.decode()
    assert (tree / "answer.py").read_bytes() == before


def test_a_long_request_and_much_output_do_not_wait_for_each_other(tree: Path) -> None:
    source = "print('x' * 1_000_000, flush=True)\ndef double(n): print('y' * 1_000_000); return n"
    numbers = list(range(200_000))
    with started(tree, source) as sandbox:
        reply = sandbox.ask(json.dumps(numbers).encode(), True, 30)

    assert len(json.dumps(numbers)) > 1 << 20
    assert reply.problem == "answered with more than 1 MB"
    assert len(sandbox.log) <= descriptors.LOG_BYTES


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


def test_the_whole_sandbox_has_a_time_of_its_own(tree: Path) -> None:
    limits = Limits(wall=0.5)
    with started(tree, "import time\ndef double(n): time.sleep(60)", limits=limits) as sandbox:
        assert sandbox.ask(b"[]", True, 30).problem == "ran longer than 0.5 s in all"


def test_processor_time_is_limited_and_named(tree: Path) -> None:
    with started(tree, "def double(n):\n    while True: pass", limits=Limits(cpu=1)) as sandbox:
        assert sandbox.ask(b"[]", True, 60).problem == "used more than 1 s of processor time"


def test_only_the_pipes_are_open_inside(tree: Path) -> None:
    source = """
import os, sys
def double(n):
    kinds = {}
    for number in os.listdir("/proc/self/fd"):
        try: kinds[int(number)] = os.readlink(f"/proc/self/fd/{number}").partition(":")[0]
        except OSError: pass
    return [kinds.pop(int(sys.argv[1])), sorted(kinds), sorted(set(kinds.values()))]
"""
    assert answer(tree, source) == ["pipe", [0, 1, 2], ["pipe"]]


def test_nothing_of_the_grader_is_in_its_environment(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADING_SECRET", "x")

    inside = answer(tree, "import os\ndef double(n): return dict(os.environ)")

    assert inside == bubblewrap.ENVIRONMENT | {"PWD": "/tmp"}  # noqa: S108


def test_only_the_named_folders_are_seen_and_three_can_be_written(tree: Path) -> None:
    source = """
import os, sys
def double(n):
    written = []
    for folder, inner, _ in os.walk("/"):
        if folder in ("/proc", "/usr", sys.prefix, sys.base_prefix): inner.clear()
        try:
            os.close(os.open(folder + "/x", os.O_CREAT | os.O_WRONLY))
            written.append(folder)
        except OSError: pass
    return [os.listdir("/etc"), written]
"""
    with started(tree, source, audit=True) as sandbox:
        value = sandbox.ask(b"[]", True, 30).value

    assert isinstance(value, dict)
    seen, written = value["answer"]
    assert set(seen) <= {"ld.so.cache", "alternatives"}
    assert sorted(written) == ["/audit", "/dev/shm", "/tmp"]  # noqa: S108


def test_refused_system_calls_are_refused(tree: Path) -> None:
    column = list(seccomp.MACHINES).index(os.uname().machine)
    tables = (seccomp.REFUSED, seccomp.UNKNOWN)
    numbers = [{name: n[column] for name, n in table.items()} for table in tables]
    source = f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def error(number):
    ctypes.set_errno(0)
    return ctypes.get_errno() if libc.syscall(number, -1, -1, -1, -1, -1, -1) < 0 else 0
def double(n):
    return [{{name: error(number) for name, number in table.items()}} for table in {numbers}]
"""
    assert answer(tree, source) == [
        dict.fromkeys(seccomp.REFUSED, seccomp.EPERM),
        dict.fromkeys(seccomp.UNKNOWN, seccomp.ENOSYS),
    ]


def test_system_calls_of_ordinary_code_are_allowed(tree: Path) -> None:
    source = """
import asyncio, ctypes, multiprocessing, os, sqlite3, subprocess, threading
def double(n):
    asyncio.run(asyncio.sleep(0))
    thread = threading.Thread(target=print); thread.start(); thread.join()
    sqlite3.connect("/tmp/x.db").execute("create table t (a)")
    multiprocessing.Lock()
    return subprocess.run(["/bin/sh", "-c", "echo 1 && exit 3"], capture_output=True).returncode
"""
    assert answer(tree, source) == 3


def test_the_audit_is_read_between_requests_and_leads_nowhere(tree: Path) -> None:
    source = """
import os
def double(n):
    with open(f"/audit/{n[0]}", "w") as file: file.write("record")
    os.makedirs("/audit/a/b/c/d", exist_ok=True)
    for name in ("a/b/kept", "a/b/c/d/lost"): open("/audit/" + name, "w").close()
    for name in ("/etc/passwd", "/audit/1"):
        try: os.symlink(name, "/audit/link" + name.replace("/", "-"))
        except OSError: pass
    try: os.mkfifo("/audit/pipe")
    except OSError: pass
"""
    with started(tree, source, audit=True) as sandbox:
        before = sandbox.audit_files()
        sandbox.ask(b"[1]", False, 30)
        between = sandbox.audit_files()
        sandbox.ask(b"[2]", True, 30)
        after = sandbox.audit_files()

    assert before == {}
    assert between == {"1": b"record", "a/b/kept": b""}
    assert after == between | {"2": b"record"}


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


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("__pycache__", "could give an answer away"),
        ("answer.pyc", "could give an answer away"),
        (".git", "could give an answer away"),
        ("closed.py", "is closed to others: chmod"),
    ],
)
def test_a_tree_that_shows_too_much_or_too_little_is_refused(
    tree: Path, path: str, reason: str
) -> None:
    (tree / path).touch(mode=0o600)

    with pytest.raises(SandboxError, match=reason), started(tree, RIGHT):
        pass


@pytest.mark.parametrize("path", ["new.py", "/etc/passwd", "../tree/answer.py"])
def test_a_file_that_stands_for_none_in_the_tree_is_refused(tree: Path, path: str) -> None:
    with pytest.raises(SandboxError, match="has no file"), Sandbox(tree, {path: b""}, "double"):
        pass


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


def test_python_may_lie_in_a_folder_that_is_closed_to_others(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", closed / "v"], check=True)

    process = subprocess.run(
        [closed / "v/bin/python", "-m", "tests.take_home.attacks", "NaN and infinite"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(process.stdout)["problems"] == ["", ""]
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.slow
def test_the_libraries_of_the_tasks_run_within_the_limits(tree: Path) -> None:
    source = """
import numpy, pandas, scipy.optimize, sklearn.linear_model, torch
def double(n):
    x = numpy.random.default_rng(0).normal(size=(5000, 20))
    y = x[:, 0] > 0
    sklearn.linear_model.LogisticRegression().fit(pandas.DataFrame(x), y)
    scipy.optimize.minimize(lambda b: b @ b, numpy.ones(3))
    layer = torch.nn.Linear(20, 64)
    layer(torch.from_numpy(x).float()).sum().backward()
    return float((torch.ones(500, 500) @ torch.ones(500, 500))[0, 0])
"""
    with started(tree, source, limits=LIMITS) as sandbox:
        reply = sandbox.ask(b"[]", True, 120)

    assert reply.value == {"answer": 500.0}, (reply.problem, sandbox.log)
