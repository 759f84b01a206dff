"""stability: how much a patient's risk would change with another sample of patients."""

from __future__ import annotations

from risk_model.app.console import say
from risk_model.config import Config
from risk_model.config.serialisation import read_settings
from risk_model.core.runs import find_run
from risk_model.data.prepare import prepare
from risk_model.model.table import label
from risk_model.reporting.stability import sentences
from risk_model.validation import stability as validation


def stability(settings: Config) -> None:
    """Refits the baselines of a run on other samples of its patients, and prints the changes."""
    directory = find_run(settings.runs, settings.run)
    trained = read_settings(directory)
    prepared = prepare(trained)
    record = validation.stability(trained, directory, prepared, settings.evaluation.refits)
    for model, instability in record.models.items():
        say("stability", f"{label(model)}: {' '.join(sentences(instability))}")
    say("page", str(directory / "stability.html"))
