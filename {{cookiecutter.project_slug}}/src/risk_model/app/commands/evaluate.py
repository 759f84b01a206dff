"""evaluate: opens the test split and the external cohorts, or takes a package to other patients."""

from __future__ import annotations

from risk_model import pipeline
from risk_model.app import console
from risk_model.config import Config
from risk_model.config.serialisation import read_settings
from risk_model.core.errors import UserError
from risk_model.core.optional import optional_module
from risk_model.core.runs import find_run
from risk_model.core.setting_syntax import setting
from risk_model.data.prepare import prepare


def evaluate(settings: Config) -> None:
    """Evaluates a run with the settings it was trained with, or with package= a package."""
    if settings.package:
        _evaluate_package(settings)
        return
    directory = find_run(settings.runs, settings.run)
    trained = read_settings(directory)
    prepared = prepare(trained)
    evaluation = pipeline.evaluate_run(trained, directory, prepared)
    pipeline.report_run(trained, directory, prepared)
    console.refresh_index(directory.parent)
    console.print_results(directory, evaluation)
    console.say("next", f"register {setting('run', str(directory))}")


def _evaluate_package(settings: Config) -> None:
    external = optional_module("validation.external")
    if external is None:
        raise UserError("package: external validation is not part of this edition; leave it out")
    console.print_results(*external.evaluate_package(settings, console.say))
