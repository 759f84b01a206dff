"""Questions for the conversation, made from what this submission shows and from nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict

from risk_model.lesson.toml_file import read_toml
from take_home import choices
from take_home.choices import Choice, Submitted
from take_home.claims import MOST_CLAIMS
from take_home.graded import ClaimView, Graded
from take_home.untrusted import one_line

FILE = Path(__file__).parent / "texts" / "questions.toml"
REMEDY = "each [[questions]] has rule, ask and listen"
LEFT_OUT, KEPT = ("drop_rows", "drop_column"), "keep"  # decisions
OF_TRUTH = ("missed", "harmless")  # rules that show what was planted
SAME = 3  # claims: fewer with one decision are chance
EACH = 3  # questions about one task, and about the findings from one rule
VALUE, SEEN, LETTER = 80, 300, 20_000  # characters of a value, of a line, of the letter
JARGON = re.compile(
    r"\b(AUROC|AUC|ROC|Brier|logits?|p[- ]values?|log odds|chi[- ]squared?|χ²|ECE|Platt"
    r"|calibration slope|standard deviations?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Question:
    """A question, the line or value it is made from, and what a good answer holds.

    `of_truth`: what it is made from is the truth about the cohort, not what the candidate wrote.
    """

    about: str
    ask: str
    seen: str
    listen: str
    of_truth: bool = False


@dataclass(frozen=True)
class _Text:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    rule: str
    ask: str
    listen: str


@dataclass(frozen=True)
class _File:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    questions: list[_Text]


def questions(graded: Graded) -> tuple[Question, ...]:
    """All questions whose condition holds: task by task, then the findings, risks and letter.

    Raises:
        UserError: the texts cannot be read.
    """
    texts = read_toml(FILE, _File, REMEDY).questions
    asked: dict[str, Question] = {}  # by what is asked, so that no question stands there twice
    for task in graded.tasks:
        new = (q for q in _about_file(task.title, Submitted(task), texts) if q.ask not in asked)
        asked |= {question.ask: question for question in islice(new, EACH)}
    for text in texts:
        if text.rule in RULES:
            about, rule = RULES[text.rule]
            made = (_question(about, text, choice) for choice in rule(graded))
            asked |= {question.ask: question for question in islice(made, EACH)}
    return tuple(asked.values())


def _about_file(title: str, file: Submitted, texts: list[_Text]) -> Iterator[Question]:
    """The first choice of each rule."""
    for text in texts:
        if text.rule in choices.RULES:
            first = islice(choices.RULES[text.rule](file), 1)
            yield from (_question(title, text, choice) for choice in first)


def _question(about: str, text: _Text, choice: Choice) -> Question:
    ask = text.ask.format(value=one_line(choice.value, VALUE))
    seen, listen = one_line(choice.seen, SEEN), text.listen.strip()
    return Question(about, ask, seen, listen, text.rule in OF_TRUTH)


def place(claim: ClaimView) -> str:
    """What a claim is about, in a few words of the candidate's own."""
    said = (one_line(text, VALUE) for text in (claim.kind, claim.column, claim.site))
    return ", ".join(text for text in said if text)


def _missed(graded: Graded) -> Iterator[Choice]:
    for missed in graded.missed:
        yield Choice(missed.kind, missed.truth)


def _harmless(graded: Graded) -> Iterator[Choice]:
    for claim in graded.claims:
        if claim.oddity:
            yield Choice(place(claim), claim.oddity)


def _not_planted(graded: Graded) -> Iterator[Choice]:
    for claim in graded.claims:
        if claim.truth is None and not claim.oddity:
            yield Choice(
                place(claim),
                f"why: {one_line(claim.why, SEEN)}" if claim.why.strip() else "no reason",
            )


def _partly_right(graded: Graded) -> Iterator[Choice]:
    for claim in graded.claims:
        if claim.truth is not None and claim.points < claim.most:
            dates = f"since {claim.since or 'not said'}, until {claim.until or 'not said'}"
            yield Choice(place(claim), f"number {claim.number or 'not said'}, {dates}")


def _left_out(graded: Graded) -> Iterator[Choice]:
    for claim in graded.claims:
        if claim.decision in LEFT_OUT:
            number = f", number {claim.number}" if claim.number else ""
            yield Choice(place(claim), f"decision {claim.decision}{number}")


def _kept(graded: Graded) -> Iterator[Choice]:
    for claim in graded.claims:
        if claim.decision == KEPT and claim.truth is not None:
            yield Choice(place(claim), f"decision {claim.decision}")


def _same_decision(graded: Graded) -> Iterator[Choice]:
    made = [claim.decision for claim in graded.claims if claim.decision]
    if len(made) >= SAME and len(set(made)) == 1:
        yield Choice(made[0], f"{len(made)} findings with the decision {made[0]}")


def _no_reason(graded: Graded) -> Iterator[Choice]:
    for claim in graded.claims:
        if not claim.why.strip():
            yield Choice(place(claim), "why is empty")


def _all_claims(graded: Graded) -> Iterator[Choice]:
    if len(graded.claims) >= MOST_CLAIMS:
        yield Choice(str(len(graded.claims)), "; ".join(place(c) for c in graded.claims))


def _risks_lost(graded: Graded) -> Iterator[Choice]:
    for part in graded.risks.parts:
        if part.points < part.most:
            yield Choice(part.name, part.sentence)


def _no_letter(graded: Graded) -> Iterator[Choice]:
    if not graded.letter.strip():
        yield Choice("", "LETTER.md is missing or empty")


def _no_number(graded: Graded) -> Iterator[Choice]:
    if graded.letter.strip() and not re.search(r"\d", graded.letter[:LETTER]):
        yield Choice("", graded.letter)


def _jargon(graded: Graded) -> Iterator[Choice]:
    for line in graded.letter[:LETTER].splitlines():
        if word := JARGON.search(line):
            yield Choice(word.group(), line)
            return


# By the name that texts/questions.toml gives the rule; with what it is about.
RULES: dict[str, tuple[str, Callable[[Graded], Iterator[Choice]]]] = {
    "missed": ("Findings", _missed),
    "harmless": ("Findings", _harmless),
    "not_planted": ("Findings", _not_planted),
    "partly_right": ("Findings", _partly_right),
    "left_out": ("Findings", _left_out),
    "kept": ("Findings", _kept),
    "same_decision": ("Findings", _same_decision),
    "no_reason": ("Findings", _no_reason),
    "all_claims": ("Findings", _all_claims),
    "risks_lost": ("Risks", _risks_lost),
    "no_letter": ("Letter", _no_letter),
    "no_number": ("Letter", _no_number),
    "jargon": ("Letter", _jargon),
}
