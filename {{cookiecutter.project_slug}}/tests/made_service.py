"""A small sealed package made by hand, a patient, and a real server process."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from risk_model.core.decision import Decision
from risk_model.core.estimate import Estimate
from risk_model.core.files import write_json
from risk_model.core.input_policy import InputCheck, InputPolicy, Unusual, input_policy
from risk_model.core.package import Manifest, ModelPackage, seal
from risk_model.core.schema import Field, Schema
from risk_model.core.scorer import Scorer
from risk_model.deployment.requests import field_units
from risk_model.evaluation.results import (
    GateVerdict,
    ModelEvaluation,
    OutcomesPer1000,
    PartEvaluation,
    RunEvaluation,
)
from risk_model.model.explain import background

SCHEMA = Schema(
    "ward",
    "death",
    (
        Field("age", "number", unit="a", minimum=18, maximum=120, missing_allowed=False),
        Field("heart_rate", "number", unit="/min", minimum=20, maximum=300),
        Field("lactate", "number", unit="mmol/L", minimum=0, maximum=40, missing_flag=True),
        Field("sex", "category", categories=("female", "male"), missing_flag=True),
        Field("ward/unit", "category", categories=("ICU", 'surgery "B"', "Ärzte")),
        Field("diabetes", "boolean", missing_flag=True),
        Field("died_on", "number", recorded_after=True),
    ),
)
REFERENCE: dict[str, Any] = {
    "rows": 1000,
    "fields": {
        "age": {"missing": 0.0, "quantiles": list(np.linspace(20, 95, 101))},
        "heart_rate": {"missing": 0.05, "quantiles": list(np.linspace(45, 160, 101))},
        "lactate": {"missing": 0.4, "quantiles": list(np.linspace(0.5, 9, 101))},
        "sex": {"missing": 0.02, "shares": {"female": 0.5, "male": 0.48}},
        "ward/unit": {"missing": 0.0, "shares": {"ICU": 0.3, 'surgery "B"': 0.7}},
        "diabetes": {"missing": 0.1, "shares": {"true": 0.2, "false": 0.7}},
    },
}
GUARD = 300.0  # seconds after which a test that hangs is ended; nothing is expected to be that slow
PATIENT: dict[str, Any] = {
    "age": 71,
    "heart_rate": 96.5,
    "lactate": 2.1,
    "sex": "female",
    "ward/unit": "ICU",
    "diabetes": False,
}


UNITS = field_units(SCHEMA)


def request_body(inputs: Any, **more: Any) -> dict[str, Any]:
    """A request with these inputs, in the schema's units."""
    units = {name: unit for name, unit in UNITS.items() if name in inputs}
    return {"inputs": inputs, **({"units": units} if units else {}), **more}


def policy_of(schema: Schema, reference: dict[str, Any], unusual: Unusual = "warn") -> InputPolicy:
    """The policy that 1,000 training rows of that reference give."""
    return input_policy(background(reference, schema, 1000, seed=1), schema, unusual)


def logistic_graph(
    weights: np.ndarray, intercept: float, fill: np.ndarray, scale: float = 0.8
) -> onnx.ModelProto:
    """A logistic regression with median imputation and Platt scaling: features -> risk, logit."""
    d = len(weights)
    constants: dict[str, np.ndarray] = {
        "fill": fill.astype(np.float32),
        "w": weights.astype(np.float64)[:, None],
        "b": np.array([intercept]),
        "scale": np.array([scale]),
        "last": np.array([1]),
    }
    nodes = [
        helper.make_node("IsNaN", ["features"], ["absent"]),
        helper.make_node("Where", ["absent", "fill", "features"], ["filled"]),
        helper.make_node("Cast", ["filled"], ["x"], to=TensorProto.DOUBLE),
        helper.make_node("MatMul", ["x", "w"], ["xw"]),
        helper.make_node("Add", ["xw", "b"], ["column"]),
        helper.make_node("Squeeze", ["column", "last"], ["z"]),
        helper.make_node("Cast", ["z"], ["logit"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["z", "scale"], ["scaled"]),
        helper.make_node("Sigmoid", ["scaled"], ["p"]),
        helper.make_node("Cast", ["p"], ["risk"], to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(
        nodes,
        "risk",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", d])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"])
            for name in ("risk", "logit")
        ],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def evaluation_of(model: str) -> RunEvaluation:
    """What an evaluation of one model on 100 patients may say."""
    evaluation = ModelEvaluation(
        metrics={"auroc": Estimate(0.8, 0.7, 0.9), "auprc": Estimate(None)},
        raw={},
        differences={},
        per_1000=OutcomesPer1000(*map(Estimate, (100.0, 100.0, 200.0, 600.0))),
        per_1000_sentence="",
        required_rows=[],
        curves=None,
        subgroups=[],
        parity={},
    )
    return RunEvaluation(
        threshold=0.2,
        decision=Decision(),
        resamples=100,
        minimum_events=10,
        bounds={},
        comparator=model,
        parts={"test": PartEvaluation(100, 90, 20, 0.2, 0, {model: evaluation})},
        gates={"test": {model: GateVerdict("pass", [])}},
        findings=[],
    )


def make_package(
    directory: Path,
    schema: Schema = SCHEMA,
    reference: dict[str, Any] = REFERENCE,
    graph: onnx.ModelProto | None = None,
    **changes: Any,
) -> ModelPackage:
    """Writes and seals a package, by default a small logistic regression, and opens it."""
    d = schema.width
    rng = np.random.default_rng(0)
    graph = graph or logistic_graph(rng.normal(0, 0.02, d), -2.0, np.full(d, 1.0))
    rows = background(reference, schema, 100, seed=0)
    policy = policy_of(schema, reference)
    first = InputCheck(policy, schema).most_usual(rows)
    rows[[0, first]] = rows[[first, 0]]
    (directory / "explain").mkdir(parents=True)
    (directory / "risk.onnx").write_bytes(graph.SerializeToString())
    (directory / "schema.json").write_text(schema.to_json())
    (directory / "reference.json").write_text(json.dumps(reference))
    (directory / "model_card.md").write_text("# Model card\n")
    np.save(directory / "explain/background.npy", rows)
    manifest = Manifest(
        model="logistic_regression",
        cohort=schema.name,
        outcome=schema.outcome,
        fingerprint="",
        git="",
        versions={},
        operating_threshold=0.2,
        threshold_reason="made",
        gates={"test": "pass"},
        golden_risk=float(Scorer(graph.SerializeToString())(rows[:1])[0][0]),
        risk_step=0.01,
        input_policy=policy,
        calibration=None,
    )
    manifest = replace(manifest, **changes)
    write_json(directory / "evaluation.json", evaluation_of(manifest.model).to_json())
    seal(directory, manifest)
    return ModelPackage.open(directory)


class Server:
    """A served package in a process of its own; `first_line` is what it said at its start."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process, self.first_line = process, first_line(process.stdout.fileno())
        if not self.first_line:
            pytest.fail(f"the server did not start: {process.communicate()[1]}")
        ports = re.search(r"http://[^ ]*:(\d+), health on port (\d+)", self.first_line)
        assert ports is not None
        self.port = int(ports[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=GUARD)
        self.health = httpx.Client(base_url=f"http://127.0.0.1:{ports[2]}", timeout=GUARD)

    def predict(self, inputs: Any, **more: Any) -> httpx.Response:
        return self.client.post("/v1/predict", json=request_body(inputs, **more))

    def post(self, body: bytes, **headers: str) -> httpx.Response:
        return self.client.post(
            "/v1/predict", content=body, headers={"content-type": "application/json", **headers}
        )

    def stop(self) -> str:
        """Ends the server with SIGTERM and returns what it wrote to stderr."""
        self.close()
        self.process.terminate()
        return self.process.communicate(timeout=GUARD)[1]

    def close(self) -> None:
        """Ends this side's connections."""
        self.client.close()
        self.health.close()


def peak_memory(process: int) -> int:
    """The most memory that a process ever held, in kB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def first_line(pipe: int) -> str:
    """The first line that comes; the others stay in the pipe, for whoever reads on."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(pipe, 1)):
        line += byte
    return line.decode()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


# No answer of a test depends on how fast the machine is.
NO_DEADLINES = """
from risk_model.deployment import admission, explanations, health, http_guard, requests
from risk_model.deployment.audit import log as audit_log
audit_log.DISK_SECONDS = explanations.FIELD_SECONDS = requests.BODY_SECONDS = 300.0
admission.SECONDS = health.CHECK_SECONDS = health.STUCK_SECONDS = 300.0
http_guard.HEAD_SECONDS = http_guard.BODY_SECONDS = 300.0
"""
SERVE = """
import sys
from pathlib import Path, PosixPath
from risk_model.deployment.serve import serve
from risk_model.deployment.server_settings import ServerSettings
from risk_model.core.errors import UserError
{NO_DEADLINES}
host, settings = "127.0.0.1", ServerSettings(**{settings!r})
{before}
package, port, log, accept = sys.argv[1:]
try:
    serve(Path(package), host, int(port), Path(log), accept, settings)
except UserError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
"""


def start(
    package: Path, port: int, audit: Path, accept: str = "", before: str = "", **settings: Any
) -> subprocess.Popen[str]:
    """Starts the server; `before` is Python that runs in it first, `settings` ServerSettings."""
    settings = {"health_port": 0, "requests_per_minute": 0, **settings}
    command = [
        sys.executable,
        "-c",
        SERVE.format(NO_DEADLINES=NO_DEADLINES, before=before, settings=settings),
        str(package),
        str(port),
        str(audit),
        accept,
    ]
    source = str(Path(__file__).parents[1] / "src")
    environment = {**os.environ, "PYTHONPATH": source, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


@contextmanager
def running(
    package: Path, audit: Path, accept: str = "", before: str = "", **settings: Any
) -> Iterator[Server]:
    """A server that answers, ended with the block."""
    process = start(package, 0, audit, accept, before, **settings)
    try:
        server = Server(process)
        _until_alive(server)
        yield server
        server.close()
    finally:
        process.kill()
        process.communicate()


def _until_alive(server: Server) -> None:
    deadline = time.monotonic() + GUARD
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            pytest.fail(f"the server did not start: {server.process.communicate()[1]}")
        try:
            server.client.get("/livez")
            return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("the server did not answer in time")
