"""The questions of five kinds, each with a good answer, made from cards, cases and two lists.

Concept questions come from the concept cards in the lesson's order of an answer (principle, reason,
example, pitfall), those for a clinician from the cards' own block; design questions from `cases/`;
traps and unknown questions from the TOML files of those names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, get_args

from pydantic import ConfigDict

from risk_model.core.optional import module_exists
from risk_model.lesson.concepts.cards import Card, Concern, cards
from risk_model.lesson.practice.design_cases import Case, Choice, cases
from risk_model.lesson.toml_file import read_toml

Kind = Literal["design", "concept", "trap", "explain to a clinician", "unknown"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CONCERNS: tuple[Concern, ...] = get_args(Concern)
FOLDER = Path(__file__).parent
REMEDY = "its fields stand in lesson/practice/questions.py"


@dataclass(frozen=True)
class Part:
    """A paragraph of a good answer: its label, what is said, and code shown as it stands."""

    label: str
    text: str
    code: str = ""


@dataclass(frozen=True)
class Question:
    """What is asked, and a good answer; `name` is unique within its kind."""

    kind: Kind
    name: str
    ask: str
    good: tuple[Part, ...]

    @property
    def key(self) -> str:
        """The question's name in the log: `concept/dropout`."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class TrapQuestion:
    """A trap as an interviewer sets it: what goes wrong, by how much, and the guard."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    concern: Concern
    question: str
    wrong: str
    damage: str
    guard: str


@dataclass(frozen=True)
class UnknownQuestion:
    """A question that no card answers, in the lesson's four steps."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    concern: Concern
    question: str
    know: str
    principles: str
    example: str
    gap: str


def questions(concern: Concern | None = None) -> list[Question]:
    """All questions; with a concern those that belong to it, and of each case that part alone."""
    return [
        *(_design(name, case, concern) for name, case in cases().items()),
        *(
            q
            for name, card in cards().items()
            if card.concern in _wanted(concern)
            for q in _of_card(name, card)
        ),
        *(_trap(name, trap) for name, trap in traps().items() if trap.concern in _wanted(concern)),
        *(_unknown(name, u) for name, u in unknowns().items() if u.concern in _wanted(concern)),
    ]


def traps() -> dict[str, TrapQuestion]:
    """The traps' questions by the name of the trap."""
    return read_toml(FOLDER / "traps.toml", dict[str, TrapQuestion], REMEDY)


def unknowns() -> dict[str, UnknownQuestion]:
    """The questions without a card, by a short name."""
    return read_toml(FOLDER / "unknown.toml", dict[str, UnknownQuestion], REMEDY)


def _wanted(concern: Concern | None) -> tuple[Concern, ...]:
    return (concern,) if concern else CONCERNS


def _design(name: str, case: Case, concern: Concern | None) -> Question:
    parts = [_choice(c, getattr(case, c)) for c in _wanted(concern)]
    if case.modality != "tabular" and not module_exists(f"config.{case.modality}"):
        made = f"The settings are those of a project made with modality={case.modality}."
        parts.append(Part("not in this project", made))
    if concern:
        only = f"{case.question} Speak of one concern alone: {concern}."
        return Question("design", f"{name}/{concern}", only, tuple(parts))
    return Question("design", name, case.question, tuple(parts))


def _choice(concern: Concern, choice: Choice) -> Part:
    shown = [("settings of run:", choice.settings), ("commands:", choice.commands)]
    code = "\n\n".join(f"{label}\n{text.strip()}" for label, text in shown if text.strip())
    return Part(concern, choice.answer, code)


def _of_card(name: str, card: Card) -> Iterator[Question]:
    told = (
        Part("principle", card.what),
        Part("reason", card.why),
        Part("example", card.how, card.snippet.strip()),
        Part("pitfall", card.pitfall),
        Part("for patients", card.patients),
    )
    yield Question("concept", name, f"Explain this concept: {card.title}.", told)
    said = card.clinician
    simple = (
        Part("intuition", said.intuition),
        Part("benefit", said.benefit),
        Part("limitation", said.limitation),
        Part("when I would use it", said.when),
    )
    ask = f"Explain this to a clinician who has never trained a model: {card.title}."
    yield Question("explain to a clinician", name, ask, simple)


def _trap(name: str, trap: TrapQuestion) -> Question:
    good = (
        Part("what goes wrong", trap.wrong),
        Part("by how much", trap.damage, f"traps {name}"),
        Part("the guard", trap.guard),
    )
    ask = f"{trap.question} What goes wrong, by how much, and how do you guard against it?"
    return Question("trap", name, ask, good)


def _unknown(name: str, unknown: UnknownQuestion) -> Question:
    good = (
        Part("what I know", unknown.know),
        Part("first principles", unknown.principles),
        Part("a related example", unknown.example),
        Part("the gap, and why it matters", unknown.gap),
    )
    return Question("unknown", name, unknown.question, good)
