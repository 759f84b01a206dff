"""run: data, training, evaluation and registration, one after the other."""

from __future__ import annotations

from risk_model import pipeline
from risk_model.app import console
from risk_model.config import Config


def run(settings: Config) -> None:
    """Runs all steps and prints what each concluded."""
    result = pipeline.run(settings, console.say)
    console.refresh_index(result.directory.parent)
    console.print_results(result.directory, result.evaluation, result.versions)
