"""The command before another that makes an ordinary user of root, for tests of both."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

NOBODY = 65534


def as_ordinary_user(*places: Path) -> list[str]:
    """What to put before a command; nothing where the tests do not run as root.

    Python may lie in a home that is closed to others. There the same files are shown under folders
    that are open, and nothing else of that home; no file's permissions change.

    Args:
        places: further folders that the command needs.
    """
    if os.geteuid() != 0:
        return []
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
    needed = (Path(sys.prefix), Path(sys.base_prefix), ROOT, *places)
    return ["bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev", *_opened(needed), *user]


def _opened(needed: tuple[Path, ...]) -> Iterator[str]:
    closed = {p: _first_closed(p) for p in needed}
    for home in {f for f in closed.values() if f}:
        yield from ("--perms", "0755", "--tmpfs", str(home))
    for place, folder in closed.items():
        if folder:
            for parent in reversed(place.parents):
                if parent != folder and parent.is_relative_to(folder):
                    yield from ("--perms", "0755", "--dir", str(parent))
            yield from ("--ro-bind", str(place), str(place))


def _first_closed(place: Path) -> Path | None:
    return next((p for p in reversed(place.parents) if not p.stat().st_mode & 0o001), None)
