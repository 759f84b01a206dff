"""serve: answers requests with the registered champion."""

from __future__ import annotations

from pathlib import Path

from risk_model.app.flags import FlagParser
from risk_model.core.files import user_path
from risk_model.core.optional import module_exists
from risk_model.deployment.server_settings import ServerSettings


def serve(arguments: list[str]) -> None:
    """Serves a package until it is stopped."""
    parser = FlagParser("serve")
    name = "registered model (default: the only one there is)"
    alias = "which of its versions (default: champion)"
    registry = "the registry's directory"
    package = "serve this package directory instead of the champion"
    accept = 'serve what no part failed and some cannot tell: "your name: your reason"'
    parser.add_argument("--name", default="", help=name)
    parser.add_argument("--alias", choices=["champion", "challenger"], help=alias)
    parser.add_argument("--registry", type=user_path, default=Path("models"), help=registry)
    parser.add_argument("--package", type=user_path, help=package)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    log = Path("audit/audit.db")
    parser.add_argument("--audit", type=user_path, default=log, help="the audit log")
    keys = "folder of its keys, made by: audit keys (default: one beside the log's folder)"
    parser.add_argument("--keys", type=user_path, help=keys)
    second = "file that keeps its checkpoints, best on another machine's disk (default: none)"
    parser.add_argument("--checkpoints", type=user_path, metavar="FILE", help=second)
    parser.add_argument("--accept", default="", help=accept)
    pinned = "serve no package but this one: its SHA-256, which names its folder in the registry"
    parser.add_argument("--sha256", default="", help=pinned)
    signed = "the public key (PEM) that the package must be signed for"
    if module_exists("deployment.signing"):
        parser.add_argument("--verify-key", type=user_path, help=signed)
    health = "of health and metrics (default: the one after --port)"
    parser.add_argument("--health-port", type=int, help=health)
    keys = "API keys, made with api_key; needed unless only this machine can ask"
    parser.add_argument("--api-keys", type=user_path, help=keys)
    usual = ServerSettings.requests_per_minute
    parser.set_defaults(alias="champion", issuers=None, verify_key=None, requests_per_minute=usual)
    if module_exists("deployment.tokens"):
        issuers = "issuers of signed tokens, as docs/serving.md says"
        parser.add_argument("--issuers", type=user_path, help=issuers)
    if module_exists("deployment.quotas"):
        quota = f"of each client with a key or tokens; 0 for any number (default: {usual})"
        parser.add_argument("--requests-per-minute", type=int, help=quota)
    hosts = "a name by which clients call this server; may be repeated"
    parser.add_argument("--allow-host", action="append", default=[], help=hosts)
    origins = "of a web page whose scripts may ask, https://...; may be repeated"
    parser.add_argument("--allow-origin", action="append", default=[], help=origins)
    flags = parser.parse_args(arguments)
    from risk_model.deployment.registry import package_of_alias
    from risk_model.deployment.serve import serve as serve_package

    settings = ServerSettings(
        health_port=flags.health_port,
        hosts=tuple(flags.allow_host),
        origins=tuple(flags.allow_origin),
        api_keys=flags.api_keys,
        issuers=flags.issuers,
        audit_keys=flags.keys,
        checkpoints=flags.checkpoints,
        sha256=flags.sha256,
        verify_key=str(flags.verify_key or ""),
        registry=None if flags.package else flags.registry,
        name=flags.name,
        alias=flags.alias,
        requests_per_minute=flags.requests_per_minute,
    )
    directory = flags.package or package_of_alias(flags.registry, flags.name, flags.alias)
    serve_package(directory, flags.host, flags.port, flags.audit, flags.accept, settings)
