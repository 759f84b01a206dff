"""Inside the sandbox: one request a line, the candidate's function, one reply a line.

Run as `python -B adapters.py DESCRIPTOR TASK`. Requests come on stdin, replies go to the
descriptor; both are JSON. It holds no expected value, and imports nothing but the project's package
and what that needs. A reply is `{"value": ...}` or `{"raised": "ValueError"}`; a number that is
none (NaN, infinite) is a text, so that nobody mistakes it for one.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

Request = dict[str, Any]
Handler = Callable[[Request], Any]
TREE = Path(__file__).parent
AUDIT_FOLDER = "TAKE_HOME_AUDIT"  # the environment variable of it; "/audit" without
SLOW_DISK = 0.4  # seconds


def plain(value: Any) -> Any:
    """JSON of what a function gave back; "nan" and the like for what is no number."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # of numpy and torch
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return type(value).__name__


def array(values: Any, kind: str = "float64") -> Any:
    """A numpy array of a request's numbers; null stands for NaN."""
    import numpy as np

    return np.array(values, dtype=object if kind == "str" else np.float64).astype(
        object if kind == "str" else kind
    )


def split_handler() -> Handler:
    """Task 1: the part of each development row, by number."""
    import numpy as np
    import pandas as pd

    from risk_model import config
    from risk_model.core.cohort import Cohort
    from risk_model.core.schema import Field, Schema
    from risk_model.data.split import _allot

    def handle(request: Request) -> Any:
        n = len(request["outcome"])
        inputs = pd.DataFrame({"x": np.arange(n, dtype=np.float64)})
        index = pd.DataFrame(request["index"])
        outcome = array(request["outcome"], "int8")
        schema = Schema("made", "outcome", (Field("x", "number"),))
        cohort = Cohort(schema, inputs, outcome, index)
        subject, names = pd.factorize(cohort.subjects)
        train, validation, calibration = request["shares"]
        shares = config.Split(train, validation, calibration, folds=1)
        rows = array(request["rows"], "int64")
        return _allot(cohort, rows, subject, names, shares, request["seed"])

    return handle


def fit_handler() -> Handler:
    """Task 2: what is fitted, and its log odds for other rows; or the medians of columns."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression as Solver

    from risk_model.model import Sample
    from risk_model.model.baseline import LogisticRegression
    from risk_model.model.linear import Terms, column_medians

    def medians(request: Request) -> Any:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            found = column_medians(array(request["features"], "float32"))
        return {"medians": found, "type": str(found.dtype), "warnings": len(warned)}

    def handle(request: Request) -> Any:
        if "labels" not in request:
            return medians(request)
        features = array(request["features"], "float32")
        rows = Sample(features, array(request["labels"], "int8"), array(request["weights"]))
        other = request.get("terms_of")
        terms = Terms.fit(array(other, "float32")).straight() if other else None
        solver = Solver(C=request["c"], tol=1e-10, max_iter=20_000)
        model = LogisticRegression.fit_solver(rows, solver, terms)
        said = model.logit(array(request["asked"], "float32"))
        reported = {name: getattr(model, name) for name in ("mean", "scale", "weight", "bias")}
        return {"logit": np.asarray(said), **reported}

    return handle


def score_handler() -> Handler:
    """Task 3: the logits of a small network, and what became of the network."""
    import torch
    from torch import Tensor, nn

    from risk_model.model.score import score

    # The largest batch, and whether gradients were recorded, by the network or a copy of it.
    seen: dict[str, Any] = {}

    class Watched(nn.Module):
        """Rows to logits; notes what passes."""

        def __init__(self, request: Request) -> None:
            super().__init__()
            weight = torch.tensor(request["weight"])
            self.norm = nn.BatchNorm1d(weight.shape[1])
            self.dropout = nn.Dropout(0.5)
            self.last = nn.Linear(weight.shape[1], weight.shape[0])
            self.last.weight.data, self.last.bias.data = weight, torch.tensor(request["bias"])
            self.norm.running_mean = torch.tensor(request["mean"])
            self.norm.running_var = torch.tensor(request["variance"])
            self.flat, self.fails = request["flat"], request["fails"]
            self.identity = request["identity"]

        def forward(self, rows: Tensor) -> Tensor:
            seen["largest"] = max(seen["largest"], len(rows))
            if self.fails:
                raise OverflowError
            if self.identity:
                return rows
            logits: Tensor = self.last(self.dropout(self.norm(rows)))
            seen["recorded"] |= logits.requires_grad
            return logits[:, 0] if self.flat else logits

    def state(network: Watched) -> dict[str, Any]:
        buffers = {name: value.tolist() for name, value in network.state_dict().items()}
        return {**buffers, "modes": [module.training for module in network.modules()]}

    def handle(request: Request) -> Any:
        torch.manual_seed(0)
        seen.update(largest=0, recorded=False)
        network = Watched(request).train()
        network.norm.train(not request["frozen"])
        before, features = state(network), torch.tensor(request["features"])
        said: dict[str, Any] = {"calls": []}
        for _ in range(request["calls"]):
            try:
                logits = score(network, features, request["chunk"])
            except OverflowError as error:  # the network's own
                said["calls"].append(type(error).__name__)
            else:
                said |= {"type": str(logits.dtype), "gradients": logits.requires_grad}
                said["calls"].append(logits.detach())
        return {**said, **seen, "unchanged": state(network) == before}

    return handle


def focal_handler() -> Handler:
    """Task 4: the loss and its gradient."""
    import torch

    from risk_model.training.loss import focal

    def handle(request: Request) -> Any:
        kind = getattr(torch, request["type"])
        logits = torch.tensor(request["logits"], dtype=kind, requires_grad=True)
        labels = torch.tensor(request["labels"], dtype=kind)
        given = torch.sigmoid(logits) if request["activated"] else logits
        loss = focal(given, labels, request["gamma"])
        loss.backward()  # type: ignore[no-untyped-call]
        return {"loss": loss.detach(), "shape": list(loss.shape), "gradient": logits.grad}

    return handle


def calibration_handler() -> Handler:
    """Task 5: the risks that a calibrator gives for log odds."""
    from risk_model.training import calibration

    def handle(request: Request) -> Any:
        logit, labels = array(request["logit"]), array(request["labels"], "int8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if "pos_weight" in request:
                made = calibration.prior_correction(request["pos_weight"], logit, labels)
            else:
                made = calibration.platt(logit, labels)
        return {"risk": made(array(request["asked"])), "slope": float(made.slope)}

    return handle


def ece_handler() -> Handler:
    """Task 6: the error."""
    from risk_model.evaluation.metrics import expected_calibration_error

    def handle(request: Request) -> Any:
        outcome, risk = array(request["outcome"], "int64"), array(request["risk"])
        return expected_calibration_error(outcome, risk, array(request["edges"]))

    return handle


def answer_handler() -> Handler:
    """Task 7: status and body of the service's response to a body, under the faults asked for."""
    from risk_model.core.package import ModelPackage
    from risk_model.deployment import audit, explanations
    from risk_model.deployment.app import create_app

    # No answer depends on how fast the machine is.
    audit.DISK_SECONDS = explanations.FIELD_SECONDS = 60.0
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
        return create_app(package, folder / "audit.db")

    app = runner.run(create())
    log = app.state.service.audit
    commit = log._commit

    def faulty(bodies: list[bytes]) -> None:
        if fault["disk"] == "fails":
            raise OSError
        if fault["disk"] == "slow":
            time.sleep(SLOW_DISK)
        commit(bodies)

    log._commit = faulty

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


HANDLERS: dict[str, Callable[[], Handler]] = {
    "split": split_handler,
    "fit": fit_handler,
    "score": score_handler,
    "focal": focal_handler,
    "calibration": calibration_handler,
    "ece": ece_handler,
    "answer": answer_handler,
}


def reply(handler: Handler | str, request: Request) -> Request:
    """What the function says to a request, or the kind of exception that it ended with."""
    if isinstance(handler, str):
        return {"broken": handler}
    try:
        return {"value": plain(handler(request))}
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return {"raised": type(error).__name__}


def main(descriptor: int, task: str) -> None:
    """Answers requests until stdin ends."""
    try:
        import_module("risk_model")
        handler: Handler | str = HANDLERS[task]()
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        handler = type(error).__name__
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        for line in sys.stdin:
            out.write(json.dumps(reply(handler, json.loads(line))) + "\n")
            out.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
