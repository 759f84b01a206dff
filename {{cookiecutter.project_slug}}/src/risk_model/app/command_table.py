"""The table of commands: one row each, from which the command line and its help are made.

A command's function has the command's name and stands in the file of that name in `commands/`; a
row whose file is absent is skipped, so an edition leaves a command out by leaving out its file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from risk_model.core.optional import module_exists, required_module


@dataclass(frozen=True)
class Command:
    """One command of the command line.

    `flags`: it takes flags instead of settings. `acts_on_run`: it keeps the settings that its run
    was trained with, except those named in `own_settings`.
    """

    name: str
    help: str
    flags: bool = False
    acts_on_run: bool = False
    own_settings: tuple[str, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether this edition of the project has the command."""
        return module_exists(f"app.commands.{self.name}")

    def load(self) -> Callable[[Any], int | None]:
        """Imports the function: of the settings, or of the words after the command's name."""
        module = required_module(f"app.commands.{self.name}")
        function: Callable[[Any], int | None] = getattr(module, self.name)
        return function


# what an edition without external validation cannot do is not offered
ELSEWHERE = "; with package=, judge it on other data"
WITH_PACKAGE = ELSEWHERE if module_exists("validation.external") else ""
ROWS = (
    Command("run", "data, train, evaluate and register, in one go"),
    Command("data", "read a cohort, check it for leaks and quality, show its splits"),
    Command("train", "fit the three models, calibrate them, choose the champion"),
    Command(
        "evaluate",
        "open the test split and the external cohorts of a trained run" + WITH_PACKAGE,
        acts_on_run=True,
    ),
    Command("register", "put an evaluated run's packages into the registry", acts_on_run=True),
    Command(
        "recalibrate",
        "fit a line behind a package's risk on other data: package=champion data=... output=...",
    ),
    Command(
        "stability",
        "refit a run's baselines on other samples: how much would a patient's risk change",
        acts_on_run=True,
        own_settings=("evaluation.refits",),
    ),
    Command(
        "optimism",
        "make a run's baselines anew on other samples: how much too good do they look",
        acts_on_run=True,
        own_settings=("evaluation.refits",),
    ),
    Command(
        "learning_curve",
        "make a run's baselines from shares of its patients: would more patients help",
        acts_on_run=True,
    ),
    Command("compare", "put two evaluated runs side by side: compare RUN RUN", flags=True),
    Command("score", "risks for every row of a file: score input=new.csv output=risks.csv"),
    Command("traps", "mistakes on real data, and what each does to the figures", flags=True),
    Command("concept", "a card for each idea of the pipeline: concept [NAME]", flags=True),
    Command("practice", "asks as an interviewer does, times you, shows a good answer", flags=True),
    Command("walkthrough", "a run told along the five concerns, as one page", flags=True),
    Command("serve", "answer requests with the registered champion", flags=True),
    Command("api_key", "give a client of the service a key, or take its keys back", flags=True),
    Command("audit", "verify that nobody edited the audit log; make its keys", flags=True),
)
COMMANDS = {command.name: command for command in ROWS if command.exists}
