"""Inside the sandbox: one request a line, the candidate's function, one reply a line.

Run as `python -B adapters.py DESCRIPTOR TASK`. Requests come on stdin, replies go to the
descriptor; both are JSON. It holds no expected value, and imports nothing but the project's package
and what that needs. A reply is `{"value": ...}` or `{"raised": "ValueError"}`; a number that is
none (NaN, infinite) is a text, so that nobody mistakes it for one.
"""

from __future__ import annotations

import json
import math
import os
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

Request = dict[str, Any]
Handler = Callable[[Request], Any]


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


def network_class(seen: Request) -> Any:
    """A small network that notes the largest batch and whether gradients are recorded, in `seen`.

    A copy of it notes in the same place.
    """
    import torch
    from torch import Tensor, nn

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

    return Watched


def score_handler() -> Handler:
    """Task 3: the logits of a small network, and what became of the network."""
    import torch

    from risk_model.model.score import score

    seen: Request = {}
    network_of = network_class(seen)

    def state(network: Any) -> dict[str, Any]:
        buffers = {name: value.tolist() for name, value in network.state_dict().items()}
        return {**buffers, "modes": [module.training for module in network.modules()]}

    def handle(request: Request) -> Any:
        torch.manual_seed(0)
        seen.update(largest=0, recorded=False)
        network = network_of(request).train()
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


HANDLERS: dict[str, Callable[[], Handler]] = {
    "split": split_handler,
    "fit": fit_handler,
    "score": score_handler,
    "focal": focal_handler,
    "calibration": calibration_handler,
    "ece": ece_handler,
    "answer": lambda: import_module("service_adapter").answer_handler(),  # beside this file
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
