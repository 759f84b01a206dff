"""register: an evaluated run's packages become versions in the registry."""

from __future__ import annotations

from risk_model import artifacts, pipeline
from risk_model.app.console import print_results
from risk_model.config import Config
from risk_model.core.runs import find_run, not_evaluated


def register(settings: Config) -> None:
    """Registers an evaluated run; UserError when it is not evaluated."""
    directory = find_run(settings.runs, settings.run)
    if not (directory / "report.html").is_file():
        raise not_evaluated("run", directory)
    versions = pipeline.register_run(settings, directory)
    print_results(directory, artifacts.read_evaluation(directory), versions)
