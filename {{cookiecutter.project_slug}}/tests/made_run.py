"""A finished run on made-up patients, for the tests of what reads a run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from risk_model import pipeline
from risk_model.config import Config, Synthetic
from risk_model.core.files import read_json
from risk_model.data.prepare import Prepared, prepare
from risk_model.reporting.content import report_facts
from risk_model.reporting.documents import write_documents


@dataclass(frozen=True)
class Run:
    """A run's directory, the cohort it learnt from, and the facts its report is written from."""

    directory: Path
    prepared: Prepared
    facts: dict[str, Any]


def small_run(where: Path) -> Run:
    """A run with its documents: 3,000 patients of five hospitals, models too small to be good."""
    settings = Config(data=Synthetic(subjects=3000), runs=str(where / "runs"))
    settings.deployment.tracking_uri = f"sqlite:///{where / 'mlflow.db'}"
    settings.model.xgboost.trees, settings.training.epochs = 20, 2
    settings.evaluation.resamples = 50
    network = settings.model.network
    network.members, network.width, network.blocks = 2, 16, 1
    prepared = prepare(settings)
    directory = pipeline.train(settings, prepared)
    evaluation = pipeline.evaluate_run(settings, directory, prepared)
    training = read_json(directory / "training.json")
    facts = report_facts(settings, directory, prepared, training, evaluation)
    facts["fields"] = [asdict(f) for f in prepared.cohort.schema.fields]
    facts = json.loads(json.dumps(facts))
    write_documents(directory, facts)
    return Run(directory, prepared, facts)
