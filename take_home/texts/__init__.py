"""The texts of the assignment and of the interviewer's rubric, one TOML table each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Criterion:
    """What a person reads for, and an example sentence for 0, 1 and so on."""

    name: str
    question: str
    levels: tuple[str, ...]

    @property
    def most(self) -> int:
        """The highest level."""
        return len(self.levels) - 1


@dataclass(frozen=True)
class Rubric:
    """Criteria for the reasons of a claim, by its kind, and for the letter."""

    reasons: dict[str, tuple[Criterion, ...]]
    letter: tuple[Criterion, ...]


def dictionary() -> pd.DataFrame:
    """dictionary.csv: column, meaning, unit and source, one row a column of the cohort."""
    columns = _read("columns.toml")["columns"]
    return pd.DataFrame([{"column": name, **facts} for name, facts in columns.items()])


def rubric() -> Rubric:
    """The interviewer's rubric: why 0-2, decision 0-2, patients 0-1, and the letter's criteria."""
    table = _read("rubric.toml")
    reasons = {
        kind: tuple(
            Criterion(name, table["reasons"][name], tuple(levels))
            for name, levels in criteria.items()
        )
        for kind, criteria in table["kinds"].items()
    }
    letter = tuple(
        Criterion(name, facts["question"], tuple(facts["levels"]))
        for name, facts in table["letter"].items()
    )
    return Rubric(reasons, letter)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
