"""What does each command do with its settings, and what does it say when it is done?"""

from __future__ import annotations

from pathlib import Path

from risk_model.app.console import closing, refresh_index, say, show_data
from risk_model.config import Config
from risk_model.config.compose import from_container
from risk_model.core.errors import UserError
from risk_model.core.files import read_json, write_atomically
from risk_model.core.package import ModelPackage
from risk_model.core.runs import find_run
from risk_model.data.prepare import Prepared, prepare
from risk_model.data.split_report import split_report
from risk_model.evaluation.utility import curve_thresholds
from risk_model.pipeline import evaluate_run, register_run, train
from risk_model.reporting.plots import words
from risk_model.reporting.stability import sentences
from risk_model.validation import external
from risk_model.validation.stability import stability as judge_stability


def run(settings: Config) -> None:
    """All rooms, one after the other."""
    prepared = _prepare_aloud(settings)
    directory = train(settings, prepared)
    champion = read_json(directory / "training.json")["champion"]
    say("training", f"champion: {champion['reason']}")
    judged = evaluate_run(settings, directory, prepared)
    versions = register_run(settings, directory)
    refresh_index(directory.parent)
    closing(directory, judged, versions)


def data(settings: Config) -> None:
    """Reads, splits and checks a cohort, and prints what a reviewer would ask."""
    prepared = prepare(settings)
    schema = Path(settings.runs) / f"{prepared.cohort.schema.name}-schema.json"
    write_atomically(schema, prepared.cohort.schema.to_json().encode())
    show_data(prepared, split_report(prepared.cohort, prepared.splits), schema)


def train_only(settings: Config) -> None:
    """Trains, and says how to go on."""
    directory = train(settings, _prepare_aloud(settings))
    say("next", f"evaluate run={directory}")


def evaluate(settings: Config) -> None:
    """Evaluates a trained run with the settings it was trained with, or with package= a package on
    other patients.
    """
    if settings.package:
        closing(*external.evaluate_elsewhere(settings))
        return
    directory = find_run(settings.runs, settings.run)
    trained = from_container(read_json(directory / "config.json"))
    judged = evaluate_run(trained, directory, prepare(trained))
    refresh_index(directory.parent)
    closing(directory, judged)
    say("next", f"register run={directory}")


def register(settings: Config) -> None:
    """Registers an evaluated run."""
    directory = find_run(settings.runs, settings.run)
    if not (directory / "report.html").is_file():
        raise UserError(f"run: {directory} is not evaluated; write evaluate run={directory}")
    closing(directory, read_json(directory / "evaluation.json"), register_run(settings, directory))


def stability(settings: Config) -> None:
    """Refits the baselines of a run on other samples of its patients, and says how much risks would
    change.
    """
    directory = find_run(settings.runs, settings.run)
    trained = from_container(read_json(directory / "config.json"))
    found = judge_stability(trained, directory, prepare(trained), settings.evaluation.refits)
    for model, judged in found["models"].items():
        say("stability", f"{words(model)}: {' '.join(sentences(judged))}")
    say("page", str(directory / "stability.html"))


def recalibrate(settings: Config) -> None:
    """Fits a line behind a package's risk on other patients, into a new package."""
    directory, judged, package = external.recalibrate(settings)
    closing(directory, judged)
    say("next", f"serve --package {package}")


def score(settings: Config) -> None:
    """Risks for every row of a file, from a package or the registered champion."""
    from risk_model.deployment import batch
    from risk_model.deployment.registry import champion

    if not settings.input or not settings.output:
        raise UserError("score: needs both files; write score input=new.csv output=risks.csv")
    name = settings.deployment.registered_name
    named = settings.package not in ("", "champion")
    directory = (
        Path(settings.package) if named else champion(Path(settings.deployment.registry), name)
    )
    package = ModelPackage.open(directory)
    scored = batch.score(package, Path(settings.input), Path(settings.output))
    say(
        "score",
        f"{scored.rows:,} rows, {scored.refused:,} without a risk and why: {settings.output}",
    )


def _prepare_aloud(settings: Config) -> Prepared:
    curve_thresholds(
        settings.data.decision
    )  # a decision that makes no sense is refused before anything is trained
    say("data", f"reading {settings.data.name}")
    prepared = prepare(settings)
    cohort, labels = prepared.cohort, prepared.cohort.labels
    say(
        "data",
        f"{len(labels):,} rows, {int(labels.sum()):,} events ({labels.mean():.1%}): "
        f"{cohort.schema.outcome}",
    )
    for finding in prepared.findings:
        if finding.severity != "note":
            say("data", finding.line())
    return prepared
