"""stability: how much a patient's risk would change with another sample of patients."""

from __future__ import annotations

from risk_model.app.console import say, trained_settings
from risk_model.config import Config
from risk_model.core.runs import find_run
from risk_model.data.prepare import prepare
from risk_model.reporting.plots import words
from risk_model.reporting.stability import sentences
from risk_model.validation import stability as validation


def stability(settings: Config) -> None:
    """Refits the baselines of a run on other samples of its patients, and prints the changes."""
    directory = find_run(settings.runs, settings.run)
    trained = trained_settings(directory)
    prepared = prepare(trained)
    results = validation.stability(trained, directory, prepared, settings.evaluation.refits)
    for model, result in results["models"].items():
        say("stability", f"{words(model)}: {' '.join(sentences(result))}")
    say("page", str(directory / "stability.html"))
