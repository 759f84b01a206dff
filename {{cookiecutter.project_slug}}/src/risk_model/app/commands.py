"""What does each command do with its settings, and what does it say when it is done?"""

from __future__ import annotations

from pathlib import Path

from risk_model import pipeline
from risk_model.app.console import closing, refresh_index, say, show_data
from risk_model.config import Config
from risk_model.config.compose import from_container
from risk_model.core.errors import UserError
from risk_model.core.files import read_json, write_atomically
from risk_model.core.package import ModelPackage
from risk_model.core.runs import find_run
from risk_model.data.prepare import prepare
from risk_model.data.split_report import split_report
from risk_model.reporting.plots import words
from risk_model.reporting.stability import sentences
from risk_model.validation import external
from risk_model.validation.stability import stability as judge_stability


def run(settings: Config) -> None:
    """All steps, one after the other."""
    result = pipeline.run(settings, say)
    refresh_index(result.directory.parent)
    closing(result.directory, result.evaluation, result.versions)


def data(settings: Config) -> None:
    """Reads, splits and checks a cohort, and prints what a reviewer would ask."""
    prepared = prepare(settings)
    schema = Path(settings.runs) / f"{prepared.cohort.schema.name}-schema.json"
    write_atomically(schema, prepared.cohort.schema.to_json().encode())
    show_data(prepared, split_report(prepared.cohort, prepared.splits), schema)


def train_only(settings: Config) -> None:
    """Trains, and says how to go on."""
    directory = pipeline.train(settings, pipeline.prepare_aloud(settings, say))
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
    prepared = prepare(trained)
    pipeline.validate_internal_external(trained, directory, prepared)
    judged = pipeline.evaluate_run(trained, directory, prepared)
    refresh_index(directory.parent)
    closing(directory, judged)
    say("next", f"register run={directory}")


def register(settings: Config) -> None:
    """Registers an evaluated run."""
    directory = find_run(settings.runs, settings.run)
    if not (directory / "report.html").is_file():
        raise UserError(f"run: {directory} is not evaluated; write evaluate run={directory}")
    closing(
        directory,
        read_json(directory / "evaluation.json"),
        pipeline.register_run(settings, directory),
    )


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
