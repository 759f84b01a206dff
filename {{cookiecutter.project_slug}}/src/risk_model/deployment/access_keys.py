"""The file of API keys, as it is written: a key is shown once, and only its SHA-256 is kept."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

from risk_model.core.errors import UserError
from risk_model.core.files import read_json, write_json
from risk_model.deployment.access import SCOPES, read_keys

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
KEY_BYTES = 32


def add_key(path: Path, client: str, scopes: list[str], expires: str) -> str:
    """Makes a key for a client, adds it to the file, and returns it.

    Args:
        path: the file, made if there is none.
        client: the name under which records tell of it.
        scopes: what it may do, of SCOPES.
        expires: the day on which it ends, at 0:00 UTC; "" for never.

    Raises:
        UserError: a name, a scope or a day is none, or the file is not one of keys.
    """
    if not NAME.fullmatch(client):
        raise UserError(f"'{client}' is no name of a client: letters, digits, '.', '_' and '-'")
    if wrong := [scope for scope in scopes if scope not in SCOPES]:
        raise UserError(f"--scope {wrong[0]}: what a client may do is {' or '.join(SCOPES)}")
    entries = _entries(path) if path.exists() else []
    key = secrets.token_urlsafe(KEY_BYTES)
    entry: dict[str, object] = {
        "client": client,
        "sha256": hashlib.sha256(key.encode()).hexdigest(),
        "scopes": scopes,
        **({"expires": _midnight(expires)} if expires else {}),
    }
    write_json(path, {"keys": [*entries, entry]}, mode=0o600)
    return key


def revoke_keys(path: Path, client: str, but_newest: bool = False) -> int:
    """Takes a client's keys, or all but the newest, out; returns how many; UserError when none."""
    entries = _entries(path)
    gone = [place for place, entry in enumerate(entries) if entry["client"] == client]
    if not gone:
        raise UserError(f"{path}: '{client}' has no key")
    if but_newest and not (gone := gone[:-1]):
        raise UserError(f"{path}: '{client}' has one key, its newest; first: api_key add {client}")
    kept = [entry for place, entry in enumerate(entries) if place not in gone]
    write_json(path, {"keys": kept}, mode=0o600)
    return len(gone)


def _entries(path: Path) -> list[dict[str, object]]:
    read_keys(path)  # says what is wrong with it
    entries: list[dict[str, object]] = read_json(path)["keys"]
    return entries


def _midnight(day: str) -> str:
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).isoformat()
    except ValueError:
        raise UserError(f"--expires {day}: write the day as 2030-12-31") from None
