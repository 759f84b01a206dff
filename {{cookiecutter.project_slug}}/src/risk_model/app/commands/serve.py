"""serve: answers requests with the registered champion."""

from __future__ import annotations

from pathlib import Path

from risk_model.app.flags import FlagParser
from risk_model.core.files import user_path
from risk_model.core.optional import module_exists


def serve(arguments: list[str]) -> None:
    """Serves a package until it is stopped."""
    parser = FlagParser("serve")
    name = "registered model (default: the only one there is)"
    registry = "the registry's directory"
    package = "serve this package directory instead of the champion"
    accept = 'serve what no part failed and some cannot tell: "your name: your reason"'
    parser.add_argument("--name", default="", help=name)
    parser.add_argument("--registry", type=user_path, default=Path("models"), help=registry)
    parser.add_argument("--package", type=user_path, help=package)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    log = Path("audit/audit.db")
    parser.add_argument("--audit", type=user_path, default=log, help="the audit log")
    parser.add_argument("--accept", default="", help=accept)
    health = "of health and metrics (default: the one after --port)"
    parser.add_argument("--health-port", type=int, help=health)
    keys = "API keys, made with api_key; needed unless only this machine can ask"
    parser.add_argument("--api-keys", type=user_path, help=keys)
    parser.set_defaults(issuers=None)
    if module_exists("deployment.tokens"):
        issuers = "issuers of signed tokens, as docs/serving.md says"
        parser.add_argument("--issuers", type=user_path, help=issuers)
    hosts = "a name by which clients call this server; may be repeated"
    parser.add_argument("--allow-host", action="append", default=[], help=hosts)
    origins = "of a web page whose scripts may ask, https://...; may be repeated"
    parser.add_argument("--allow-origin", action="append", default=[], help=origins)
    flags = parser.parse_args(arguments)
    from risk_model.deployment.registry import champion
    from risk_model.deployment.serve import serve as serve_package
    from risk_model.deployment.server_settings import ServerSettings

    settings = ServerSettings(
        flags.health_port,
        tuple(flags.allow_host),
        tuple(flags.allow_origin),
        flags.api_keys,
        flags.issuers,
    )
    directory = flags.package or champion(flags.registry, flags.name)
    serve_package(directory, flags.host, flags.port, flags.audit, flags.accept, settings)
