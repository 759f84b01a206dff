"""The whole way from patient data to a served, audited risk model. Read this file first.

`run` goes through the steps in the order of the five questions. Each hands on files of the run's
directory and a few types, so each can also run alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from risk_model import artifacts
from risk_model.config import Config
from risk_model.config.bounds import check_settings
from risk_model.config.serialisation import settings_to_dict
from risk_model.core.cohort import Cohort, Splits
from risk_model.core.column_reading import reading_lines
from risk_model.core.files import check_folder, write_json
from risk_model.core.findings import FLOW
from risk_model.core.openings import protocol, record_opening
from risk_model.core.optional import optional_module
from risk_model.core.package import check_name
from risk_model.core.runs import new_run
from risk_model.core.scorer import Scorer
from risk_model.core.scores import sigmoid
from risk_model.core.tracking import database_path, training_run
from risk_model.data.prepare import Prepared, prepare
from risk_model.deployment.registry import RegisteredVersion, register
from risk_model.evaluation import evaluate
from risk_model.evaluation.results import RunEvaluation
from risk_model.model import Floats
from risk_model.model.export import checked_logits
from risk_model.model.table import MODELS, label
from risk_model.reporting.content import report_content
from risk_model.reporting.report import write_report
from risk_model.training.champion import check_champion
from risk_model.training.develop import Developed, develop
from risk_model.training.monitor import Monitor
from risk_model.training.onnx_calibration import append_calibrator
from risk_model.training.out_of_fold import out_of_fold
from risk_model.training.record import TrainingRecord

Announce = Callable[[str, str], None]  # a step and what it has to say, while it works


@dataclass(frozen=True)
class RunResult:
    """A run's directory, its evaluation, and one row for each registered version."""

    directory: Path
    evaluation: RunEvaluation
    versions: list[RegisteredVersion]


def run(settings: Config, announce: Announce = lambda step, text: None) -> RunResult:
    """Goes the whole way, from data to registered models.

    Args:
        settings: everything that can be set.
        announce: gets a line of progress from each step.

    Raises:
        UserError: the settings or the data do not allow the next step; says what to do.
    """
    prepared = prepare_and_announce(settings, announce)
    directory = train(settings, prepared, announce)
    evaluation = evaluate_run(settings, directory, prepared)
    report_run(settings, directory, prepared)
    versions = register_run(settings, directory)
    return RunResult(directory, evaluation, versions)


def prepare_and_announce(settings: Config, announce: Announce) -> Prepared:
    """Reads, splits and checks a cohort, and says what was found; UserError for what leaks."""
    check_start(settings)
    announce("data", f"reading {settings.data.name}")
    prepared = prepare(settings)
    check_name(prepared.cohort.schema.name, "the schema's name")  # of a folder, and in the registry
    labels, outcome = prepared.cohort.labels, prepared.cohort.schema.outcome
    name = prepared.cohort.row_name
    size = f"{len(labels):,} {name}, {int(labels.sum()):,} events ({labels.mean():.1%})"
    announce("data", f"{size}: {outcome}")
    for line in reading_lines(prepared.cohort.columns):
        announce("", line)
    for finding in prepared.findings:
        if finding.severity != "note" or finding.kind == FLOW:
            announce("data", finding.line())
    return prepared


def check_start(settings: Config) -> None:
    """Refuses before any work what would stop a run after it; UserError says what to set."""
    check_settings(settings)
    check_champion(settings.model.champion, [row.name for row in MODELS])
    deployment = settings.deployment
    check_folder(Path(settings.runs), "runs")
    check_folder(Path(deployment.registry), "deployment.registry")
    check_folder(database_path(deployment.tracking_uri).parent, "deployment.tracking_uri")


@dataclass(frozen=True)
class Fitted:
    """Models as they are served: a calibrated graph each, and every row's risk.

    `raw` and `calibrated` are float64[n] risks before and after calibration, by model.
    """

    developed: Developed
    graphs: dict[str, bytes]
    raw: dict[str, Floats]
    calibrated: dict[str, Floats]


def fit(settings: Config, cohort: Cohort, splits: Splits, monitor: Monitor) -> Fitted:
    """Develops the models and exports them.

    What is served and reported is each model's exported graph, which is checked to equal the model
    on every row.
    """
    inputs = cohort.model_inputs()
    made = develop(settings, cohort, inputs, splits, monitor=monitor, score=checked_logits)
    graphs = {
        name: append_calibrator(model.graph(), made.calibrators[name])
        for name, model in made.models.items()
    }
    raw = {name: sigmoid(logit) for name, logit in made.logits.items()}
    calibrated = {name: Scorer(graph)(inputs)[0] for name, graph in graphs.items()}
    return Fitted(made, graphs, raw, calibrated)


def train(
    settings: Config, prepared: Prepared, announce: Announce = lambda step, text: None
) -> Path:
    """Fits, calibrates and chooses; without a test split, also repeats all that out of fold.

    Returns:
        The run's directory, which appears whole or not at all.
    """
    cohort, uri = prepared.cohort, settings.deployment.tracking_uri
    name = cohort.schema.name
    parameters = {"data": name, "loss": settings.training.loss, "seed": str(settings.seed)}
    with (
        new_run(settings.runs, name) as (partial, final),
        training_run(uri, name, parameters) as run_id,
    ):
        monitor = Monitor(uri, run_id)
        fitted = fit(settings, cohort, prepared.splits, monitor)
        made, splits = fitted.developed, prepared.splits
        chosen: dict[str, int] = {}
        if not len(splits.test):
            table, chosen = out_of_fold(settings, cohort, splits.train, made.champion.name)
            table.to_parquet(partial / artifacts.POOLED)
        for model, graph in fitted.graphs.items():
            artifacts.write_model(partial / "packages" / model, graph, prepared, settings.seed)
        write_json(partial / "config.json", settings_to_dict(settings))
        history = monitor.history
        record = artifacts.training_record(settings, prepared, made, history, chosen, run_id)
        write_json(partial / artifacts.TRAINING, record.to_json())
    for line in _told(record, monitor.seconds):
        announce("training", line)
    return final


def _told(record: TrainingRecord, seconds: Mapping[str, float]) -> Iterator[str]:
    """What training has to say: what cross-fitting cost, and why which model is the champion."""
    took = ", ".join(f"{label(name)} {value:.1f} s" for name, value in seconds.items())
    times = f"fitted {record.folds + 1} times each" if record.folds > 1 else "fitted once each"
    yield f"{times}: {took}"
    if (how := record.network) and how.batch < how.batch_asked:
        yield f"network: batches of {how.batch} rows, not {how.batch_asked}, to fit into memory"
    yield f"champion: {record.champion.reason}"


def evaluate_run(settings: Config, directory: Path, prepared: Prepared) -> RunEvaluation:
    """Opens test split and external cohorts, and counts that; each package gets its evaluation."""
    record = artifacts.read_training_of(directory, prepared.cohort)
    record_opening(directory, record.fingerprint, protocol(settings_to_dict(settings)))
    # Baselines made anew without each site and later period: the sealed model cards tell of them.
    if validation := optional_module("validation.internal_external"):
        validation.validate_run(settings, directory, prepared)
    table = artifacts.unseen_predictions(directory, prepared)
    evaluation = evaluate(
        table, record.threshold, settings.evaluation, settings.data.decision, settings.seed
    )
    cohort, known = prepared.cohort, prepared.cohort.patients_identified
    evaluation = replace(evaluation, patients_identified=known, row_name=cohort.row_name)
    table.to_parquet(directory / artifacts.PREDICTIONS)
    write_json(directory / artifacts.EVALUATION, evaluation.to_json())
    artifacts.seal_packages(directory, record, evaluation)
    return evaluation


def report_run(settings: Config, directory: Path, prepared: Prepared) -> None:
    """Writes the report, and the checklists where this edition has them."""
    record = artifacts.read_training_of(directory, prepared.cohort)
    evaluation = artifacts.read_evaluation(directory)
    validated = artifacts.read_internal_external(directory)
    content = report_content(settings, directory, prepared, record, evaluation, validated)
    write_report(directory / "report.html", content)
    if documents := optional_module("reporting.documents"):
        documents.write_documents(directory, content)


def register_run(settings: Config, directory: Path) -> list[RegisteredVersion]:
    """Registers a run's packages: the champion, the next best as challenger, and the rest."""
    record = artifacts.read_training(directory)
    champion = record.champion.name
    if settings.accept:
        artifacts.accept_package(directory, champion, settings.accept)
    others = [row for row in record.champion.table if row.model != champion]
    challenger = min(others, key=lambda row: (row.log_loss, row.model)).model
    return register(
        artifacts.packages(directory),
        champion,
        challenger,
        settings.deployment.registered_name or record.cohort,
        settings.deployment,
        record.mlflow_run,
    )
