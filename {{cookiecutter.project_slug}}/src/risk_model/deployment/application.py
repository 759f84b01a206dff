"""The application: the routes of a service, and what holds for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from risk_model import __version__
from risk_model.core.optional import optional_module
from risk_model.core.package import ModelPackage
from risk_model.deployment.access import Access
from risk_model.deployment.app import Service
from risk_model.deployment.audit import AuditLog
from risk_model.deployment.openapi import DocumentedAPI
from risk_model.deployment.responses import ERRORS, UncachedResponse
from risk_model.deployment.routes import add_routes
from risk_model.deployment.server_settings import ServerSettings


def create_app(
    package: ModelPackage,
    audit_path: Path,
    accepted: str = "",
    url: str = "http://127.0.0.1:8000",
    access: Access | None = None,
    settings: ServerSettings | None = None,
) -> FastAPI:
    """The application over one model package and one audit log, whose start is recorded here.

    Args:
        package: what is served.
        audit_path: the audit log, which is opened.
        accepted: who accepted a model whose gate did not pass, and why; "" where it passed.
        url: where the service is reached, for its example.
        access: who may ask; everybody without it.
        settings: of the audit log, and of the origins of web pages whose scripts may ask.

    Raises:
        UserError: the model fails its self-test, or the log cannot be written.
    """
    settings = settings or ServerSettings()
    keys, checkpoints = settings.audit_keys, settings.checkpoints
    log = partial(AuditLog, audit_path, keys=keys, checkpoints=checkpoints)
    if last_start := optional_module("deployment.start_changes"):
        log = last_start.with_changes(log, audit_path, package.sha256, url, settings)
    quota = settings.requests_per_minute
    return application(Service(package, log, accepted, url, access, quota), settings.origins)


def application(service: Service, origins: Sequence[str]) -> FastAPI:
    """The application over a service; `app.state.service` is the one that is closed with it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.service.loop = asyncio.get_running_loop()
        yield
        await app.state.service.close()

    app = DocumentedAPI(
        title=service.package.schema.name,
        version=__version__,
        lifespan=lifespan,
        default_response_class=UncachedResponse,
        # the documentation pages would load scripts from the internet
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # its own route below asks who wants it
        redirect_slashes=False,  # a redirect would name whatever host the caller named
        # nothing about a request leaves the machine
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.service = service
    add_routes(app, service)
    allow_origins(app, origins)
    app.exception_handlers |= ERRORS
    return app


def allow_origins(app: DocumentedAPI, origins: Sequence[str]) -> None:
    """Lets scripts of web pages from these origins ask; by default from none."""
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "idempotency-key"],
        )
