"""How does patient data become a served, audited risk model? Read this file first: one step a room, in the lesson's order.

data → model and training → evaluation → deployment. Each `*_command` is what the command line runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model import data
from risk_model.cohort import Cohort, Rows, Splits
from risk_model.config import Config
from risk_model.config.compose import from_container, to_container
from risk_model.data.leakage import check, refuse
from risk_model.data.quality import Quality, assess
from risk_model.data.reference import reference
from risk_model.data.split import shared_by_row_split, split, split_report
from risk_model.deployment.registry import register
from risk_model.errors import UserError
from risk_model.evaluation import evaluate
from risk_model.evaluation.reporting.card import model_card
from risk_model.evaluation.reporting.report import write_report
from risk_model.evaluation.utility import operating_threshold
from risk_model.findings import Finding
from risk_model.model.explain import Explainer, background
from risk_model.model.export import check_parity
from risk_model.package import ModelPackage, Scorer, seal, write_atomically
from risk_model.predictions import prediction_table
from risk_model.runs import find_run, mlflow_run, new_run, provenance, read_json, write_json
from risk_model.schema import Features
from risk_model.summary import closing, refresh_index, say, show_data
from risk_model.training.calibration import Calibrator, attach, choose_calibrator
from risk_model.training.champion import Champion, choose_champion
from risk_model.training.fit import fit_models
from risk_model.training.monitor import Monitor

Risks = dict[str, npt.NDArray[np.float64]]
OUT_OF_FOLD = "out of fold"


@dataclass(frozen=True)
class Prepared:
    """What leaves the data room: a checked cohort, its splits, and what was noticed."""

    cohort: Cohort
    splits: Splits
    quality: Quality
    findings: list[Finding]


@dataclass(frozen=True)
class Fitted:
    """What leaves the training room: a graph a model, calibrated, and the choice between them."""

    graphs: dict[str, bytes]
    calibrators: dict[str, Calibrator]
    champion: Champion
    raw: Risks
    calibrated: Risks


def prepare(settings: Config) -> Prepared:
    """The data room: read, split, refuse what leaks, describe the rest."""
    cohort = data.load(settings.data)
    splits = split(cohort, settings.split, settings.data, settings.seed)
    leaks = refuse(check(cohort, splits), settings.data.accept)
    quality = assess(cohort, splits)
    return Prepared(cohort, splits, quality, [*cohort.notes, *leaks, *quality.findings])


def fit(settings: Config, cohort: Cohort, splits: Splits, monitor: Monitor) -> Fitted:
    """The model and training rooms: fit on train, stop on validation, calibrate and choose on calibration.

    What is calibrated, chosen and served is the exported graph itself; its agreement with the original is checked on
    all rows first.
    """
    features, rows = cohort.encoded(), splits.calibration
    models = fit_models(features, cohort.labels, splits, cohort.schema, settings, monitor)
    graphs = {name: model.graph() for name, model in models.items()}
    logits = {name: _logits(attach(graph, Calibrator("identity")), features) for name, graph in graphs.items()}
    for name, model in models.items():
        check_parity(name, model.logit(features), logits[name])
    held = {name: logit[rows] for name, logit in logits.items()}
    labels, subjects = cohort.labels[rows], cohort.subjects[rows]
    weight = _pos_weight(cohort.labels[splits.train])
    calibrators = {
        name: choose_calibrator(z, labels, subjects, settings.seed, settings=settings.training, pos_weight=weight)
        for name, z in held.items()
    }
    champion = choose_champion(held, labels, subjects, settings.seed, settings)
    calibrated = {name: attach(graphs[name], calibrators[name]) for name in graphs}
    risks = {name: Scorer(graph)(features)[0] for name, graph in calibrated.items()}
    return Fitted(calibrated, calibrators, champion, {n: sigmoid(z) for n, z in logits.items()}, risks)


def _logits(graph: bytes, features: Features) -> npt.NDArray[np.float64]:
    return Scorer(graph)(features)[1]


def _pos_weight(labels: npt.NDArray[np.int8]) -> float:
    events = int(labels.sum())
    return (len(labels) - events) / max(events, 1)


def sigmoid(logit: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Probability of a logit, without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logit)), dtype=np.float64)


def out_of_fold(settings: Config, prepared: Prepared, first: Fitted) -> pd.DataFrame:
    """Every development subject's risk from models that never saw the subject, pooled over the folds.

    Fold 0 is the ordinary split, whose models are the ones packaged.
    """
    cohort, tables = prepared.cohort, []
    for fold in range(settings.split.folds):
        splits = split(cohort, settings.split, settings.data, settings.seed, fold=fold)
        fitted = first if fold == 0 else fit(settings, cohort, splits, Monitor())
        table = prediction_table(cohort, splits, fitted.calibrated, fitted.raw)
        tables.append(table[table["split"] == "test"].assign(split=OUT_OF_FOLD))
    return pd.concat(tables, ignore_index=True)


def train(settings: Config, prepared: Prepared) -> Path:
    """Fits, calibrates and chooses; returns the run's directory, which appears whole or not at all."""
    name = prepared.cohort.schema.name
    parameters = {"loss": settings.training.loss, "seed": str(settings.seed), "data": name}
    with (
        new_run(settings, name) as (partial, final),
        mlflow_run(settings.deployment, name, parameters) as run_id,
    ):
        monitor = Monitor(settings.deployment.tracking_uri, run_id)
        fitted = fit(settings, prepared.cohort, prepared.splits, monitor)
        if settings.split.folds > 1:
            out_of_fold(settings, prepared, fitted).to_parquet(partial / "out_of_fold.parquet")
        for model, graph in fitted.graphs.items():
            _write_model(partial / "packages" / model, graph, prepared, settings.seed)
        write_json(partial / "config.json", to_container(settings))
        write_json(partial / "training.json", _training_facts(settings, prepared, fitted, monitor, run_id))
    say("training", f"champion: {fitted.champion.name} ({fitted.champion.reason})")
    return final


def _write_model(directory: Path, graph: bytes, prepared: Prepared, seed: int) -> None:
    schema = prepared.cohort.schema.served()
    summary = reference(prepared.cohort, prepared.splits.train)
    write_atomically(directory / "risk.onnx", graph)
    write_atomically(directory / "schema.json", schema.to_json().encode())
    write_json(directory / "reference.json", summary)
    (directory / "explain").mkdir()
    np.save(directory / "explain" / "background.npy", background(summary, schema, n=100, seed=seed))


def _training_facts(
    settings: Config, prepared: Prepared, fitted: Fitted, monitor: Monitor, run_id: str
) -> dict[str, Any]:
    cohort, rows = prepared.cohort, prepared.splits.calibration
    threshold, why = operating_threshold(settings.data.decision, float(cohort.labels[rows].mean()))
    return {
        "cohort": cohort.schema.name,
        "outcome": cohort.schema.outcome,
        "fingerprint": cohort.fingerprint(),
        "champion": {"name": fitted.champion.name, "reason": fitted.champion.reason, "table": fitted.champion.table},
        "calibrators": {name: calibrator.to_dict() for name, calibrator in fitted.calibrators.items()},
        "threshold": threshold,
        "threshold_reason": why,
        "history": monitor.to_dict(),
        "mlflow_run": run_id,
        **provenance(),
    }


def evaluate_run(settings: Config, directory: Path, prepared: Prepared) -> dict[str, Any]:
    """The evaluation room: opens the test split and the external cohorts, writes the report, seals the packages."""
    facts = read_json(directory / "training.json")
    if facts["fingerprint"] != prepared.cohort.fingerprint():
        raise UserError(f"{directory}: was trained on other data than {settings.data.name} holds now; train again")
    table = _judged_predictions(directory, prepared)
    judged = evaluate(table, facts["threshold"], settings.evaluation, settings.data.decision, settings.seed)
    table.to_parquet(directory / "predictions.parquet")
    write_json(directory / "evaluation.json", judged)
    write_report(directory / "report.html", _report_facts(settings, directory, prepared, facts, judged))
    for name in facts["calibrators"]:
        _seal(directory / "packages" / name, name, facts, judged)
    return judged


def _judged_predictions(directory: Path, prepared: Prepared) -> pd.DataFrame:
    cohort, splits = prepared.cohort, prepared.splits
    rows: Rows = np.concatenate([splits.test, *splits.external.values()])
    features = cohort.take(rows).encoded()
    raw: Risks = {}
    calibrated: Risks = {}
    for path in sorted((directory / "packages").iterdir()):
        risk, logit = Scorer((path / "risk.onnx").read_bytes())(features)
        calibrated[path.name], raw[path.name] = _spread(risk, rows, len(cohort)), _spread(sigmoid(logit), rows, len(cohort))
    table = prediction_table(cohort, splits, calibrated, raw)
    table = table[table["split"].isin(["test", *splits.external])]
    pooled = directory / "out_of_fold.parquet"
    return pd.concat([table, pd.read_parquet(pooled)], ignore_index=True) if pooled.is_file() else table


def _spread(values: npt.NDArray[np.float64], rows: Rows, n: int) -> npt.NDArray[np.float64]:
    spread = np.full(n, np.nan)
    spread[rows] = values
    return spread


def _report_facts(
    settings: Config, directory: Path, prepared: Prepared, facts: dict[str, Any], judged: dict[str, Any]
) -> dict[str, Any]:
    cohort, splits = prepared.cohort, prepared.splits
    return {
        "title": f"{cohort.schema.outcome} — {cohort.schema.name}",
        "cohort": {"name": cohort.schema.name, "outcome": cohort.schema.outcome, "source": cohort.source, "rows": len(cohort)},
        "split": split_report(cohort, splits).to_dict("records"),
        "shared_by_row_split": list(shared_by_row_split(cohort, len(splits.test) / len(cohort), settings.seed)),
        "quality": prepared.quality.to_dict(),
        "findings": [finding.to_dict() for finding in prepared.findings],
        "calibrators": facts["calibrators"],
        "champion": facts["champion"],
        "threshold_reason": facts["threshold_reason"],
        "training": facts["history"],
        "evaluation": judged,
        "explanation": _global_explanation(directory / "packages" / facts["champion"]["name"], prepared, settings.seed),
        "provenance": {"settings": to_container(settings), **{k: facts[k] for k in ("fingerprint", "git", "versions")}},
    }


def _global_explanation(package: Path, prepared: Prepared, seed: int, n: int = 200) -> dict[str, Any]:
    """SHAP values of the champion for validation rows: for the report's global plot, never shipped in a package."""
    schema, scorer = prepared.cohort.schema.served(), Scorer((package / "risk.onnx").read_bytes())
    rows = np.random.default_rng(seed).permutation(prepared.splits.validation)[:n]
    features = prepared.cohort.take(rows).encoded()
    explainer = Explainer(
        lambda x: scorer(x)[1], np.load(package / "explain" / "background.npy"), schema.feature_field, seed
    )
    shap = np.array([explainer.explain(row)[1] for row in features])
    values = [[None if np.isnan(v) else float(v) for v in row] for row in _field_values(features, schema.feature_field)]
    return {"fields": [f.name for f in schema.inputs], "shap": shap.tolist(), "values": values}


def _field_values(features: Features, field: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Where each value stands in its field's range, 0 to 1, for colour; NaN for categories and missing values."""
    columns = [np.flatnonzero(field == f) for f in range(int(field.max()) + 1)]
    first = np.stack([features[:, c[0]] if len(c) <= 2 else np.full(len(features), np.nan) for c in columns], axis=1)
    ranks = pd.DataFrame(first).rank(pct=True)
    return ranks.to_numpy(dtype=np.float64)


def _seal(directory: Path, name: str, facts: dict[str, Any], judged: dict[str, Any]) -> None:
    write_json(directory / "evaluation.json", judged)
    write_atomically(directory / "model_card.md", model_card(name, facts, judged).encode())
    kept = ("cohort", "outcome", "fingerprint", "git", "versions", "threshold_reason")
    gate = judged["gates"]["test"][name]["verdict"]
    seal(directory, {**{k: facts[k] for k in kept}, "model": name, "gate": gate, "operating_threshold": facts["threshold"]})


def register_run(settings: Config, directory: Path) -> list[dict[str, Any]]:
    """The deployment room's first step: the run's packages become versions, one of them the champion."""
    facts = read_json(directory / "training.json")
    champion = facts["champion"]["name"]
    others = sorted((row["log_loss"], row["model"]) for row in facts["champion"]["table"] if row["model"] != champion)
    packages = {path.name: path for path in sorted((directory / "packages").iterdir())}
    name = settings.deployment.registered_name or facts["cohort"]
    return register(packages, champion, others[0][1], name, settings.deployment, facts["mlflow_run"])


def data_command(settings: Config) -> None:
    """Reads, splits and checks a cohort, and prints what a reviewer would ask."""
    prepared = prepare(settings)
    path = Path(settings.runs) / f"{prepared.cohort.schema.name}-schema.json"
    write_atomically(path, prepared.cohort.schema.to_json().encode())
    show_data(prepared.cohort, split_report(prepared.cohort, prepared.splits), prepared.quality, prepared.findings, path)


def train_command(settings: Config) -> None:
    """Trains, and says how to go on."""
    directory = train(settings, _prepare_aloud(settings))
    say("next", f"evaluate run={directory}")


def evaluate_command(settings: Config) -> None:
    """Evaluates a trained run with the settings it was trained with."""
    directory = find_run(settings)
    trained = from_container(read_json(directory / "config.json"))
    judged = evaluate_run(trained, directory, prepare(trained))
    closing(directory, judged)


def register_command(settings: Config) -> None:
    """Registers an evaluated run."""
    for version in register_run(settings, find_run(settings)):
        say("register", ", ".join(f"{key} {value}" for key, value in version.items()))


def run_command(settings: Config) -> None:
    """All rooms, one after the other."""
    prepared = _prepare_aloud(settings)
    directory = train(settings, prepared)
    judged = evaluate_run(settings, directory, prepared)
    versions = register_run(settings, directory)
    refresh_index(Path(settings.runs))
    closing(directory, judged, versions)


def score_command(settings: Config) -> None:
    """Risks for every row of a file, from a package or the registered champion."""
    from risk_model.deployment.batch import score
    from risk_model.deployment.registry import champion

    if not settings.input or not settings.output:
        raise UserError("score: needs both files; write score input=new.csv output=risks.csv")
    name = settings.deployment.registered_name or settings.data.name
    path = Path(settings.package) if settings.package else champion(Path(settings.deployment.registry), name)
    score(ModelPackage.open(path), Path(settings.input), Path(settings.output))


def _prepare_aloud(settings: Config) -> Prepared:
    say("data", f"reading {settings.data.name}")
    prepared = prepare(settings)
    labels = prepared.cohort.labels
    say("data", f"{len(labels):,} rows, {int(labels.sum()):,} events ({labels.mean():.1%}): {prepared.cohort.schema.outcome}")
    for finding in prepared.findings:
        if finding.severity != "note":
            say("data", finding.line())
    return prepared
