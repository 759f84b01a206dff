"""Mistakes in right answers, read from mutants.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple


class Mutant(NamedTuple):
    """What to replace in a task's file, and by what."""

    task: str
    mistake: str
    old: str
    new: str


MUTANTS = tuple(
    Mutant(task, each["mistake"], each["old"], each["new"])
    for task, mistakes in tomllib.loads(
        Path(__file__).with_name("mutants.toml").read_text(encoding="utf-8")
    ).items()
    for each in mistakes
)
