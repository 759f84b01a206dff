"""The report of a run, and the index of runs: HTML files that are read without a network.

What will a clinician, a reviewer and an auditor ask of this run? The text of the page stands in
`report.html.j2`, its looks in `report.css`; `report_view` says what it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from risk_model.core.files import write_atomically
from risk_model.evaluation.results import RunEvaluation
from risk_model.reporting.content import ReportContent
from risk_model.reporting.page import write_page
from risk_model.reporting.report_view import report_view
from risk_model.reporting.sentences import VerdictSummary, summarise
from risk_model.reporting.wording import capitalise


@dataclass(frozen=True)
class IndexEntry:
    """A run in the index: its name, the link to its report, and what its champion achieved."""

    name: str
    href: str
    outcome: str
    champion: str
    evaluation: RunEvaluation


@dataclass(frozen=True)
class IndexCard:
    """An entry as the page shows it."""

    title: str
    name: str
    href: str
    summary: VerdictSummary


@dataclass(frozen=True)
class IndexView:
    """What the page of all runs shows."""

    cards: list[IndexCard]


def write_report(path: Path, content: ReportContent) -> None:
    """Writes a report as one self-contained HTML file, its core plots as SVG beside it.

    Args:
        path: Of the HTML file; the plots go into `figures/` of the same folder.
        content: What to show; what it lacks stands as "Not recorded".
    """
    view = report_view(content)
    write_page(path, "report.html.j2", view)
    plots = {**(vars(view.plots) if view.plots else {}), "places": view.places.forest}
    for name, drawing in plots.items():
        if drawing:
            write_atomically(path.parent / "figures" / f"{name}.svg", drawing.encode())


def write_index(path: Path, entries: Sequence[IndexEntry]) -> None:
    """Writes the page that links several reports, with the champion's metrics of each.

    Args:
        path: Of the HTML file.
        entries: The runs, in the order of the page.
    """
    cards = [
        IndexCard(
            capitalise(entry.outcome),
            entry.name,
            entry.href,
            summarise(entry.champion, entry.evaluation),
        )
        for entry in entries
    ]
    write_page(path, "index.html.j2", IndexView(cards))
