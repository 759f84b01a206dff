"""What goes to a reviewer beside the report? A data card and two checklists, filled in as far as
the run can.

TRIPOD+AI (Collins et al., BMJ 2024;385:e078378) asks what a paper must tell, PROBAST+AI (Moons et
al., BMJ 2025;388:e082505) how far to trust it. All that stands in them was computed by the run or
is stated by its settings.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from risk_model.core.files import write_atomically
from risk_model.reporting.checklists import ANSWERED, OPEN, PARTLY, probast, read, tripod
from risk_model.reporting.data_card import data_card
from risk_model.reporting.markdown import UNKNOWN, Row, document, plain, section, table

Facts = dict[str, Any]
REPORTED = (
    f'"{ANSWERED}": the named places hold what is asked. "{PARTLY}": they hold some of it, and the '
    "last column says "
    f'what the authors add. "{OPEN}": the authors write it. Whether something is told is asked '
    "here, not whether it "
    "is good."
)
REDUCED = (
    "PROBAST+AI answers yes, probably yes, probably no, no, or no information. Here Yes stands for "
    "the first two, No "
    f"for the next two and {UNKNOWN} for no information; Not applicable stands only where the tool "
    "allows it. "
    f"Computed from the run where a program can tell; all else is {UNKNOWN} until an assessor, who "
    "may overrule any "
    "answer, has judged it."
)
RATED = {"development": "concern about quality", "evaluation": "risk of bias"}


def write_documents(directory: Path, facts: Facts) -> None:
    """Writes data_card.md, tripod_ai.md and probast_ai.md into a run's directory, each whole or not
    at all.

    `facts` is what `report_facts` returns; what is absent in it is "Unknown" or "Not answered". The
    places that the checklists name are files of that directory.
    """
    documents = {
        "data_card.md": data_card,
        "tripod_ai.md": tripod_document,
        "probast_ai.md": probast_document,
    }
    for name, content in {name: make(facts) for name, make in documents.items()}.items():
        write_atomically(directory / name, content)


def tripod_document(facts: Facts) -> bytes:
    """The TRIPOD+AI checklist as Markdown, with how much of it is answered on top."""
    items, source = tripod(facts), read("tripod_ai")["source"]
    states = Counter(item["state"] for item in items)
    summary = (
        f"**{states[ANSWERED]} answered of {len(items)}**, {states[PARTLY]} in part, "
        f"{states[OPEN]} not."
    )
    sections = dict.fromkeys(item["section"] for item in items)
    told = [
        section(name, _tripod_table([i for i in items if i["section"] == name]))
        for name in sections
    ]
    return document(f"# TRIPOD+AI: {_title(facts)}", summary, _origin(source), REPORTED, *told)


def probast_document(facts: Facts) -> bytes:
    """The PROBAST+AI assessment as Markdown, with how much of it is answered on top."""
    items, source = probast(facts), read("probast_ai")["source"]
    answers = Counter(item["answer"] for item in items)
    told = ", ".join(f"{count} {answer}" for answer, count in answers.items() if answer != UNKNOWN)
    summary = (
        f"**{len(items) - answers[UNKNOWN]} answered of {len(items)}**{': ' if told else ''}{told}."
    )
    parts = [_probast_part(part, [i for i in items if i["part"] == part]) for part in RATED]
    return document(f"# PROBAST+AI: {_title(facts)}", summary, _origin(source), REDUCED, *parts)


def _title(facts: Facts) -> str:
    return plain(facts.get("title", UNKNOWN))


def _origin(source: str) -> str:
    return (
        f"After {source}: official numbers, words of this project's own. Cite and fill in the "
        "original to publish."
    )


def _tripod_table(items: list[Row]) -> str:
    return table(
        [
            {
                "item": item["number"],
                "topic": item["topic"],
                "asked": item["asked"],
                "state": item["state"],
                "where": _links(item["at"]),
                "left to the authors": item["left"],
            }
            for item in items
        ]
    )


def _probast_part(part: str, items: list[Row]) -> str:
    blocks = []
    for domain in dict.fromkeys(item["domain"] for item in items):
        questions = [_question(item) for item in items if item["domain"] == domain]
        blocks += [
            f"### {domain}",
            table(questions),
            f"Rating, {RATED[part]}: {UNKNOWN} (an assessor's).",
        ]
    concerns = [{**row, "concern": UNKNOWN} for row in read("probast_ai")["applicability"]]
    return section(f"Model {part}", *blocks, "### Applicability", table(concerns))


def _question(item: Row) -> Row:
    shown = {
        "no.": item["number"],
        "asked": item["asked"],
        "answer": item["answer"],
        "why": item["why"],
    }
    return {**shown, "where": _links(item["at"])}


def _links(places: list[str]) -> str:
    """Places as links, what is meant inside a JSON file behind them."""
    found = [place.partition(": ") for place in places]
    return ", ".join(
        f"[{file}]({file})" + (f" `{inside}`" if inside else "") for file, _, inside in found
    )
