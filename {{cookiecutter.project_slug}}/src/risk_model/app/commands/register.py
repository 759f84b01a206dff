"""register: an evaluated run's packages become versions in the registry."""

from __future__ import annotations

from risk_model import artifacts, pipeline
from risk_model.app.console import print_results
from risk_model.config import Config
from risk_model.core.errors import UserError
from risk_model.core.runs import find_run


def register(settings: Config) -> None:
    """Registers an evaluated run; UserError when it is not evaluated."""
    directory = find_run(settings.runs, settings.run)
    if not (directory / "report.html").is_file():
        raise UserError(f"run: {directory} is not evaluated; write evaluate run={directory}")
    versions = pipeline.register_run(settings, directory)
    print_results(directory, artifacts.read_evaluation(directory), versions)
