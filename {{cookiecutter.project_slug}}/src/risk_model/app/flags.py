"""The parser of the commands that take flags instead of settings."""

from __future__ import annotations

import argparse
from typing import NoReturn

from risk_model.app.command_table import COMMANDS
from risk_model.core.errors import UserError


class FlagParser(argparse.ArgumentParser):
    """A parser whose complaints are one line, as everywhere else."""

    def __init__(self, command: str) -> None:
        super().__init__(prog=command, description=COMMANDS[command].help)

    def error(self, message: str) -> NoReturn:
        """Raises the UserError that the command line prints."""
        raise UserError(f"{self.prog}: {message}; see {self.prog} --help")
