"""The table of commands: a row for every function, and none for what a project leaves out."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from risk_model.app import command_table, commands
from risk_model.app.cli import main
from risk_model.app.command_table import COMMANDS, Command
from risk_model.config import Config
from risk_model.core.optional import module_exists

FILES = {path.stem for path in Path(commands.__file__).parent.glob("[!_]*.py")}


def test_every_file_of_a_command_has_its_row() -> None:
    assert set(COMMANDS) == FILES


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_command_is_a_documented_function_of_settings_or_of_flags(command: Command) -> None:
    function = command.load()
    assert function.__doc__
    (parameter,) = inspect.signature(function, eval_str=True).parameters.values()
    assert parameter.annotation == (list[str] if command.flags else Config)


def test_help_offers_a_package_to_evaluate_where_the_edition_can_evaluate_one() -> None:
    assert ("package=" in COMMANDS["evaluate"].help) == module_exists("validation.external")


def test_a_row_whose_file_is_absent_is_skipped() -> None:
    assert not Command("compose", "write a song").exists


def test_a_command_that_this_edition_lacks_is_unknown_and_in_no_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(command_table.COMMANDS, "audit")
    assert main(["audit"]) == 2
    assert "no command 'audit'" in capsys.readouterr().err
    main(["--help"])
    assert "audit" not in capsys.readouterr().out
