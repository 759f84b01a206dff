"""learning_curve: what more patients would bring."""

from __future__ import annotations

from risk_model import artifacts, pipeline
from risk_model.app.console import say
from risk_model.config import Config
from risk_model.config.serialisation import read_settings
from risk_model.core.runs import find_run
from risk_model.data.prepare import prepare
from risk_model.reporting.learning_curve import sentences
from risk_model.validation import learning_curve as validation


def learning_curve(settings: Config) -> None:
    """Makes a run's baselines from shares of its patients, and adds the result to its report."""
    directory = find_run(settings.runs, settings.run)
    trained = read_settings(directory)
    prepared = prepare(trained)
    record = validation.learning_curve(trained, directory, prepared)
    for sentence in sentences(record):
        say("curve", sentence)
    if (directory / artifacts.EVALUATION).is_file():
        pipeline.report_run(trained, directory, prepared)
        say("report", str(directory / "report.html"))
