"""What is seen, open and allowed inside the sandbox, and what of it is read from outside."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from take_home import bubblewrap, seccomp
from take_home.sandbox import LIMITS, Sandbox, SandboxError

from tests.conftest import ROOT
from tests.take_home.asking import RIGHT, answer, started
from tests.take_home.attacks import make_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "tree")


def test_the_submitted_file_stands_in_the_tree_for_this_sandbox_only(tree: Path) -> None:
    before = (tree / "answer.py").read_bytes()

    assert answer(tree, "def double(n): return open(__file__).read()") != before.decode()
    assert (tree / "answer.py").read_bytes() == before


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
