"""The start of the server: one process, one verified package, one audit log.

When must it refuse to start? A package with one byte changed, a model that failed its gate, an
audit log somebody else writes to, a port in use or a door without a lock each stop the start with
one line. A model of which some part cannot tell starts only on a named person's reason, which is
recorded; one that failed on any part only when that reason was already given to register it, and
stands in its card.
"""

from __future__ import annotations

from pathlib import Path

from risk_model.core.errors import UserError
from risk_model.core.optional import optional_module
from risk_model.core.package import ModelPackage
from risk_model.core.person import person_and_reason
from risk_model.deployment.access import open_access
from risk_model.deployment.application import create_app
from risk_model.deployment.example_request import curl, example_body
from risk_model.deployment.health import Health
from risk_model.deployment.http_guard import LOOPBACK, GuardedState, host_names
from risk_model.deployment.lifecycle import Lifecycle, connections, guarded_server, listen
from risk_model.deployment.logs import silence_libraries
from risk_model.deployment.origin import check_origin
from risk_model.deployment.server_settings import ServerSettings


def serve(
    package_dir: Path,
    host: str,
    port: int,
    audit_path: Path,
    accept: str = "",
    settings: ServerSettings | None = None,
) -> None:
    """Serves a package until SIGTERM or SIGINT.

    Then requests on their way are finished and the stop is recorded.

    Args:
        package_dir: the package's directory.
        host: the address to listen on.
        port: the port to listen on.
        audit_path: the audit log, which no other process may write to.
        accept: "name: reason" for a model of which some part cannot tell.
        settings: who reaches the server, where its log is kept safe, what package it takes.

    Raises:
        UserError: says in one line why the server cannot start.
        KeyboardInterrupt: at SIGINT, once all is done.
    """
    settings = settings or ServerSettings()
    package, accepted = open_checked(package_dir, accept, settings)
    access = open_access(host, settings.api_keys, settings.issuers)
    beside = settings.health_port
    if beside is None:
        beside = port and port + 1
    with listen(host, port) as listener, listen(host, beside, "--health-port") as health_listener:
        port, beside = (each.getsockname()[1] for each in (listener, health_listener))
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        app = create_app(package, audit_path, accepted, url, access, settings)
        worker, most = app.state.service.input.worker, connections()
        hosts = host_names([*LOOPBACK, host, *settings.hosts])
        state = GuardedState(hosts, worker.places, most)
        health = Health(app.state.service, state)
        switch = optional_module("deployment.switch")
        answering = switch.Switch(app, health, url, access, settings) if switch else app
        server = guarded_server(health.wrap(answering), state, lifespan=True)
        # whoever probes names an address of the moment
        anybody = GuardedState(None, most, most // 4)
        model = f"{package.manifest.model} {package.sha256[:12]}"
        print(
            f"serving {model} on {url}, health on port {beside}, audit log {audit_path}", flush=True
        )
        if not settings.checkpoints:
            print("without --checkpoints FILE nobody will see that this log was cut or deleted")
        if example := curl(example_body(package), url, needs_key=not access.open):
            print(f"try it: {example}", flush=True)
        silence_libraries()
        probes = guarded_server(health.app, anybody, lifespan=False)
        Lifecycle(server, probes, health.drain).run(listener, health_listener)


def open_checked(folder: Path, accept: str, settings: ServerSettings) -> tuple[ModelPackage, str]:
    """A package that may be served, and who accepted it; UserError for one that may not."""
    package = ModelPackage.open(folder)
    check_origin(package, settings.sha256, settings.verify_key)
    return package, check_gate(package, accept)


def check_gate(package: ModelPackage, accept: str) -> str:
    """Who accepted the model, and why; "" where its gate passed.

    Args:
        package: what shall be served.
        accept: "name: reason", counted only where no part failed.

    Raises:
        UserError: the gate's verdict keeps the model from patients.
    """
    manifest, where = package.manifest, package.directory
    if manifest.gate == "pass":
        return ""
    if manifest.accepted:
        return str(manifest.accepted.statement)
    verdicts = "; ".join(f"{part}: {verdict}" for part, verdict in manifest.not_passed.items())
    if manifest.gate == "fail":
        raise UserError(
            f"{where}: the gate did not pass ({verdicts}); see the run's report, and train again, "
            "or let somebody answer for it: register run=DIRECTORY accept='name: reason'"
        )
    if not accept:
        raise UserError(
            f"{where}: the gate did not pass ({verdicts}); serve it with --accept 'your name: "
            "your reason' (make serve ACCEPT='your name: your reason')"
        )
    return str(person_and_reason(accept, "--accept 'your name: your reason'"))
