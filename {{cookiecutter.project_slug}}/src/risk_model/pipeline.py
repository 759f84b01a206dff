"""How does patient data become a served, audited risk model? Read this file first: the rooms in the
lesson's order.

    prepared = prepare(settings)                           data
    directory = train(settings, prepared)                  model and training
    judged = evaluate_run(settings, directory, prepared)   evaluation
    register_run(settings, directory)                      deployment

Rooms hand on files of the run's directory and a few types of the hall, so each step can also run
alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model import artifacts
from risk_model.config import Config
from risk_model.config.serialisation import settings_to_dict
from risk_model.core.cohort import Cohort, Splits
from risk_model.core.errors import UserError
from risk_model.core.files import read_json, write_json
from risk_model.core.package import Scorer
from risk_model.core.predictions import prediction_table
from risk_model.core.runs import new_run, provenance
from risk_model.core.tracking import training_run
from risk_model.data.prepare import Prepared
from risk_model.data.split import split
from risk_model.deployment.registry import register
from risk_model.evaluation import evaluate
from risk_model.model.export import check_parity
from risk_model.reporting.content import report_facts
from risk_model.reporting.documents import write_documents
from risk_model.reporting.report import write_report
from risk_model.training.calibration import Calibrator, choose_calibrator, sigmoid
from risk_model.training.champion import Champion, choose_champion
from risk_model.training.fit import fit_models
from risk_model.training.loss import positive_weight
from risk_model.training.monitor import Monitor
from risk_model.training.onnx_calibration import attach
from risk_model.validation.internal_external import leave_out

Risks = dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Fitted:
    """What leaves the training room: a calibrated graph a model, the choice between them, and every
    row's risk.
    """

    graphs: dict[str, bytes]
    calibrators: dict[str, Calibrator]
    champion: Champion
    raw: Risks
    calibrated: Risks


def fit(settings: Config, cohort: Cohort, splits: Splits, monitor: Monitor) -> Fitted:
    """Fits on train, stops on validation, calibrates and chooses on calibration.

    What is calibrated, chosen and served is each model's exported graph, once it was found equal to
    the model.
    """
    features, held = cohort.encoded(), splits.calibration
    labels, subjects = cohort.labels[held], cohort.subjects[held]
    models = fit_models(features, cohort.labels, splits, cohort.schema, settings, monitor)
    logits = {name: check_parity(model, features) for name, model in models.items()}
    weight = positive_weight(cohort.labels[splits.train], settings.training)
    of_held = {name: logit[held] for name, logit in logits.items()}
    calibrators = {
        name: choose_calibrator(
            z, labels, subjects, settings.seed, settings=settings.training, pos_weight=weight
        )
        for name, z in of_held.items()
    }
    champion = choose_champion(of_held, labels, subjects, settings.seed, settings, weight)
    graphs = {name: attach(model.graph(), calibrators[name]) for name, model in models.items()}
    calibrated = {name: Scorer(graph)(features)[0] for name, graph in graphs.items()}
    return Fitted(
        graphs, calibrators, champion, {name: sigmoid(z) for name, z in logits.items()}, calibrated
    )


def train(settings: Config, prepared: Prepared) -> Path:
    """Fits, calibrates and chooses; returns the run's directory, which appears whole or not
    at all.
    """
    name = prepared.cohort.schema.name
    parameters = {"data": name, "loss": settings.training.loss, "seed": str(settings.seed)}
    with (
        new_run(settings.runs, name) as (partial, final),
        training_run(settings.deployment.tracking_uri, name, parameters) as run_id,
    ):
        monitor = Monitor(settings.deployment.tracking_uri, run_id)
        fitted = fit(settings, prepared.cohort, prepared.splits, monitor)
        if settings.split.folds > 1:
            _out_of_fold(settings, prepared.cohort, fitted).to_parquet(partial / artifacts.POOLED)
        for model, graph in fitted.graphs.items():
            artifacts.write_model(partial / "packages" / model, graph, prepared, settings.seed)
        write_json(partial / "config.json", settings_to_dict(settings))
        decided = artifacts.decisions(settings, prepared, fitted.champion, fitted.calibrators)
        history = {"history": monitor.to_dict(), "mlflow_run": run_id}
        write_json(partial / "training.json", {**decided, **history, **provenance().to_json()})
    return final


def _out_of_fold(settings: Config, cohort: Cohort, first: Fitted) -> pd.DataFrame:
    """Every development subject's risk from models that never saw the subject, pooled over the
    folds.

    Fold 0 is the ordinary split, whose models are the ones packaged.
    """
    tables = []
    for fold in range(settings.split.folds):
        splits = split(cohort, settings.split, settings.data, settings.seed, fold=fold)
        fitted = fit(settings, cohort, splits, Monitor()) if fold else first
        table = prediction_table(cohort, splits, fitted.calibrated, fitted.raw)
        tables.append(table[table["split"] == "test"].assign(split=artifacts.OUT_OF_FOLD))
    return pd.concat(tables, ignore_index=True)


def evaluate_run(settings: Config, directory: Path, prepared: Prepared) -> dict[str, Any]:
    """Opens the test split and the external cohorts for the first time; writes the report and seals
    the packages.
    """
    facts = read_json(directory / "training.json")
    if facts["fingerprint"] != prepared.cohort.fingerprint():
        raise UserError(
            f"{directory}: was trained on other data than {settings.data.name} holds now; train "
            "again"
        )
    table = artifacts.judged_predictions(directory, prepared)
    judged = evaluate(
        table, facts["threshold"], settings.evaluation, settings.data.decision, settings.seed
    )
    table.to_parquet(directory / "predictions.parquet")
    left_out = leave_out(settings, prepared.cohort, facts["threshold"])
    write_json(directory / "evaluation.json", judged)
    write_json(directory / "leave_out.json", left_out)
    artifacts.seal_packages(directory, facts, judged)
    shown = report_facts(settings, directory, prepared, facts, judged) | {"left_out": left_out}
    write_report(directory / "report.html", shown)
    write_documents(directory, shown)
    return judged


def register_run(settings: Config, directory: Path) -> list[dict[str, Any]]:
    """The run's packages become versions in the registry: the champion, the next best as
    challenger, the rest.
    """
    facts = read_json(directory / "training.json")
    champion = facts["champion"]["name"]
    if settings.accept:
        artifacts.accept_package(directory, champion, settings.accept)
    others = sorted(
        (row["log_loss"], row["model"])
        for row in facts["champion"]["table"]
        if row["model"] != champion
    )
    name = settings.deployment.registered_name or facts["cohort"]
    return register(
        artifacts.packages(directory),
        champion,
        others[0][1],
        name,
        settings.deployment,
        facts["mlflow_run"],
    )
