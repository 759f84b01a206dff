"""The start of the server: one process, one verified package, one audit log.

When must it refuse to start? A package with one byte changed, a model that failed its gate, an
audit log somebody else writes to or a port in use each stop the start with one line. A model of
which some part cannot tell starts only on a named person's reason, which is recorded; one that
failed on any part only when that reason was already given to register it, and stands in its card.
"""

from __future__ import annotations

import logging
import socket
import warnings
from pathlib import Path

import uvicorn

from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.core.person import person_and_reason
from risk_model.deployment.app import create_app
from risk_model.deployment.example_request import curl, example_body
from risk_model.deployment.origin import check_origin

DRAIN_SECONDS = 10


def serve(
    package_dir: Path,
    host: str,
    port: int,
    audit_path: Path,
    accept: str = "",
    keys: Path | None = None,
    checkpoints: Path | None = None,
    sha256: str = "",
    verify_key: str = "",
) -> None:
    """Serves a package until SIGTERM or SIGINT.

    Then requests on their way are finished and the stop is recorded.

    Args:
        package_dir: the package's directory.
        host: the address to listen on.
        port: the port to listen on.
        audit_path: the audit log, which no other process may write to.
        accept: "name: reason" for a model of which some part cannot tell.
        keys: folder of the audit log's keys, which must be there; by default they are made with a
            new log, in a folder beside its own.
        checkpoints: file, best on another machine's disk, that keeps the audit log's checkpoints.
        sha256: the package's own digest, where no other may be served.
        verify_key: the public key that it must be signed for; "" for none.

    Raises:
        UserError: says in one line why the server cannot start.
    """
    package = ModelPackage.open(package_dir)
    check_origin(package, sha256, verify_key)
    accepted = check_gate(package, accept)
    with listen(host, port) as listener:
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        app = create_app(package, audit_path, accepted, url, keys, checkpoints)
        model = f"{package.manifest.model} {package.sha256[:12]}"
        print(f"serving {model} on {url}, audit log {audit_path}", flush=True)
        if not checkpoints:
            print("without --checkpoints FILE nobody will see that this log was cut or deleted")
        if example := curl(example_body(package), url):
            print(f"try it: {example}", flush=True)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                loop="uvloop",
                http="httptools",
                lifespan="on",
                access_log=False,  # a request line may hold what it should not
                log_level="warning",
                server_header=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        )
        silence_libraries()
        server.run(sockets=[listener])


def silence_libraries() -> None:
    """Lets only this package's own log lines out.

    A library that reads a recording may warn of what it holds.
    """
    ours = logging.StreamHandler()
    ours.addFilter(logging.Filter(__name__.partition(".")[0]))
    logging.basicConfig(handlers=[ours], level=logging.WARNING, format="%(message)s", force=True)
    warnings.simplefilter("ignore")


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


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; UserError when the port is in use or may not be bound."""
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        raise UserError(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another with --port"
        ) from error
