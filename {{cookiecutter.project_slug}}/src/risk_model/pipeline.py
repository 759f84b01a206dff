"""How does patient data become a served, audited risk model? Read this file first: the rooms in the lesson's order.

    prepared = prepare(settings)                           data
    directory = train(settings, prepared)                  model and training
    judged = evaluate_run(settings, directory, prepared)   evaluation
    register_run(settings, directory)                      deployment

Rooms hand on files of the run's directory and a few types of the hall, so each step can also run alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.cohort import Cohort, Rows, Splits
from risk_model.config import Config
from risk_model.config.compose import to_container
from risk_model.data.prepare import Prepared
from risk_model.data.reference import reference
from risk_model.data.split import split
from risk_model.deployment.registry import register
from risk_model.errors import UserError
from risk_model.evaluation import evaluate
from risk_model.evaluation.reporting.card import model_card
from risk_model.evaluation.reporting.facts import report_facts
from risk_model.evaluation.reporting.report import write_report
from risk_model.evaluation.utility import operating_threshold
from risk_model.model.explain import background
from risk_model.model.export import check_parity
from risk_model.package import Scorer, seal, write_atomically
from risk_model.predictions import prediction_table
from risk_model.runs import mlflow_run, new_run, provenance, read_json, write_json
from risk_model.training.calibration import Calibrator, attach, choose_calibrator, sigmoid
from risk_model.training.champion import Champion, choose_champion
from risk_model.training.fit import fit_models
from risk_model.training.loss import positive_weight
from risk_model.training.monitor import Monitor

Risks = dict[str, npt.NDArray[np.float64]]
OUT_OF_FOLD = "out of fold"
BACKGROUND = 100  # synthetic rows that explanations compare a patient with


@dataclass(frozen=True)
class Fitted:
    """What leaves the training room: a calibrated graph a model, the choice between them, and every row's risk."""

    graphs: dict[str, bytes]
    calibrators: dict[str, Calibrator]
    champion: Champion
    raw: Risks
    calibrated: Risks


def fit(settings: Config, cohort: Cohort, splits: Splits, monitor: Monitor) -> Fitted:
    """Fits on train, stops on validation, calibrates and chooses on calibration.

    What is calibrated, chosen and served is each model's exported graph, once it was found equal to the model.
    """
    features, held = cohort.encoded(), splits.calibration
    labels, subjects = cohort.labels[held], cohort.subjects[held]
    models = fit_models(features, cohort.labels, splits, cohort.schema, settings, monitor)
    logits = {name: check_parity(model, features) for name, model in models.items()}
    weight = positive_weight(cohort.labels[splits.train], settings.training)
    of_held = {name: logit[held] for name, logit in logits.items()}
    calibrators = {
        name: choose_calibrator(z, labels, subjects, settings.seed, settings=settings.training, pos_weight=weight)
        for name, z in of_held.items()
    }
    champion = choose_champion(of_held, labels, subjects, settings.seed, settings, weight)
    graphs = {name: attach(model.graph(), calibrators[name]) for name, model in models.items()}
    calibrated = {name: Scorer(graph)(features)[0] for name, graph in graphs.items()}
    return Fitted(graphs, calibrators, champion, {name: sigmoid(z) for name, z in logits.items()}, calibrated)


def train(settings: Config, prepared: Prepared) -> Path:
    """Fits, calibrates and chooses; returns the run's directory, which appears whole or not at all."""
    name = prepared.cohort.schema.name
    parameters = {"data": name, "loss": settings.training.loss, "seed": str(settings.seed)}
    with (
        new_run(settings, name) as (partial, final),
        mlflow_run(settings.deployment, name, parameters) as run_id,
    ):
        monitor = Monitor(settings.deployment.tracking_uri, run_id)
        fitted = fit(settings, prepared.cohort, prepared.splits, monitor)
        if settings.split.folds > 1:
            _out_of_fold(settings, prepared.cohort, fitted).to_parquet(partial / "out_of_fold.parquet")
        for model, graph in fitted.graphs.items():
            _write_model(partial / "packages" / model, graph, prepared, settings.seed)
        write_json(partial / "config.json", to_container(settings))
        write_json(partial / "training.json", _training_facts(settings, prepared, fitted, monitor, run_id))
    return final


def _out_of_fold(settings: Config, cohort: Cohort, first: Fitted) -> pd.DataFrame:
    """Every development subject's risk from models that never saw the subject, pooled over the folds.

    Fold 0 is the ordinary split, whose models are the ones packaged.
    """
    tables = []
    for fold in range(settings.split.folds):
        splits = split(cohort, settings.split, settings.data, settings.seed, fold=fold)
        fitted = fit(settings, cohort, splits, Monitor()) if fold else first
        table = prediction_table(cohort, splits, fitted.calibrated, fitted.raw)
        tables.append(table[table["split"] == "test"].assign(split=OUT_OF_FOLD))
    return pd.concat(tables, ignore_index=True)


def _write_model(directory: Path, graph: bytes, prepared: Prepared, seed: int) -> None:
    schema = prepared.cohort.schema.served()
    summary = reference(prepared.cohort, prepared.splits.train)
    write_atomically(directory / "risk.onnx", graph)
    write_atomically(directory / "schema.json", schema.to_json().encode())
    write_json(directory / "reference.json", summary)
    (directory / "explain").mkdir()
    np.save(directory / "explain" / "background.npy", background(summary, schema, n=BACKGROUND, seed=seed))


def _training_facts(
    settings: Config, prepared: Prepared, fitted: Fitted, monitor: Monitor, run_id: str
) -> dict[str, Any]:
    cohort, champion = prepared.cohort, fitted.champion
    prevalence = float(cohort.labels[prepared.splits.calibration].mean())
    threshold, why = operating_threshold(settings.data.decision, prevalence)
    return {
        "cohort": cohort.schema.name,
        "outcome": cohort.schema.outcome,
        "fingerprint": cohort.fingerprint(),
        "champion": {"name": champion.name, "reason": champion.reason, "table": champion.table},
        "calibrators": {name: calibrator.to_dict() for name, calibrator in fitted.calibrators.items()},
        "threshold": threshold,
        "threshold_reason": why,
        "history": monitor.to_dict(),
        "mlflow_run": run_id,
        **provenance(),
    }


def evaluate_run(settings: Config, directory: Path, prepared: Prepared) -> dict[str, Any]:
    """Opens the test split and the external cohorts, for the first time; writes the report and seals the packages."""
    facts = read_json(directory / "training.json")
    if facts["fingerprint"] != prepared.cohort.fingerprint():
        raise UserError(f"{directory}: was trained on other data than {settings.data.name} holds now; train again")
    table = _judged_predictions(directory, prepared)
    judged = evaluate(table, facts["threshold"], settings.evaluation, settings.data.decision, settings.seed)
    table.to_parquet(directory / "predictions.parquet")
    write_json(directory / "evaluation.json", judged)
    for name in facts["calibrators"]:
        _seal(directory / "packages" / name, name, facts, judged)
    write_report(directory / "report.html", report_facts(settings, directory, prepared, facts, judged))
    return judged


def _judged_predictions(directory: Path, prepared: Prepared) -> pd.DataFrame:
    """The prediction table of the rows that no model has learnt from, scored by the packaged graphs."""
    cohort, splits = prepared.cohort, prepared.splits
    rows: Rows = np.concatenate([splits.test, *splits.external.values()])
    features = cohort.take(rows).encoded()
    raw: Risks = {}
    calibrated: Risks = {}
    for package in _packages(directory):
        risk, logit = Scorer((package / "risk.onnx").read_bytes())(features)
        calibrated[package.name] = _spread(risk, rows, len(cohort))
        raw[package.name] = _spread(sigmoid(logit), rows, len(cohort))
    table = prediction_table(cohort, splits, calibrated, raw)
    table = table[table["split"].isin(["test", *splits.external])]
    pooled = directory / "out_of_fold.parquet"
    return pd.concat([table, pd.read_parquet(pooled)], ignore_index=True) if pooled.is_file() else table


def _packages(directory: Path) -> list[Path]:
    """The run's packages, the simplest model first."""
    names = [row["model"] for row in read_json(directory / "training.json")["champion"]["table"]]
    return [directory / "packages" / name for name in names]


def _spread(values: npt.NDArray[np.float64], rows: Rows, n: int) -> npt.NDArray[np.float64]:
    spread = np.full(n, np.nan)
    spread[rows] = values
    return spread


def _seal(directory: Path, name: str, facts: dict[str, Any], judged: dict[str, Any]) -> None:
    write_json(directory / "evaluation.json", judged)
    write_atomically(directory / "model_card.md", model_card(name, facts, judged).encode())
    kept = {key: facts[key] for key in ("cohort", "outcome", "fingerprint", "git", "versions", "threshold_reason")}
    golden, _ = Scorer((directory / "risk.onnx").read_bytes())(np.load(directory / "explain" / "background.npy")[:1])
    checks = {"gate": judged["gates"]["test"][name]["verdict"], "golden_risk": float(golden[0])}
    seal(directory, {**kept, **checks, "model": name, "operating_threshold": facts["threshold"]})


def register_run(settings: Config, directory: Path) -> list[dict[str, Any]]:
    """The run's packages become versions in the registry: the champion, the next best as challenger, the rest."""
    facts = read_json(directory / "training.json")
    champion = facts["champion"]["name"]
    others = sorted((row["log_loss"], row["model"]) for row in facts["champion"]["table"] if row["model"] != champion)
    packages = {package.name: package for package in _packages(directory)}
    name = settings.deployment.registered_name or facts["cohort"]
    return register(packages, champion, others[0][1], name, settings.deployment, facts["mlflow_run"])
