"""Where the sandbox cannot be made, grading is refused with what helps on that platform."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

import pytest

from take_home import bubblewrap
from take_home.probe import probe
from take_home.sandbox import SandboxError

from tests.take_home.asking import put_program
from tests.take_home.attacks import make_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "tree")


@pytest.fixture
def hidden(tmp_path: Path) -> Path:
    folder = tmp_path / "ada"
    folder.mkdir(mode=0o777)
    (folder / "key.json").write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("complaint", "remedy"),
    [
        (
            "bwrap: setting up uid map: Permission denied",
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (
            "bwrap: Creating new namespace failed: Operation not permitted",
            "--security-opt seccomp=unconfined",
        ),
        (
            "bwrap: Creating new namespace failed: nesting depth or "
            "/proc/sys/user/max_*_namespaces exceeded (ENOSPC)",
            "grade with sudo",
        ),
        (
            "bwrap: No permissions to create new namespace, likely because the kernel does not "
            "allow non-privileged user namespaces.",
            "grade with sudo",
        ),
        ("bwrap: Unknown option --disable-userns", "bubblewrap 0.8 or newer"),
        ("bwrap: Can't mkdir /x: Permission denied", "may not read Python or the project"),
        ("", "bubblewrap says nothing"),
    ],
)
def test_a_bubblewrap_that_does_not_start_is_refused_with_the_remedy(
    tree: Path,
    hidden: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    complaint: str,
    remedy: str,
) -> None:
    put_program(tmp_path / "bin/bwrap", f'#!/bin/sh\necho "{complaint}" >&2\nexit 1\n')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    with pytest.raises(SandboxError) as refused:
        probe(tree, hidden)

    assert str(refused.value).startswith("The sandbox does not start: ")
    assert remedy in str(refused.value)
    assert "Remedy: " in str(refused.value)


@pytest.mark.parametrize(
    ("missing", "package"), [("bwrap", "bubblewrap"), ("prlimit", "util-linux")]
)
def test_a_missing_program_is_refused_with_what_installs_it(
    tree: Path, hidden: Path, monkeypatch: pytest.MonkeyPatch, missing: str, package: str
) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == missing else which(name))

    with pytest.raises(SandboxError, match=f"Grading needs {missing}: apt install {package}"):
        probe(tree, hidden)


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_a_system_without_bubblewrap_is_told_where_to_grade(
    tree: Path, hidden: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)

    with pytest.raises(SandboxError, match="runs on Linux only: grade under WSL 2"):
        probe(tree, hidden)


def test_another_processor_is_refused(
    tree: Path, hidden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")

    with pytest.raises(SandboxError, match="Grade on x86_64 or aarch64"):
        probe(tree, hidden)


def test_root_in_a_container_is_told_what_it_lacks(
    tree: Path, hidden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(bubblewrap, "may_mount", lambda status: False)

    with pytest.raises(SandboxError, match="--cap-add SYS_ADMIN --security-opt seccomp"):
        probe(tree, hidden)


@pytest.mark.parametrize(
    ("capabilities", "may"), [("000001ffffffffff", True), ("00000000a80425fb", False), ("0", False)]
)
def test_whether_root_may_mount_is_read_from_its_status(capabilities: str, may: bool) -> None:
    assert bubblewrap.may_mount(f"Uid:\t0\nCapEff:\t{capabilities}\nCapBnd:\t1") is may


def test_a_probe_with_nothing_to_look_for_is_refused(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(SandboxError, match="needs a hidden file to look for"):
        probe(tree, tmp_path / "empty")
