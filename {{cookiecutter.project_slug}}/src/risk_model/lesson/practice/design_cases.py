"""Design cases: one TOML file a case in `cases/`, a good answer along the five concerns.

To add one, write `cases/NAME.toml` with the fields of `Case`; the tests check its length, and each
setting and command in it, with the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict

from risk_model.lesson.toml_file import read_toml

FOLDER = Path(__file__).parent / "cases"
REMEDY = "the fields of a case stand in lesson/practice/design_cases.py"


@dataclass(frozen=True)
class Choice:
    """What a good answer says of one concern, and what in this project does it.

    `settings` are settings of `run`, `commands` whole commands, one a line; a line that ends in a
    backslash goes on in the next, as in a shell.
    """

    answer: str
    settings: str = ""
    commands: str = ""


@dataclass(frozen=True)
class Case:
    """A system to design: what is asked, which data it reads, and a good answer."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    question: str
    modality: Literal["tabular", "imaging", "waveform", "text"]
    data: Choice
    model: Choice
    training: Choice
    evaluation: Choice
    deployment: Choice


@cache
def cases() -> dict[str, Case]:
    """All cases by name, in the order of the names."""
    return {path.stem: read_toml(path, Case, REMEDY) for path in sorted(FOLDER.glob("*.toml"))}
