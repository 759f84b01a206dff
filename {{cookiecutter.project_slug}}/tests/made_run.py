"""A finished run on made-up patients: made once, for whatever reads a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from risk_model import artifacts, pipeline
from risk_model.config import Config, Synthetic
from risk_model.data.prepare import Prepared, prepare
from risk_model.reporting.content import ReportContent, report_content


@dataclass(frozen=True)
class Run:
    """A run's directory, the cohort it learnt from, and the content of its report."""

    directory: Path
    prepared: Prepared
    content: ReportContent


def small_run(where: Path) -> Run:
    """Three thousand patients of five hospitals, and models too small to be good."""
    settings = Config(data=Synthetic(subjects=3000), runs=str(where / "runs"))
    settings.deployment.tracking_uri = f"sqlite:///{where / 'mlflow.db'}"
    settings.split.folds, settings.split.test_events = 2, 20
    settings.model.logistic_regression.c, settings.model.xgboost.trees = 0.1, 20
    settings.training.epochs, settings.evaluation.resamples = 2, 50
    network = settings.model.network
    network.members, network.width, network.blocks = 2, 16, 1
    prepared = prepare(settings)
    directory = pipeline.train(settings, prepared)
    evaluation = pipeline.evaluate_run(settings, directory, prepared)
    pipeline.report_run(settings, directory, prepared)
    record = artifacts.read_training(directory)
    validated = artifacts.read_internal_external(directory)
    content = report_content(settings, directory, prepared, record, evaluation, validated)
    return Run(directory, prepared, content)
