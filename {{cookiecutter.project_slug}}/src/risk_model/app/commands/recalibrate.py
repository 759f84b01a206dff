"""recalibrate: fits a line behind a package's risk on other patients."""

from __future__ import annotations

from risk_model.app.console import print_results, say
from risk_model.config import Config
from risk_model.core.setting_syntax import shell_word
from risk_model.validation import external


def recalibrate(settings: Config) -> None:
    """Makes the recalibrated package, and prints how it was evaluated."""
    directory, evaluation, package = external.recalibrate(settings, say)
    print_results(directory, evaluation)
    say("next", f"serve --package {shell_word(str(package))}")
