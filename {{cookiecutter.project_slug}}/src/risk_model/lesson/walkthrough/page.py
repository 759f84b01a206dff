"""The page of a walkthrough and the interviewer's sheet: prose, code in place, a run's numbers.

How does a candidate tell a whole project in three minutes, in fifteen, in forty-five?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from risk_model.core.errors import UserError
from risk_model.lesson.anchors import Place, find
from risk_model.lesson.walkthrough.pointers import Pointers
from risk_model.lesson.walkthrough.prose import (
    Claim,
    Concern,
    Item,
    Topic,
    closing,
    concerns,
    those_true,
)
from risk_model.lesson.walkthrough.records import RunRecords, read_records
from risk_model.reporting.page import write_page

HERE = Path(__file__).parent
PAGE, SHEET = "walkthrough.html", "interview_sheet.html"
# What each depth may hold, spoken at 140 words a minute; and the minutes of all five concerns.
LEAD_WORDS, PARAGRAPH_WORDS, MINUTES = 420, 2_000, 45
LEADS = 2  # sentences that answer a concern


@dataclass(frozen=True)
class TopicView:
    """What is shown of a topic."""

    name: str
    ask: str
    answer: Markup
    measured: Markup
    pitfall: Markup
    code: list[Place]
    follow_up: str
    follow_up_answer: Markup

    @property
    def paragraph(self) -> str:
        """All that is told of it in fifteen minutes, as plain text."""
        told = (self.answer, self.measured, self.pitfall)
        return " ".join([self.ask, *(text.striptags() for text in told)])

    @property
    def further(self) -> str:
        """What forty-five minutes add, but for the code."""
        return f"{self.follow_up} {self.follow_up_answer.striptags()}"


@dataclass(frozen=True)
class ConcernView:
    """What is shown of a concern; `lead` holds a sentence each."""

    concern: Concern
    lead: list[Markup]
    topics: list[TopicView]

    @property
    def led(self) -> str:
        """All that is told of it in three minutes, as plain text."""
        return " ".join([self.concern.question, *(text.striptags() for text in self.lead)])


@dataclass(frozen=True)
class ItemView:
    """A tick of the checklist; without evidence it is not in this run."""

    name: str
    evidence: Markup


@dataclass(frozen=True)
class WalkthroughView:
    """Everything that the two templates name."""

    title: str
    run: str
    concerns: list[ConcernView]
    answer: list[ItemView]
    clinical: list[ItemView]
    lead_words: int
    paragraph_words: int
    further_words: int
    topics: int
    minutes: int = MINUTES


def write(directory: Path, sheet: bool = False) -> Path:
    """Writes the walkthrough of a run, or the interviewer's sheet, into its directory.

    Returns:
        Where it stands.

    Raises:
        UserError: the run is not evaluated, or the prose no longer fits it.
    """
    path = directory / (SHEET if sheet else PAGE)
    template = "interview_sheet.html.j2" if sheet else "walkthrough.html.j2"
    write_page(path, template, view(read_records(directory)), HERE)
    return path


def view(run: RunRecords) -> WalkthroughView:
    """What is true of a run, concern by concern, with its numbers and the code in place.

    Raises:
        UserError: an anchor or a pointer leads nowhere, or no two lead sentences are true.
    """
    pointers, end = Pointers(run), closing()
    shown = [_concern(concern, run, pointers) for concern in concerns()]
    lead = _words([own.led for own in shown])
    paragraphs = lead + _words([topic.paragraph for own in shown for topic in own.topics])
    pointers.count("lead", lead)
    pointers.count("paragraphs", paragraphs)
    return WalkthroughView(
        title=f"{run.training.outcome} — {run.training.cohort}",
        run=run.name,
        concerns=shown,
        answer=[_item(item, run, pointers) for item in end.answer],
        clinical=[_item(item, run, pointers) for item in end.clinical],
        lead_words=lead,
        paragraph_words=paragraphs,
        topics=sum(len(own.topics) for own in shown),
        further_words=_words([topic.further for own in shown for topic in own.topics]),
    )


def _concern(concern: Concern, run: RunRecords, pointers: Pointers) -> ConcernView:
    lead = [pointers.render(claim.say) for claim in those_true(concern.lead, run)]
    if len(lead) != LEADS:
        raise UserError(
            f"walkthrough: {len(lead)} lead sentences of {concern.name} are true of this run, "
            f"not {LEADS}: its conditions no longer fit"
        )
    return ConcernView(concern, lead, [_topic(topic, run, pointers) for topic in concern.topics])


def _topic(topic: Topic, run: RunRecords, pointers: Pointers) -> TopicView:
    def told(claims: Sequence[Claim]) -> Markup:
        return _told(claims, run, pointers)

    return TopicView(
        name=topic.name,
        ask=topic.ask,
        answer=told(topic.answer),
        measured=told(topic.measured),
        pitfall=told(topic.pitfall),
        code=[find(code.anchor) for code in those_true(topic.code, run)],
        follow_up=topic.follow_up.ask,
        follow_up_answer=told(topic.follow_up.answer),
    )


def _item(item: Item, run: RunRecords, pointers: Pointers) -> ItemView:
    return ItemView(item.name, _told(item.evidence, run, pointers))


def _told(claims: Sequence[Claim], run: RunRecords, pointers: Pointers) -> Markup:
    return Markup(" ").join(pointers.render(claim.say) for claim in those_true(claims, run))


def _words(texts: Sequence[str]) -> int:
    return sum(len(text.split()) for text in texts)
