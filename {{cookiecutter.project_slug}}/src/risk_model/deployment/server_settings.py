"""What the person who starts a server decides about who reaches it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServerSettings:
    """Who reaches a server, and how.

    health_port: of health and metrics; None for the one after the server's.
    hosts: names in Host headers that are answered, beside loopback and the address listened on.
    origins: of web pages that may ask, as browsers name them.
    api_keys: the file of API keys.
    issuers: the file of the issuers of tokens.
    """

    health_port: int | None = None
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    api_keys: Path | None = None
    issuers: Path | None = None
