"""run: data, training, evaluation and registration, one after the other."""

from __future__ import annotations

from risk_model import pipeline
from risk_model.app import console
from risk_model.config import Config
from risk_model.core.files import read_json


def run(settings: Config) -> None:
    """Runs all steps and prints what each concluded."""
    prepared = console.prepare(settings)
    directory = pipeline.train(settings, prepared)
    champion = read_json(directory / "training.json")["champion"]
    console.say("training", f"champion: {champion['reason']}")
    evaluation = pipeline.evaluate_run(settings, directory, prepared)
    versions = pipeline.register_run(settings, directory)
    console.refresh_index(directory.parent)
    console.print_results(directory, evaluation, versions)
