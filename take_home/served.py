"""The model package that the service of task 7 serves: made by hand, of four made-up fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from risk_model.core.decision import Decision
from risk_model.core.estimate import Estimate
from risk_model.core.files import write_json
from risk_model.core.input_policy import Bounds, InputPolicy
from risk_model.core.package import Manifest, seal
from risk_model.core.schema import Field, Schema
from risk_model.core.scorer import Scorer
from risk_model.evaluation.results import (
    GateVerdict,
    ModelEvaluation,
    OutcomesPer1000,
    PartEvaluation,
    RunEvaluation,
)
from risk_model.model.explain import background

MODEL = "logistic_regression"
THRESHOLD = 0.3  # not .5, so that a fixed .5 is noticed
RISK_STEP = 0.01
WEIGHTS, INTERCEPT = {"age": 0.03, "heart_rate": 0.01, "lactate": 0.35, "diabetes": 0.2}, -4.6
SCHEMA = Schema(
    "ward",
    "death",
    (
        Field("age", "number", unit="a", minimum=18, maximum=120, missing_allowed=False),
        Field("heart_rate", "number", unit="/min", minimum=20, maximum=300),
        Field("lactate", "number", unit="mmol/L", minimum=0, maximum=40),
        Field("diabetes", "boolean"),
    ),
)
REFERENCE: dict[str, Any] = {
    "rows": 1000,
    "fields": {
        "age": {"missing": 0.0, "quantiles": list(np.linspace(20, 95, 101))},
        "heart_rate": {"missing": 0.05, "quantiles": list(np.linspace(45, 160, 101))},
        "lactate": {"missing": 0.4, "quantiles": list(np.linspace(0.5, 9, 101))},
        "diabetes": {"missing": 0.1, "shares": {"true": 0.2, "false": 0.7}},
    },
}

POLICY = InputPolicy(
    rows=1000,
    least_recorded=1,
    hardly_missing={},
    bounds={
        "age": Bounds(18, 95),
        "heart_rate": Bounds(45, 160),
        "lactate": Bounds(0.5, 12),
        "diabetes": Bounds(0, 1),
    },
)


def make_package(directory: Path) -> None:
    """Writes and seals the package; the same bytes each time."""
    graph = _graph().SerializeToString()
    rows = background(REFERENCE, SCHEMA, 100, seed=0)
    (directory / "explain").mkdir(parents=True)
    (directory / "risk.onnx").write_bytes(graph)
    (directory / "schema.json").write_text(SCHEMA.to_json(), encoding="utf-8")
    (directory / "reference.json").write_text(json.dumps(REFERENCE), encoding="utf-8")
    (directory / "model_card.md").write_text(
        "# Model card\n\nMade by hand; of no patient.\n", encoding="utf-8"
    )
    np.save(directory / "explain/background.npy", rows)
    write_json(directory / "evaluation.json", _evaluation().to_json())
    seal(directory, _manifest(float(Scorer(graph)(rows[:1])[0][0])))


def _manifest(golden_risk: float) -> Manifest:
    return Manifest(
        model=MODEL,
        cohort=SCHEMA.name,
        outcome=SCHEMA.outcome,
        fingerprint="",
        git="",
        versions={},
        operating_threshold=THRESHOLD,
        threshold_reason="made by hand",
        gates={"test": "pass"},
        golden_risk=golden_risk,
        risk_step=RISK_STEP,
        input_policy=POLICY,
        calibration=None,
    )


def _graph() -> onnx.ModelProto:
    """A logistic regression in which a missing value counts 0: features to risk and logit."""
    constants = {
        "nothing": np.zeros(SCHEMA.width, dtype=np.float32),
        "weight": np.array([[WEIGHTS[field.name]] for field in SCHEMA.inputs], dtype=np.float32),
        "intercept": np.array([INTERCEPT], dtype=np.float32),
        "last": np.array([1]),
    }
    nodes = [
        helper.make_node("IsNaN", ["features"], ["absent"]),
        helper.make_node("Where", ["absent", "nothing", "features"], ["filled"]),
        helper.make_node("MatMul", ["filled", "weight"], ["weighed"]),
        helper.make_node("Add", ["weighed", "intercept"], ["column"]),
        helper.make_node("Squeeze", ["column", "last"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["risk"]),
    ]
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", SCHEMA.width])
    graph = helper.make_graph(
        nodes,
        "risk",
        [features],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n"]) for n in ("risk", "logit")],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def _evaluation() -> RunEvaluation:
    """What the evaluation of a model on 100 patients may say."""
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
        threshold=THRESHOLD,
        decision=Decision(),
        resamples=100,
        minimum_events=10,
        bounds={},
        comparator=MODEL,
        parts={"test": PartEvaluation(100, 90, 20, 0.2, 0, {MODEL: evaluation})},
        gates={"test": {MODEL: GateVerdict("pass", [])}},
        findings=[],
    )
