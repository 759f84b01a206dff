"""Folders of the sandbox: the project that it shows, and the audit that is read from outside."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from take_home.bubblewrap import SandboxError

DEEPEST = 3
MOST_FILES = 1000
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
    """Regular files under an open folder by relative path, of at most `largest` bytes together."""
    contents: dict[str, bytes] = {}
    for path, descriptor in _files(folder, DEEPEST):
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(largest + 1)
        largest -= len(content)
        if largest < 0 or len(contents) == MOST_FILES:
            break
        contents[path] = content
    return contents


def _files(folder: int, depth: int) -> Iterator[tuple[str, int]]:
    for name in sorted(os.listdir(folder)):
        try:
            descriptor = os.open(name, FILE, dir_fd=folder)
        except OSError:  # a link, a socket, or gone
            continue
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISREG(mode):
            yield name, descriptor
            continue
        if stat.S_ISDIR(mode) and depth > 1:
            yield from ((f"{name}/{path}", d) for path, d in _files(descriptor, depth - 1))
        os.close(descriptor)
