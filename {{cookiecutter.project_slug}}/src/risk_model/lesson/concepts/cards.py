"""The cards as they are read: one TOML file a concept in `cards/`, checked when it is read.

To add one, write `cards/NAME.toml` with the fields of `Card`; the tests check it with the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict

from risk_model.core.optional import module_exists
from risk_model.lesson.toml_file import read_toml

FOLDER = Path(__file__).parent / "cards"
Concern = Literal["data", "model", "training", "evaluation", "deployment"]


@dataclass(frozen=True)
class ForClinicians:
    """A concept in four sentences without jargon, one each."""

    intuition: str
    benefit: str
    limitation: str
    when: str


@dataclass(frozen=True)
class Card:
    """A concept in six fields, a snippet that runs, and where this project uses it.

    `anchors` stand in every project; those of `modality_anchors` only in a project that reads the
    modality. Without either the concept is not built here. `near` are the names of cards that an
    interviewer goes on to.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    title: str
    concern: Concern
    what: str
    why: str
    how: str
    when: str
    pitfall: str
    patients: str
    snippet: str
    clinician: ForClinicians
    source: str
    near: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    modality_anchors: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def anchors_here(self) -> tuple[str, ...]:
        """The anchors whose code this project holds."""
        here = [m for m in self.modality_anchors if module_exists(f"config.{m}")]
        return self.anchors + tuple(a for m in here for a in self.modality_anchors[m])


@cache
def cards() -> dict[str, Card]:
    """All cards by name, in the order of the names."""
    return {path.stem: read(path) for path in sorted(FOLDER.glob("*.toml"))}


def read(path: Path) -> Card:
    """The card in a file.

    Raises:
        UserError: it is no TOML, or a field is missing, unknown or of another type.
    """
    return read_toml(path, Card, "docs/lesson.md shows a card")
