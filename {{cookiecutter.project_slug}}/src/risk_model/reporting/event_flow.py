"""The flow in the report: from the possible moments down to the cohort, reasons beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from risk_model.core.cohort import Cohort
from risk_model.core.findings import FLOW
from risk_model.core.table import Row
from risk_model.data.sources.event_flow import Flow
from risk_model.data.sources.events import EventCohort
from risk_model.reporting.content import Illustration
from risk_model.reporting.markdown import plain, section, table
from risk_model.reporting.plot_style import GREY, RC, STYLES, svg
from risk_model.training.record import TrainingRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CAPTION = (
    "Each moment is counted once, for the first reason that holds; a subject stands where the last "
    "of their moments was left out, or in the cohort. An outcome is counted where it came after "
    "the gap and before its end."
)


def illustration(cohort: Cohort) -> Illustration | None:
    """The flow of a cohort as sentences, table and figure; None of one that is not of events."""
    flow = cohort.flow if isinstance(cohort, EventCohort) else None
    if flow is None:
        return None
    sentences = [f"{flow.sentence()}."]
    if flow.lost:
        low, high = flow.prevalence_bounds
        sentences.append(
            f"{flow.lost:,} moments were not followed: the outcome's share is "
            f"{flow.prevalence:.1%}, would be {low:.1%} if none of them had it, and {high:.1%} if "
            "all had."
        )
    if flow.died:
        sentences.append(f"{flow.died:,} of the cohort died without the outcome, before its end.")
    steps: list[Row] = [
        {
            "step": step.reason,
            "moments": step.moments,
            "subjects": step.subjects,
            "outcomes": step.outcomes,
        }
        for step in flow.steps
    ]
    return Illustration(sentences, steps, svg(flow_figure(flow), "Flow to the cohort"), CAPTION)


def card_section(record: TrainingRecord) -> str:
    """The flow in the model card; "" where the cohort was not selected from events."""
    steps = [finding for finding in record.findings or [] if finding.kind == FLOW]
    rows: list[Row] = [{"step": plain(each.where), "who": each.message} for each in steps]
    return section("From the possible moments to the cohort", table(rows)) if rows else ""


def flow_figure(flow: Flow) -> Figure:
    """The flow as boxes from the possible moments down to the cohort, reasons beside them."""
    from matplotlib.figure import Figure

    rows = len(flow.steps)
    figure = Figure(figsize=(6.4, 0.62 * rows), layout="constrained")
    axes = figure.add_subplot(xlim=(0, 1), ylim=(-rows + 0.4, 0.6))
    axes.set_axis_off()
    axes.plot([0.3, 0.3], [0, 1 - rows], color=GREY, linewidth=1, zorder=1)
    for row, step in enumerate(flow.steps):
        beside = 0 < row < rows - 1
        x, colour = (0.72, GREY) if beside else (0.3, STYLES[0][0])
        if beside:
            axes.plot([0.3, x], [-row, -row], color=GREY, linewidth=1, zorder=1)
        axes.text(
            x,
            -row,
            f"{step.reason}\n{step.counts()}",
            ha="center",
            va="center",
            bbox={"boxstyle": "round", "facecolor": "white", "edgecolor": colour},
            fontsize=RC["font.size"] - 2,
        )
    return figure
