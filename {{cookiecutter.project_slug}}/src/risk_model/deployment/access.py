"""Access: who may ask what, by API keys and, in an edition that has them, by signed tokens.

A key is 256 random bits; its file holds its SHA-256, which nobody can turn back, the client it was
given to, what that client may do and until when. A client may have several keys, so that a new one
is in use before the old one goes; the file is read again when it changes. Without any key the
server is for trials on one machine and listens to that machine alone.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from risk_model.core.errors import UserError
from risk_model.core.files import refuse_writable_by_others
from risk_model.core.optional import optional_module, required_module
from risk_model.deployment.audit import AuditError, AuditLog
from risk_model.deployment.http_guard import LOOPBACK
from risk_model.deployment.requests import RefusedError
from risk_model.deployment.responses import problem

SCOPES = ("predict", "describe")  # POST /v1/predict; GET /v1/model and /openapi.json
DEVELOPMENT = "development"  # the client's name when nobody needs a key
READ_SECONDS = 1.0  # between two looks at whether the file changed
# one text for every cause, so that an answer tells nothing about keys
UNKNOWN = "send the header authorization: Bearer KEY, with a key or token that is valid here"
LOGIN_FAILURES = 60  # recorded in a minute; a flood of them shall not fill the log
MINUTE = 60.0  # seconds
UNRECORDED = "the audit record could not be written, so there is no answer"
MEMBERS = {"client", "sha256", "scopes", "expires"}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Caller:
    """Who asks, by the name under which records tell of it, and what it may do."""

    client: str
    scopes: tuple[str, ...] = SCOPES

    def check(self, scope: str) -> None:
        """RefusedError (403) when the caller may not do that."""
        if scope not in self.scopes:
            raise RefusedError(403, f"this client may not {scope}")


class UnknownCallerError(Exception):
    """Nobody is known by what was sent; its text is a word for metrics and the audit log."""


class Tokens(Protocol):
    """Knows callers by signed tokens."""

    def caller(self, token: str) -> Caller:
        """Who sent it; UnknownCallerError otherwise."""


@dataclass(frozen=True)
class ApiKey:
    """One key of the file; `expires` in seconds since 1970, infinite where it says nothing."""

    caller: Caller
    expires: float

    @classmethod
    def parse(cls, entry: Any) -> tuple[str, ApiKey]:
        """The key's SHA-256 in hex, and the key; ValueError, TypeError or KeyError."""
        digest, scopes = entry["sha256"], tuple(entry["scopes"])
        if not entry.keys() <= MEMBERS or not set(scopes) <= set(SCOPES) or not entry["client"]:
            raise ValueError(f"an entry holds client, sha256, scopes of {SCOPES}, perhaps expires")
        if len(bytes.fromhex(digest)) != hashlib.sha256().digest_size:
            raise ValueError("sha256 is 64 hexadecimal digits")
        until = entry.get("expires")
        expires = datetime.fromisoformat(until).astimezone(UTC).timestamp() if until else None
        return digest.lower(), cls(Caller(str(entry["client"]), scopes), expires or float("inf"))


class KeyFile:
    """The API keys of a file, as it stands now.

    Raises:
        UserError: it cannot be read, or others may write to it.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._looked = path, time.monotonic()
        self._stamp = self._state()
        self._keys = read_keys(path)

    def caller(self, key: str) -> Caller:
        """Whose key it is; UnknownCallerError when nobody's, or no more."""
        if time.monotonic() - self._looked > READ_SECONDS:
            self._look()
        found = self._keys.get(hashlib.sha256(key.encode()).hexdigest())
        if found is None:
            raise UnknownCallerError("unknown key")
        if time.time() >= found.expires:
            raise UnknownCallerError("expired key")
        return found.caller

    def _look(self) -> None:
        """Reads the file again when it changed; a file with a mistake changes nothing, loudly."""
        self._looked, stamp = time.monotonic(), self._state()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = read_keys(self.path)
            logger.warning("API keys were read again: %d keys", len(self._keys))
        except UserError as error:
            logger.error("the former API keys stay in force: %s", error)

    def _state(self) -> tuple[int, ...]:
        try:
            found = self.path.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino


def read_keys(path: Path) -> dict[str, ApiKey]:
    """The keys of a file by SHA-256; UserError when it is not one, or others may change it."""
    try:
        refuse_writable_by_others(path)
        content = json.loads(path.read_text(encoding="utf-8"))
        return dict(ApiKey.parse(entry) for entry in content["keys"])
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); make a key with: api_key add CLIENT"
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{path}: not a file of API keys ({type(error).__name__}: {error}); make one with: "
            "api_key add CLIENT"
        ) from None


class Access:
    """Who may ask; without keys and tokens everybody on this machine.

    Args:
        keys: the file of API keys.
        tokens: knows callers by signed tokens.
    """

    def __init__(self, keys: KeyFile | None = None, tokens: Tokens | None = None) -> None:
        self.keys, self.tokens = keys, tokens

    @property
    def open(self) -> bool:
        """Whether nobody needs a key."""
        return self.keys is None and self.tokens is None

    def caller(self, authorization: str) -> Caller:
        """Who asks, by that header ("" for none); UnknownCallerError for nobody's key or token."""
        if self.open:
            return Caller(DEVELOPMENT)
        kind, _, credential = authorization.partition(" ")
        if kind.lower() != "bearer" or not credential:
            raise UnknownCallerError("no bearer")
        by_token = credential.count(".") == 2
        known = self.tokens if by_token else self.keys
        if known is None:
            raise UnknownCallerError("no such kind")
        return known.caller(credential.strip())


def header(request: Request, name: bytes) -> str | None:
    """The first header of that name; without reading all others, as Starlette's mapping does."""
    for key, value in request.scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


class Door:
    """Lets known callers in, each so often in a minute (0: any number); records the others."""

    def __init__(self, access: Access, audit: AuditLog, per_minute: int = 0) -> None:
        self.access, self.audit = access, audit
        quotas = optional_module("deployment.quotas") if per_minute and not access.open else None
        self.quotas = quotas.Quotas(per_minute) if quotas else None
        self.recorded: deque[float] = deque(maxlen=LOGIN_FAILURES)  # when
        self.unknown: Counter[str] = Counter()

    def caller(self, request: Request) -> Caller:
        """Who asks; UnknownCallerError when nobody is known by what was sent."""
        return self.access.caller(header(request, b"authorization") or "")

    async def over_quota(self, caller: Caller) -> Response | None:
        """The answer (429) to a caller that asks too often; None for others."""
        told: Response | None = self.quotas and await self.quotas.refusal(caller.client, self.audit)
        return told

    async def refuse(self, unknown: UnknownCallerError) -> Response:
        """The answer (401) to a caller that nobody knows."""
        now = time.monotonic()
        self.unknown[str(unknown)] += 1
        if len(self.recorded) < LOGIN_FAILURES or now - self.recorded[0] > MINUTE:
            self.recorded.append(now)
            await self.audit.append("login_failure", {"status": 401, "reason": str(unknown)})
        return problem(RefusedError(401, UNKNOWN))

    async def describe(
        self, request: Request, answer: Callable[[], Awaitable[Response]]
    ) -> Response:
        """What is told of the service to whoever may know."""
        try:
            caller = self.caller(request)
            caller.check("describe")
            return await self.over_quota(caller) or await answer()
        except RefusedError as refused:
            return problem(refused)
        except UnknownCallerError as unknown:
            return await self.refuse(unknown)
        except AuditError:
            return problem(RefusedError(503, UNRECORDED))


def open_access(host: str, keys: Path | None, issuers: Path | None) -> Access:
    """Who may ask a server on `host`.

    Args:
        host: the address that the server listens on.
        keys: the file of API keys.
        issuers: the file of the issuers of tokens.

    Raises:
        UserError: a file cannot be read, or other machines could ask without a key.
    """
    tokens = None
    if issuers is not None:
        tokens = required_module("deployment.tokens").read_issuers(issuers)
    access = Access(KeyFile(keys) if keys else None, tokens)
    if access.open and not (host in LOOPBACK or host.startswith("127.")):
        raise UserError(
            f"--host {host}: other machines could ask without a key; make one with: api_key add "
            "CLIENT --keys FILE, and serve with --api-keys FILE"
        )
    return access
