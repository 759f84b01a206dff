"""The documents beside the report: a data card and two checklists, filled in as far as a run can.

TRIPOD+AI (Collins et al., BMJ 2024;385:e078378) asks what a paper must report, PROBAST+AI (Moons et
al., BMJ 2025;388:e082505) how far to trust it. All that stands in them was computed by the run or
is stated by its settings.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from risk_model.core.files import write_atomically
from risk_model.core.table import Row
from risk_model.reporting.checklists import (
    ANSWERED,
    OPEN,
    PARTLY,
    AssessedItem,
    ReportedItem,
    probast,
    probast_text,
    tripod,
    tripod_text,
)
from risk_model.reporting.content import ReportContent
from risk_model.reporting.data_card import data_card
from risk_model.reporting.markdown import UNKNOWN, document, or_unknown, section, table

REPORTED = (
    f'"{ANSWERED}": the named places hold what is asked. "{PARTLY}": they hold some of it, and the '
    f'last column says what the authors add. "{OPEN}": the authors write it. Whether something is '
    "told is asked here, not whether it is good."
)
REDUCED = (
    "PROBAST+AI answers yes, probably yes, probably no, no, or no information. Here Yes stands for "
    f"the first two, No for the next two and {UNKNOWN} for no information; Not applicable stands "
    "only where the tool allows it. Computed from the run where a program can tell; all else is "
    f"{UNKNOWN} until an assessor, who may overrule any answer, has judged it."
)
RATED = {"development": "concern about quality", "evaluation": "risk of bias"}


def write_documents(directory: Path, content: ReportContent) -> None:
    """Writes data_card.md, tripod_ai.md and probast_ai.md, each whole or not at all.

    Args:
        directory: The run's; the places that the checklists name are files of it.
        content: That of its report; what is absent in it is "Unknown" or "Not answered".
    """
    documents = {
        "data_card.md": data_card(content),
        "tripod_ai.md": tripod_document(content),
        "probast_ai.md": probast_document(content),
    }
    for name, text in documents.items():
        write_atomically(directory / name, text)


def tripod_document(content: ReportContent) -> bytes:
    """The TRIPOD+AI checklist as Markdown, with how much of it is answered on top."""
    items = tripod(content)
    states = Counter(reported.state for reported in items)
    summary = (
        f"**{states[ANSWERED]} answered of {len(items)}**, {states[PARTLY]} in part, "
        f"{states[OPEN]} not."
    )
    sections = [
        section(name, table([_tripod_row(r) for r in items if r.item.section == name]))
        for name in dict.fromkeys(reported.item.section for reported in items)
    ]
    title = f"# TRIPOD+AI: {or_unknown(content.title)}"
    return document(title, summary, _origin(tripod_text().source), REPORTED, *sections)


def probast_document(content: ReportContent) -> bytes:
    """The PROBAST+AI assessment as Markdown, with how much of it is answered on top."""
    items = probast(content)
    answers = Counter(assessed.assessment.answer for assessed in items)
    given = [f"{count} {answer}" for answer, count in answers.items() if answer != UNKNOWN]
    answered = f"**{len(items) - answers[UNKNOWN]} answered of {len(items)}**"
    summary = f"{answered}{': ' if given else ''}{', '.join(given)}."
    parts = [_probast_part(part, [a for a in items if a.item.part == part]) for part in RATED]
    title = f"# PROBAST+AI: {or_unknown(content.title)}"
    return document(title, summary, _origin(probast_text().source), REDUCED, *parts)


def _origin(source: str) -> str:
    return (
        f"After {source}: official numbers, words of this project's own. Cite and fill in the "
        "original to publish."
    )


def _tripod_row(reported: ReportedItem) -> Row:
    return {
        "item": reported.item.number,
        "topic": reported.item.topic,
        "asked": reported.item.question,
        "state": reported.state,
        "where": _links(reported.locations),
        "left to the authors": reported.remaining,
    }


def _probast_part(part: str, items: list[AssessedItem]) -> str:
    blocks = []
    for domain in dict.fromkeys(assessed.item.domain for assessed in items):
        questions = [_probast_row(a) for a in items if a.item.domain == domain]
        rating = f"Rating, {RATED[part]}: {UNKNOWN} (an assessor's)."
        blocks += [f"### {domain}", table(questions), rating]
    concerns: list[Row] = [
        {"domain": concern.domain, "asked": concern.question, "concern": UNKNOWN}
        for concern in probast_text().applicability
    ]
    return section(f"Model {part}", *blocks, "### Applicability", table(concerns))


def _probast_row(assessed: AssessedItem) -> Row:
    return {
        "no.": assessed.item.number,
        "asked": assessed.item.question,
        "answer": assessed.assessment.answer,
        "why": assessed.assessment.why,
        "where": _links(assessed.locations),
    }


def _links(locations: list[str]) -> str:
    """Locations as links, what is meant inside a JSON file behind them."""
    parts = [location.partition(": ") for location in locations]
    return ", ".join(
        f"[{file}]({file})" + (f" `{inside}`" if inside else "") for file, _, inside in parts
    )
