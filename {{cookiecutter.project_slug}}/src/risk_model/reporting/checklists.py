"""The checklists TRIPOD+AI and PROBAST+AI: their items, and which of them a run has answered.

The items stand in `texts/` under their official numbers, in words of our own: Collins et al., BMJ
2024;385:e078378; Moons et al., BMJ 2025;388:e082505. An item is answered where its conditions hold;
the rest is the authors' to write.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from risk_model.core.files import read_json
from risk_model.core.json_record import JsonRecord
from risk_model.reporting.checklist_conditions import CONDITIONS
from risk_model.reporting.checklist_verdicts import VERDICTS, Assessment
from risk_model.reporting.content import ReportContent
from risk_model.reporting.markdown import UNKNOWN

TEXTS = Path(__file__).parent / "texts"
State = Literal["Answered", "In part", "Not answered"]
ANSWERED: State = "Answered"
PARTLY: State = "In part"
OPEN: State = "Not answered"


@dataclass(frozen=True)
class TripodAnswer(JsonRecord):
    """Where an item is answered, `when` these conditions hold; whether it is answered
    completely.
    """

    when: list[str]
    locations: list[str]
    complete: bool


@dataclass(frozen=True)
class TripodItem(JsonRecord):
    """An item of TRIPOD+AI; of its answers the first whose conditions hold counts."""

    number: str
    section: str
    topic: str
    question: str
    remaining: str
    answers: list[TripodAnswer]


@dataclass(frozen=True)
class TripodText(JsonRecord):
    """The content of tripod_ai.json."""

    name: str
    source: str
    items: list[TripodItem]


@dataclass(frozen=True)
class ProbastItem(JsonRecord):
    """A signalling question of PROBAST+AI; `verdict` names who answers it, "" for an assessor."""

    part: Literal["development", "evaluation"]
    number: str
    domain: str
    question: str
    to_assess: str
    locations: list[str]
    verdict: str


@dataclass(frozen=True)
class ApplicabilityQuestion(JsonRecord):
    """A question of PROBAST+AI about what the model is meant for."""

    domain: str
    question: str


@dataclass(frozen=True)
class ProbastText(JsonRecord):
    """The content of probast_ai.json."""

    name: str
    source: str
    applicability: list[ApplicabilityQuestion]
    items: list[ProbastItem]


@dataclass(frozen=True)
class ReportedItem:
    """How far a run answers an item of TRIPOD+AI, where, and what is left to the authors."""

    item: TripodItem
    state: State
    locations: list[str]
    remaining: str


@dataclass(frozen=True)
class AssessedItem:
    """A run's answer to a signalling question of PROBAST+AI, and where to look."""

    item: ProbastItem
    assessment: Assessment
    locations: list[str]


def tripod_text() -> TripodText:
    """The items of TRIPOD+AI."""
    return TripodText.from_json(read_json(TEXTS / "tripod_ai.json"))


def probast_text() -> ProbastText:
    """The questions of PROBAST+AI."""
    return ProbastText.from_json(read_json(TEXTS / "probast_ai.json"))


def tripod(content: ReportContent) -> list[ReportedItem]:
    """How far a run answers each of TRIPOD+AI's 52 items."""
    return [_reported(item, content) for item in tripod_text().items]


def probast(content: ReportContent) -> list[AssessedItem]:
    """A run's answers to PROBAST+AI's 34 signalling questions."""
    return [_assessed(item, content) for item in probast_text().items]


def _reported(item: TripodItem, content: ReportContent) -> ReportedItem:
    lacking: list[str] = []
    for answer in item.answers:
        conditions = [CONDITIONS[name] for name in answer.when]
        absent = [condition.absent for condition in conditions if not condition.holds(content)]
        if not absent:
            locations = _locations(answer.locations, content)
            if answer.complete:
                return ReportedItem(item, ANSWERED, locations, "")
            return ReportedItem(item, PARTLY, locations, item.remaining)
        lacking += absent
    remaining = dict.fromkeys(text for text in (*lacking, item.remaining) if text)
    return ReportedItem(item, OPEN, [], "; ".join(remaining))


def _assessed(item: ProbastItem, content: ReportContent) -> AssessedItem:
    assessment = Assessment(UNKNOWN, f"to judge: {item.to_assess}")
    if item.verdict:
        assessment = VERDICTS[item.verdict](content)
    return AssessedItem(item, assessment, _locations(item.locations, content))


def _locations(locations: list[str], content: ReportContent) -> list[str]:
    return [location.replace("{champion}", content.champion.name) for location in locations]
