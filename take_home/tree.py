"""Folders of the sandbox: the project that it shows, and the audit that is read from outside."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from take_home.bubblewrap import SandboxError

DEEPEST = 3
# Each keeps a descriptor open while the folder is read; a process has 1,024 as a rule.
MOST_NAMES = 200
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# A pipe does not block, and a link is not followed: from outside it would lead to our own files.
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


def refuse_tree(tree: Path, files: Mapping[str, bytes]) -> None:
    """Refuses a project that would not show what it should.

    Raises:
        SandboxError: with the remedy.
    """
    for path in ("adapters.py", *files):
        if PurePosixPath(path).is_absolute() or ".." in path or not (tree / path).is_file():
            raise SandboxError(f"{tree} has no file {path}: bake the reference's project again")
    for place in (tree, *tree.rglob("*")):
        if place.name in {"__pycache__", ".git"} or place.suffix == ".pyc":
            raise SandboxError(f"{place} could give an answer away: remove it")
        if not place.is_symlink() and not _is_open(place):
            raise SandboxError(f"{place} is closed to others: chmod -R go+rX {tree}")


def _is_open(place: Path) -> bool:
    mode = place.stat().st_mode
    needed = stat.S_IROTH | stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH
    return mode & needed == needed


def audit_folder(process: int) -> int:
    """A descriptor of `/audit` as the process sees it, or -1 once the process has ended."""
    try:
        return os.open(f"/proc/{process}/root/audit", FOLDER)
    except OSError:
        return -1


def read_folder(folder: int, largest: int) -> dict[str, bytes]:
    """Regular files under an open folder by relative path.

    Args:
        folder: its descriptor.
        largest: bytes that all files may have together. What comes after is left out, and so is
            what comes after the first 200 names.
    """
    contents: dict[str, bytes] = {}
    with contextlib.ExitStack() as stack:
        waiting = list(_opened(folder, "", MOST_NAMES, stack))
        left = MOST_NAMES - len(waiting)
        while waiting:
            path, descriptor = waiting.pop()
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISDIR(mode) and path.count("/") < DEEPEST - 1:
                inside = list(_opened(descriptor, f"{path}/", left, stack))
                left -= len(inside)
                waiting += inside
            elif stat.S_ISREG(mode):
                contents[path] = os.pread(descriptor, largest + 1, 0)
                largest -= len(contents[path])
            if largest < 0:
                del contents[path]
                break
    return dict(sorted(contents.items()))


def _opened(
    folder: int, prefix: str, most: int, stack: contextlib.ExitStack
) -> Iterator[tuple[str, int]]:
    """Path and descriptor of what lies in a folder, but for links, sockets and what is gone."""
    with os.scandir(folder) as entries:
        for entry in itertools.islice(entries, most):
            with contextlib.suppress(OSError):
                descriptor = os.open(entry.name, FILE, dir_fd=folder)
                stack.callback(os.close, descriptor)
                yield prefix + entry.name, descriptor
