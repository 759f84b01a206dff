"""Files that a crash leaves with the old content or the new, never a part; JSON among them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from risk_model.core.errors import UserError


def user_path(text: str) -> Path:
    """A path as a person writes it, with ~ for the home: no shell expands it behind a "="."""
    return Path(text).expanduser() if text == "~" or text.startswith("~/") else Path(text)


def check_folder(folder: Path, where: str) -> None:
    """UserError when nothing can be written there, whether it exists or not; makes nothing."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise UserError(f"{where}: {existing} is a file; name a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"{where}: {existing} cannot be written into; name another folder")


def write_atomically(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Writes a file, and the directories above it, in one step that a crash cannot halve.

    `mode` says who may read and write a new file, as far as the process lets anybody.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with open(partial, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def write_json(path: Path, content: Any, mode: int = 0o666) -> None:
    """Writes values as indented JSON in one step; ValueError for NaN, which JSON does not have."""
    text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
    write_atomically(path, f"{text}\n".encode(), mode)


def read_json(path: Path) -> Any:
    """Reads what `write_json` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


def refuse_writable_by_others(path: Path) -> None:
    """UserError for a file that says who is trusted, where others may change it; OSError."""
    if os.name == "posix" and path.stat().st_mode & 0o022:
        raise UserError(f"{path}: others may write to it; chmod 600 {path}")
