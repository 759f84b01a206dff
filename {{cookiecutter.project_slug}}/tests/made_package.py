"""A sealed package of a cohort of recordings, made in a second: its network has learnt nothing, as
serving needs not.

Everything else is as training leaves it: the graph with its map and its calibration, schema,
summaries, golden case.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from risk_model.core.cohort import Cohort
from risk_model.core.files import write_atomically, write_json
from risk_model.core.input_policy import input_policy
from risk_model.core.package import CalibrationLine, Manifest, ModelPackage, seal
from risk_model.core.scorer import Scorer
from risk_model.data.drift_reference import reference
from risk_model.deployment.batch import score
from risk_model.model import Sample
from risk_model.model.baseline import LogisticRegression
from risk_model.model.explain import background
from risk_model.model.feature_subset import FeatureSubset
from risk_model.model.network import NetworkModel, build
from risk_model.training.calibration import Calibrator
from risk_model.training.onnx_calibration import append_calibrator

from tests.made_service import evaluation_of


def untrained(cohort: Cohort, network: Any) -> NetworkModel:
    """The network of these settings (a dataclass of the project's config), as it is before its
    first epoch.
    """
    torch.manual_seed(0)
    built = build(network.name, cohort.encoded(), 0.4, network, cohort.schema)
    return NetworkModel(built.eval(), cohort.schema.width)


def baseline(cohort: Cohort, settings: Any) -> FeatureSubset:
    """A logistic regression on the simple columns, with these settings."""
    schema, labels = cohort.schema, cohort.labels
    simple = np.ascontiguousarray(cohort.encoded()[:, : schema.simple])
    fitted = LogisticRegression.fit(Sample(simple, labels, np.ones(len(labels))), settings)
    return FeatureSubset(fitted, schema.simple, schema.width)


def package_of(
    directory: Path, cohort: Cohort, model: NetworkModel | FeatureSubset
) -> ModelPackage:
    """The model of that cohort behind a line of calibration, sealed and opened."""
    schema, line = cohort.schema.served(), Calibrator("platt", 0.8, -0.1)
    summary = reference(cohort, np.arange(len(cohort)))
    graph = append_calibrator(model.graph(), line)
    rows = background(summary, schema, n=1, seed=0)
    write_atomically(directory / "risk.onnx", graph)
    write_atomically(directory / "schema.json", schema.to_json().encode())
    write_atomically(directory / "model_card.md", b"# Model card\n")
    write_json(directory / "reference.json", summary)
    write_json(directory / "evaluation.json", evaluation_of(model.name).to_json())
    (directory / "explain").mkdir()
    np.save(directory / "explain" / "background.npy", rows)
    manifest = Manifest(
        model=model.name,
        cohort=schema.name,
        outcome=schema.outcome,
        fingerprint=cohort.fingerprint(),
        git="",
        versions={},
        operating_threshold=0.5,
        threshold_reason="made",
        gates={"test": "pass"},
        golden_risk=float(Scorer(graph)(rows)[0][0]),
        risk_step=0.01,
        input_policy=input_policy(cohort.encoded(), schema, "warn"),
        calibration=CalibrationLine(line.slope, line.intercept),
    )
    seal(directory, manifest)
    return ModelPackage.open(directory)


def risks_of_run_and_score(
    folder: Path, cohort: Cohort, network: Any, listing: pa.Table, step: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The risks of a cohort's rows as a run computes them, and as `score` does of their listing.

    Both are what the graph gave, before it is rounded. The network is untrained, and says that so
    many rows are computed together.
    """
    model, computed = untrained(cohort, network), []
    model.network.rows_at_once = step  # type: ignore[assignment]
    package = package_of(folder, cohort, model)
    of_run = Scorer((folder / "risk.onnx").read_bytes())(cohort.model_inputs())[0]
    pq.write_table(listing, folder / "list.parquet")
    call = Scorer.__call__

    def remembered(scorer: Scorer, *rows: Any) -> Any:
        computed.append(call(scorer, *rows))
        return computed[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scorer, "__call__", remembered)
        assert score(package, folder / "list.parquet", folder / "out.parquet").refused == 0
    return of_run, np.concatenate([risk for risk, _ in computed])


SERVED_ONCE = """
import asyncio, json, sys
from pathlib import Path
from risk_model.deployment import recording_explanations, serve
from risk_model.core.package import ModelPackage
recording_explanations.SECONDS = 300.0  # the result does not depend on how fast the machine is
app = serve.create_app(ModelPackage.open(Path(sys.argv[1])), Path(sys.argv[2]))
async def ask():
    sent = []
    async def receive(): return {"type": "http.request", "body": Path(sys.argv[3]).read_bytes()}
    async def send(message): sent.append(message)
    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/predict", "query_string": b""}
    scope["headers"] = headers
    await app(scope, receive, send)
    assert json.loads(sent[1]["body"])["explanation"]["available"], sent
asyncio.run(ask())
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
HEAVY = {
    "torch",
    "pandas",
    "sklearn",
    "scipy",
    "mlflow",
    "shap",
    "xgboost",
    "onnx",
    "pyarrow",
    "matplotlib",
    "hydra",
}


def training_libraries_that_serve(package: ModelPackage, body: bytes, where: Path) -> set[str]:
    """What of HEAVY a new process has loaded when it has answered and explained this body."""
    (where / "body.json").write_bytes(body)
    words = [package.directory, where / "once.db", where / "body.json"]
    path = {"PYTHONPATH": str(Path(__file__).parents[1] / "src"), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", SERVED_ONCE, *map(str, words)]
    run = subprocess.run(command, capture_output=True, text=True, env=path, check=True)
    return HEAVY & set(run.stdout.split())
