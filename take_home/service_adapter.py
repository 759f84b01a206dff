"""Inside the sandbox: the service of task 7, asked without a socket, with faults on request."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Request = dict[str, Any]
TREE = Path(__file__).parent
AUDIT_FOLDER = "TAKE_HOME_AUDIT"  # the environment variable of it; "/audit" without
LOG = "log/audit.db"
SLOW_DISK = 0.4  # seconds


def answer_handler() -> Callable[[Request], Any]:
    """Task 7: status and body of the service's response to a body, under the faults asked for."""
    from risk_model.core.package import ModelPackage
    from risk_model.deployment import explanations
    from risk_model.deployment.application import create_app
    from risk_model.deployment.audit import log

    # No answer depends on how fast the machine is.
    log.DISK_SECONDS = explanations.FIELD_SECONDS = 60.0
    package = ModelPackage.open(TREE / "served")
    real = package.scorer
    fault: Request = {"risk": None, "disk": ""}

    class Scorer:
        """The package's, or a risk that the request names."""

        maps = False

        def __call__(self, features: Any, chunk: int = 4096) -> Any:
            risk, logit = real(features, chunk)
            return (risk if fault["risk"] is None else risk * 0 + float(fault["risk"])), logit

    package.__dict__["scorer"] = Scorer()
    folder = Path(os.environ.get(AUDIT_FOLDER, "/audit"))
    runner = asyncio.Runner()

    async def create() -> Any:
        return create_app(package, folder / LOG)  # which makes its keys beside the log's folder

    app = runner.run(create())
    store = app.state.service.audit._store
    commit = store.commit

    def faulty(events: list[Any]) -> None:
        if fault["disk"] == "fails":
            raise OSError
        if fault["disk"] == "slow":
            time.sleep(SLOW_DISK)
        commit(events)

    store.commit = faulty

    def handle(request: Request) -> Any:
        fault.update(risk=request["risk"], disk=request["disk"])
        status, body = runner.run(post(app, request["body"].encode(), request["query"].encode()))
        return {"status": status, "body": json.loads(body)}

    return handle


async def post(app: Any, body: bytes, query: bytes) -> tuple[int, bytes]:
    """Status and body of a POST to /v1/predict, without a socket (ASGI 3.0)."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/predict",
        "raw_path": b"/v1/predict",
        "root_path": "",
        "query_string": query,
        "headers": [(b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return int(sent[0]["status"]), b"".join(message.get("body", b"") for message in sent[1:])
