"""What a start changes: settings and model that are not those of the last start, for the log.

The log itself would tell, but only by reading back to the last start, which may lie a million
records ago. So a small file beside it remembers what was served. It is no evidence: a log without
it gets a record of every setting.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from risk_model.core.errors import UserError
from risk_model.core.files import read_json, write_json
from risk_model.core.json_record import JsonRecord
from risk_model.deployment.audit import AuditLog
from risk_model.deployment.audit.record import Kind
from risk_model.deployment.server_settings import ServerSettings

CONTENT = ("api_keys", "issuers", "verify_key")  # files that are settings themselves
Changes = list[tuple[Kind, dict[str, object]]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Served(JsonRecord):
    """What was served, by its SHA-256, and the SHA-256 of each setting."""

    package: str
    settings: dict[str, str]


def with_changes(
    log: Callable[..., AuditLog], path: Path, sha256: str, address: str, settings: ServerSettings
) -> Callable[..., AuditLog]:
    """A function that opens an audit log as `log` does, records what the start changes, and
    remembers what is served.

    Args:
        log: opens the log.
        path: its file.
        sha256: of the package.
        address: where the service is reached.
        settings: of the server.
    """
    now = served(sha256, address, settings)
    changes = start_changes(path, now)

    def opened(constant: Mapping[str, object], start: Mapping[str, object]) -> AuditLog:
        made = log(constant, start, changes=changes)
        remember(path, now)
        return made

    return opened


def served(sha256: str, address: str, settings: ServerSettings) -> Served:
    """What a start serves, at which address and with which settings."""
    values: dict[str, object] = {f.name: getattr(settings, f.name) for f in fields(settings)}
    values |= {name: [values[name], _content(values[name])] for name in CONTENT}
    digests = {name: _digest(value) for name, value in (values | {"address": address}).items()}
    return Served(sha256, digests)


def start_changes(log: Path, now: Served) -> Changes:
    """Records of what differs from the last start or switch; of a new log, none."""
    if not log.exists() or not log.stat().st_size:
        return []
    before = _remembered(log)
    changes: Changes = [
        ("config_change", {"setting": name, "digest": digest})
        for name, digest in sorted(now.settings.items())
        if before.settings.get(name) != digest
    ]
    if before.package not in ("", now.package):
        changes.append(("model_change", {"previous_sha256": before.package}))
    return changes


def remember(log: Path, now: Served) -> None:
    """Keeps what is served now for the next start."""
    try:
        write_json(_path(log), now.to_json(), mode=0o600)
    except OSError as error:
        logger.error("the next start will record every setting as new: %s", error.strerror)


def remember_package(log: Path, sha256: str) -> None:
    """Keeps which package took over."""
    remember(log, replace(_remembered(log), package=sha256))


def _remembered(log: Path) -> Served:
    """What was kept; nothing where it cannot be read."""
    try:
        return Served.from_json(read_json(_path(log)))
    except (OSError, ValueError, UserError):
        return Served("", {})


def _path(log: Path) -> Path:
    return log.with_name(f"{log.name}.settings.json")


def _content(path: object) -> str:
    """SHA-256 of a file that a setting names; "" where it names none."""
    return hashlib.sha256(Path(str(path)).read_bytes()).hexdigest() if path else ""


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()
