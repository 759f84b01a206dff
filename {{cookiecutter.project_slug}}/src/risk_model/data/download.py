"""Is this the file its source published? Downloads with progress, resumes, and uses nothing that
was not verified.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from risk_model.core.errors import UserError

CHUNK = 1 << 18  # bytes
TIMEOUT = 60  # seconds without a byte


def cache_directory(setting: str = "") -> Path:
    """Where downloads are kept: the setting, else $CLINICAL_DATA_CACHE, else
    ~/.cache/clinical-data.
    """
    default = Path.home() / ".cache" / "clinical-data"
    return Path(setting or os.environ.get("CLINICAL_DATA_CACHE") or default).expanduser()


def fetch(url: str, sha256: str, path: Path) -> Path:
    """The file at `path`, downloaded first when it is not there; its SHA-256 (64 hex digits) is
    checked every time.

    32 hex digits are taken for an MD5, for files of which nothing better is published.

    What was received stands in `<path>.part` until it is whole and verified. UserError when the
    download is cut off (the part stays, and the next call resumes it), when what came is not the
    file (the part is removed), or when the file kept from earlier was changed (it is left for the
    user to look at).
    """
    algorithm = "sha256" if len(sha256) == 64 else "md5"
    if path.exists():
        found = _digest(path, algorithm)
        if found != sha256:
            remedy = f"delete the file, and run again to download it from {url}"
            raise UserError(
                f"{path}: was changed ({_differs(found, sha256)}) and must not be used; {remedy}"
            )
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    _download(url, part)
    found = _digest(part, algorithm)
    if found != sha256:
        part.unlink()
        remedy = (
            f"run again, and if it stays so, the source changed: put the original file at {path}"
        )
        raise UserError(
            f"{url}: what came is not the published file ({_differs(found, sha256)}); {remedy}"
        )
    part.replace(path)
    return path


def download(url: str, path: Path) -> None:
    """Puts what the URL serves at `path`, whole; for one of many files, which the caller verifies
    together.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    _download(url, part)
    part.replace(path)


def _differs(found: str, expected: str) -> str:
    return f"digest {found[:12]}…, expected {expected[:12]}…"


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _download(url: str, part: Path) -> None:
    """Appends to the part what is missing. The pinned digest of the whole stands in for If-Range
    and ETag.
    """
    have = part.stat().st_size if part.exists() else 0
    # bandit: the URL is a constant of the source, never a user's text
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            start, total = _extent(response, have)
            with part.open("r+b" if start else "wb") as file:
                file.seek(start)
                received = start + _copy(response, file, start, total)
    except urllib.error.HTTPError as error:
        _refused(url, part, have, error)
        return
    except (OSError, http.client.HTTPException) as error:
        raise _cut_off(url, part, f"{type(error).__name__}: {error}") from error
    if total is not None and received != total:
        raise _cut_off(url, part, f"{received:,} of {total:,} bytes came")


def _extent(response: http.client.HTTPResponse, have: int) -> tuple[int, int | None]:
    """Where the answer starts in the file, and the size of the whole file if the server
    tells it.
    """
    told = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
    if response.status == http.HTTPStatus.PARTIAL_CONTENT and told and int(told[1]) == have:
        return have, int(told[2])
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        raise http.client.HTTPException(
            "the server answered with another part than the one asked for"
        )
    length = response.headers.get("Content-Length")  # a server without Range sends all of it again
    return 0, int(length) if length else None


def _copy(response: http.client.HTTPResponse, file: BinaryIO, start: int, total: int | None) -> int:
    """Bytes written, all of them durably, even when the connection ends early."""
    copied = 0
    name = Path(file.name).name.removesuffix(".part")
    try:
        with tqdm(
            desc=name, initial=start, total=total, unit="B", unit_scale=True, disable=None, delay=1
        ) as progress:
            while chunk := response.read(CHUNK):
                copied += file.write(chunk)
                progress.update(len(chunk))
    finally:
        file.flush()
        os.fsync(file.fileno())
    return copied


def _refused(url: str, part: Path, have: int, error: urllib.error.HTTPError) -> None:
    """Returns when the server says that nothing is missing; the digest will tell."""
    if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        if error.headers.get("Content-Range", "") == f"bytes */{have}":
            return
        part.unlink()
        raise UserError(
            f"{url}: the part kept from earlier does not belong to this file and was removed; run "
            "again"
        )
    destination = part.with_suffix("")
    raise UserError(
        f"{url}: the server answered {error.code} {error.reason}; put the file at {destination} "
        "yourself"
    )


def _cut_off(url: str, part: Path, why: str) -> UserError:
    if part.exists() and part.stat().st_size:
        return UserError(
            f"{url}: the download was cut off ({why}); run the same command again to go on from "
            "there"
        )
    destination = part.with_suffix("")
    return UserError(
        f"{url}: nothing could be downloaded ({why}); check the connection, or put the file at "
        f"{destination}"
    )
