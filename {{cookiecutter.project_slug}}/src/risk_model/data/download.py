"""Downloads: is this the file its source published?

Pooch downloads to a temporary file beside its place and moves it there once its digest is right.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pooch
from tqdm import tqdm

from risk_model.core.errors import UserError
from risk_model.core.files import user_path

CHUNK = 1 << 18  # bytes
TIMEOUT = 60  # seconds without a byte
AS_IT_IS = {"Accept-Encoding": "identity"}  # else a server may compress what the digest is of

pooch.get_logger().setLevel(logging.WARNING)  # the progress bar says what is being downloaded


def cache_directory(setting: str = "") -> Path:
    """The folder of downloads: the setting, $CLINICAL_DATA_CACHE or ~/.cache/clinical-data."""
    chosen = setting or os.environ.get("CLINICAL_DATA_CACHE")
    return user_path(chosen or "~/.cache/clinical-data")


def fetch(url: str, digest: str, path: Path) -> Path:
    """The published file, downloaded when it is not there yet; its digest is checked every time.

    Args:
        url: Where the source publishes it.
        digest: SHA-256 in 64 hex digits, or MD5 in 32 where nothing better is published.
        path: Where the file stands, or will stand once it is whole and verified.

    Returns:
        The path.

    Raises:
        UserError: the download failed; what came is not the file (it is removed); or the file at
            `path` was changed (it is left for the user to look at).
    """
    algorithm = "sha256" if len(digest) == 64 else "md5"
    if not path.exists():
        _download(url, path, f"{algorithm}:{digest}")
    elif pooch.file_hash(str(path), alg=algorithm) != digest:
        raise UserError(
            f"{path}: was changed (expected digest {digest[:12]}…) and must not be used; delete "
            f"the file, and run again to download it from {url}"
        )
    return path


def download(url: str, path: Path) -> None:
    """Puts what the URL serves at `path`, whole; for files that the caller verifies together."""
    _download(url, path, None)


def _download(url: str, path: Path, known_hash: str | None) -> None:
    # pooch asks whether the bar is true, which needs a total; it sets the real one
    bar = tqdm(desc=path.name, total=1, unit="B", unit_scale=True, disable=None, delay=1)
    http = pooch.HTTPDownloader(bar, CHUNK, timeout=TIMEOUT, headers=AS_IT_IS)
    try:
        pooch.retrieve(url, known_hash, path.name, path.parent, downloader=http)
    except OSError as error:
        raise _failed(url, path, error) from error
    except ValueError as error:
        raise UserError(
            f"{url}: what came is not the published file (expected {known_hash}); run again, and "
            f"if it stays so, the source changed: put the original file at {path}"
        ) from error
    finally:
        bar.close()


def _failed(url: str, path: Path, error: OSError) -> UserError:
    response = getattr(error, "response", None)
    if response is not None:
        answer = f"the server answered {response.status_code} {response.reason}"
        return UserError(f"{url}: {answer}; put the file at {path} yourself")
    return UserError(
        f"{url}: could not be downloaded ({type(error).__name__}); check the connection and run "
        f"again, or put the file at {path}"
    )
