"""What a candidate handed in: read without following, blocking, unpacking or trusting anything.

Nothing is written to disk: an archive's members are read into memory by their names in a table, so
that names, links and permissions in the archive lead nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

ARCHIVE_BYTES = 20_000_000
MOST_MEMBERS = 1000
# A long file of code is some 20 kB; a table of 12,000 risks with all digits is 400 kB.
SOURCE_BYTES = 200_000
TABLE_BYTES = 2_000_000
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1
# What reading a broken member raises, by the standard library's source.
PROBLEMS = (EOFError, OSError, OverflowError, NotImplementedError, RuntimeError, ValueError)
BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, *PROBLEMS)


class SubmissionError(Exception):
    """No submission can be read from this path; the message names the remedy."""


@dataclass(frozen=True)
class Submitted:
    """A submission.

    Attributes:
        files: name -> content, for each name of the table that could be read.
        mistakes: a sentence for each name that could not, and one for what else was in the archive.
    """

    files: dict[str, bytes]
    mistakes: tuple[str, ...]


def read(archive: Path, names: Collection[str]) -> Submitted:
    """Reads the archive of `make submit`.

    Args:
        archive: a zip file.
        names: of the files that are asked for, as relative paths with forward slashes.

    Raises:
        SubmissionError: the path is no regular file of at most 20 MB, or it is no zip archive.
    """
    try:
        opened = zipfile.ZipFile(BytesIO(read_file(archive, ARCHIVE_BYTES)))
    except BROKEN as error:
        raise SubmissionError(
            f"{archive} is no zip archive: ask for the submission.zip of `make submit`"
        ) from error
    with opened:
        members = opened.infolist()
        if len(members) > MOST_MEMBERS:
            raise SubmissionError(f"{archive} holds more than {MOST_MEMBERS:,} files")
        files: dict[str, bytes] = {}
        mistakes = []
        for name in names:
            try:
                files[name] = _member(opened, [m for m in members if m.filename == name])
            except ValueError as error:
                mistakes.append(f"{name} {error}")
    others = {m.filename for m in members if not m.is_dir()} - set(names)
    if others:
        mistakes.append(f"Other files in the archive, not looked at: {len(others)}")
    return Submitted(files, tuple(mistakes))


def read_file(path: Path, largest: int) -> bytes:
    """A regular file's content.

    Args:
        path: of the file itself: a link is not followed, and a pipe is not waited for.
        largest: bytes that it may have.

    Raises:
        SubmissionError: it cannot be read, or is something else.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        link = error.errno == errno.ELOOP
        reason = "is a link: name the file itself" if link else f"cannot be read: {error.strerror}"
        raise SubmissionError(f"{path} {reason}") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise SubmissionError(f"{path} is no regular file")
    with os.fdopen(descriptor, "rb") as file:
        content = b"" if status.st_size > largest else file.read(largest + 1)
    if max(status.st_size, len(content)) > largest:
        raise SubmissionError(f"{path} has more than {largest:,} bytes")
    return content


def _member(opened: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> bytes:
    """The content of the one member of a name.

    Raises:
        ValueError: the rest of a sentence that begins with the name.
    """
    if len(members) != 1:
        raise ValueError(f"is {len(members)} times in the archive" if members else "is missing")
    member = members[0]
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise ValueError("is a link or another thing than a file")
    if member.compress_type not in METHODS or member.flag_bits & ENCRYPTED:
        raise ValueError("is packed in another way than `make submit` packs")
    largest = TABLE_BYTES if PurePosixPath(member.filename).suffix == ".csv" else SOURCE_BYTES
    try:
        with opened.open(member) as file:
            content = file.read(largest + 1)
    except BROKEN as error:
        raise ValueError("is damaged in the archive") from error
    if len(content) > largest:
        raise ValueError(f"is larger than {largest:,} bytes")
    return content
