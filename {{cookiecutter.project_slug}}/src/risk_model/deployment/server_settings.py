"""What the person who starts a server decides: who reaches it, its log's keys, its package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServerSettings:
    """Who reaches a server and how, where its audit log is kept safe, and what package it takes.

    health_port: of health and metrics; None for the one after the server's.
    hosts: names in Host headers that are answered, beside loopback and the address listened on.
    origins: of web pages that may ask, as browsers name them.
    api_keys: the file of API keys.
    issuers: the file of the issuers of tokens.
    audit_keys: folder of the audit log's keys, which must be there; without it they are made with a
        new log, in a folder beside its own.
    checkpoints: file, best on another machine's disk, that keeps the audit log's checkpoints.
    sha256: the package's own digest, where no other may be served.
    verify_key: file of the public key that the package must be signed for; "" for none.
    registry: where the package is found by its alias; None where one folder is served.
    name, alias: of the registered model ("" for the only one), and champion or challenger.
    requests_per_minute: of one client with a key or tokens; 0 for any number.
    """

    health_port: int | None = None
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    api_keys: Path | None = None
    issuers: Path | None = None
    audit_keys: Path | None = None
    checkpoints: Path | None = None
    sha256: str = ""
    verify_key: str = ""
    registry: Path | None = None
    name: str = ""
    alias: str = "champion"
    requests_per_minute: int = 600
