"""The probe lets a sandbox pass that holds, and names what escapes from any other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from take_home import bubblewrap, escape, seccomp, watch
from take_home.probe import probe
from take_home.sandbox import SandboxError

from tests.conftest import ROOT
from tests.take_home import fake_bwrap
from tests.take_home.asking import put_program
from tests.take_home.attacks import make_tree
from tests.take_home.ordinary_user import as_ordinary_user

IS_ROOT = os.geteuid() == 0
ALLOW_ALL = b"\x06\0\0\0\0\0\xff\x7f"
Options = list[str]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "tree")


@pytest.fixture
def hidden(tmp_path: Path) -> Path:
    folder = tmp_path / "ada"
    folder.mkdir(mode=0o777)
    (folder / "key.json").write_text("{}")
    return folder


def test_the_sandbox_holds(tree: Path, hidden: Path) -> None:
    probe(tree, hidden)
    probe(tree, hidden / "key.json")


def test_the_sandbox_of_an_ordinary_user_holds() -> None:
    program = """
import os, tempfile
from pathlib import Path
from typing import Any
from take_home.probe import probe
from tests.take_home.asking import put_program
from tests.take_home.attacks import make_tree
assert os.geteuid() != 0
with tempfile.TemporaryDirectory() as folder:
    (Path(folder) / "key.json").write_text("{}")
    probe(make_tree(Path(folder) / "tree"), Path(folder) / "key.json")
"""
    command = [*as_ordinary_user(), sys.executable, "-c", program]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert process.returncode == 0, process.stderr


def without(*names: str) -> Callable[[Options, Path], Options]:
    """Options without some that stand alone."""
    return lambda options, hidden: [o for o in options if o not in names]


def with_hidden(kind: str) -> Callable[[Options, Path], Options]:
    """Options that show the hidden folder at its own place."""

    def changed(options: Options, hidden: Path) -> Options:
        at = options.index("--remount-ro")
        parents = list(reversed(hidden.parents))[2:]
        opened = [o for p in parents for o in ("--perms", "0755", "--dir", str(p))]
        return [*options[:at], *opened, kind, str(hidden), str(hidden), *options[at:]]

    return changed


def with_variable(options: Options, hidden: Path) -> Options:
    return [*options, "--setenv", "TOKEN", "x"]


def unlimited_folders(options: Options, hidden: Path) -> Options:
    return [o for i, o in enumerate(options) if "--size" not in (o, options[max(i - 1, 0)])]


def writable_tree(options: Options, hidden: Path) -> Options:
    at = options.index(bubblewrap.TREE) - 2
    return [*options[:at], "--bind", *options[at + 1 :]]


@pytest.mark.parametrize(
    ("change", "achieved"),
    [
        (without("--unshare-net"), r"connects to the grader at \('127"),
        (without("--unshare-pid", "--as-pid-1"), "sees process [0-9]+ of the grader"),
        (with_hidden("--ro-bind"), "reads .*key.json"),
        (with_hidden("--bind"), "reads .*key.json, .*writes to .*ada"),
        (with_variable, r"reads the environment of the grader \(TOKEN\)"),
        (writable_tree, "writes to /tree"),
        (unlimited_folders, "writes 6 MB"),
    ],
)
def test_an_option_that_is_missing_is_noticed(
    tree: Path,
    hidden: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Options, Path], Options],
    achieved: str,
) -> None:
    for folder in (tree, hidden):
        folder.chmod(0o777)
    options = bubblewrap.options

    def changed(*arguments: Any) -> Options:
        return change(options(*arguments), hidden)

    monkeypatch.setattr(bubblewrap, "options", changed)

    with pytest.raises(SandboxError, match=f"does not hold.* {achieved}.* Remedy: use Linux 5"):
        probe(tree, hidden)


def test_what_happened_outside_counts_whatever_is_said_inside(
    tree: Path, hidden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(escape.__file__).read_text(encoding="utf-8")
    silent = source.replace('return f"connects to the grader at {address!r}"', "break")
    assert silent != source
    (tmp_path / "silent.py").write_text(silent)
    monkeypatch.setattr(escape, "__file__", str(tmp_path / "silent.py"))
    options = bubblewrap.options
    monkeypatch.setattr(
        bubblewrap, "options", lambda *a: [o for o in options(*a) if o != "--unshare-net"]
    )

    with pytest.raises(SandboxError, match="connected to the grader"):
        probe(tree, hidden)


@pytest.mark.parametrize(
    ("start", "achieved"),
    [
        ("--as=", "takes 256 MB in one process"),
        ("--nproc=", "runs 16 processes|runs more than 8 processes"),
        *([("--reuid=", "is root")] if IS_ROOT else []),
    ],
)
def test_a_limit_that_is_not_set_is_noticed(
    tree: Path, hidden: Path, monkeypatch: pytest.MonkeyPatch, start: str, achieved: str
) -> None:
    command = bubblewrap.command
    monkeypatch.setattr(
        bubblewrap, "command", lambda *a: [c for c in command(*a) if not c.startswith(start)]
    )

    with pytest.raises(SandboxError, match=achieved):
        probe(tree, hidden)


def test_a_filter_that_allows_everything_is_noticed(
    tree: Path, hidden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seccomp, "program", lambda: ALLOW_ALL)

    with pytest.raises(SandboxError, match="makes memory that no limit counts"):
        probe(tree, hidden)


@pytest.mark.slow
def test_a_watch_that_sees_nothing_is_noticed(
    tree: Path, hidden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "use", lambda first: watch.Use(0, 0, 0.0))

    with pytest.raises(SandboxError, match="takes 256 MB over several processes"):
        probe(tree, hidden)


def test_a_bubblewrap_that_isolates_nothing_is_noticed(
    tree: Path, hidden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f'#!/bin/sh\nexec {sys.executable} {fake_bwrap.__file__} "$@"\n'
    put_program(tmp_path / "bin/bwrap", script)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    with pytest.raises(SandboxError) as refused:
        probe(tree, hidden)

    for achieved in ("reads", "connects to", "sees process", "ends a process", "writes to"):
        assert achieved in str(refused.value)
    assert f"in place of {tmp_path / 'bin/bwrap'}" in str(refused.value)


def test_a_copy_of_the_package_where_python_looks_is_noticed(tree: Path, hidden: Path) -> None:
    (tree / "src/numpy").mkdir(parents=True)

    with pytest.raises(SandboxError, match=r"reads a copy of numpy in .*pip uninstall numpy from"):
        probe(tree, hidden)
