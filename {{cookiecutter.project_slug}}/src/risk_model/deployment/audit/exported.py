"""The second place of the checkpoints: a file that should lie where the log's keeper cannot write.

A log can be cut, restored or deleted together with everything beside it. What it held when a
checkpoint left the machine then shows only here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from risk_model.core.errors import UserError
from risk_model.deployment.audit.checkpoint import NOTE, Checkpoint, Verifier

END = 65_536  # bytes at the end of the file, in which the last checkpoint stands


def export_checkpoint(path: Path, note: bytes) -> None:
    """Adds a checkpoint, durably; OSError when that fails, as for a file that is not there."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        # begins with a line's end, so that it is whole even behind one that a crash cut off
        if os.write(file, b"\n" + note) != len(note) + 1:
            raise OSError(f"{path}: no room")
        os.fsync(file)
    finally:
        os.close(file)


def last_checkpoint(path: Path, verifiers: tuple[Verifier, ...], new: bool) -> bytes:
    """The last checkpoint in the file, b"" where it is empty; makes the file of a new log.

    Raises:
        UserError: it is missing though the log is not new, or holds no checkpoint of this log.
    """
    if not path.exists():
        if not new:
            raise UserError(
                f"{path}: missing, though the log is not new; put it back, or, if its checkpoints "
                f"were never kept there: touch {path}"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - END))
        notes = [note for _, note in notes_of(verifiers[-1].name, file.read())]
    last = next((note for note in reversed(notes) if signed(note, verifiers)), b"")
    if size and not last:
        raise UserError(f"{path}: holds no checkpoint of this log; name the file that does")
    return last


def notes_of(origin: str, content: bytes) -> Iterator[tuple[int, bytes]]:
    """Each whole note of a log, whoever signed it, with the number of records that it covers."""
    for match in NOTE.finditer(content):
        name, size, _ = match[0].split(b"\n", 2)
        if name == origin.encode():
            yield int(size), match[0]


def signed(note: bytes, verifiers: tuple[Verifier, ...]) -> bool:
    """Whether one of the keys signed a checkpoint."""
    for verifier in verifiers:
        with suppress(ValueError):
            return bool(Checkpoint.read(note, verifier))
    return False
