"""What is served and scored in the benchmarks? A sealed package of an untrained network:
60-128-128-1, or wider.

    python benchmarks/packages.py DIRECTORY

writes one of 50 numbers and 10 categories, for serving.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from training_loop import Mlp

from risk_model.core.decision import Decision
from risk_model.core.files import write_json
from risk_model.core.input_policy import input_policy
from risk_model.core.package import Manifest, ModelPackage, seal
from risk_model.core.schema import Field, Schema
from risk_model.core.scorer import Scorer
from risk_model.evaluation.results import RunEvaluation
from risk_model.model.explain import background
from risk_model.model.export import trace
from risk_model.training.calibration import Calibrator
from risk_model.training.onnx_calibration import append_calibrator

UNITS = ("", "mmol/L")
WARDS = ("medical", "surgical", "intensive")
# Nobody evaluated these models: the server reads the file, and has no part to tell of.
EVALUATION = RunEvaluation(0.5, Decision(), 0, 0, {}, "", {}, {}, [])


class Filled(nn.Module):
    """Zero for what is missing."""

    def forward(self, rows: Tensor) -> Tensor:
        """The rows without NaN."""
        return torch.nan_to_num(rows)


def schema(numbers: int, categories: int) -> Schema:
    """Numbers between -10 and 10, of which each second has a unit, and categories of three."""
    fields = [
        Field(f"number {i}", "number", UNITS[i % 2], minimum=-10.0, maximum=10.0)
        for i in range(numbers)
    ]
    fields += [Field(f"ward {i}", "category", categories=WARDS) for i in range(categories)]
    return Schema("benchmark", "event", tuple(fields))


def build(directory: Path, numbers: int, categories: int) -> ModelPackage:
    """Writes and seals a package of so many numbers and categories."""
    return untrained(directory, schema(numbers, categories))


def untrained(
    directory: Path, fields: Schema, missing: float = 0.0, bound: float = 2.0
) -> ModelPackage:
    """Writes and seals a package of these fields.

    Their numbers lie between -bound and bound, and such a share of them is missing.
    """
    torch.manual_seed(0)
    width = len(fields.features)
    graph = trace(
        nn.Sequential(Filled(), Mlp(width)).eval(), np.zeros((2, width), dtype=np.float32)
    )
    (directory / "explain").mkdir(parents=True)
    (directory / "risk.onnx").write_bytes(append_calibrator(graph, Calibrator("identity")))
    (directory / "schema.json").write_text(fields.to_json(), encoding="utf-8")
    (directory / "model_card.md").write_text("# Benchmark\n", encoding="utf-8")
    quantiles = {"missing": missing, "quantiles": np.linspace(-bound, bound, 101).tolist()}
    shares = {"missing": 0.0, "shares": dict.fromkeys(WARDS, 1 / 3)}
    reference = {
        field.name: quantiles if field.kind == "number" else shares for field in fields.fields
    }
    write_json(directory / "reference.json", {"rows": 1000, "fields": reference})
    write_json(directory / "evaluation.json", EVALUATION.to_json())
    rows = background({"fields": reference}, fields, 1000, seed=0)
    np.save(directory / "explain" / "background.npy", rows[:100])
    golden, _ = Scorer((directory / "risk.onnx").read_bytes())(rows[:1])
    manifest = Manifest(
        model="network",
        cohort=fields.name,
        outcome=fields.outcome,
        fingerprint="",
        git="",
        versions={},
        operating_threshold=0.5,
        threshold_reason="benchmark",
        gates={"test": "pass"},
        golden_risk=float(golden[0]),
        risk_step=0.01,
        input_policy=input_policy(rows, fields, "warn"),
        calibration=None,
    )
    seal(directory, manifest)
    return ModelPackage.open(directory)


if __name__ == "__main__":
    build(Path(sys.argv[1]), numbers=50, categories=10)
