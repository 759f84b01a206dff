"""The forest plot: how much performance varies over sites and times, a line an estimate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from risk_model.core.estimate import Estimate
from risk_model.core.table import Row
from risk_model.evaluation.metric_table import Metric, metrics_in
from risk_model.evaluation.results import LeftOutEvaluation, Metrics, PartEvaluation, RunEvaluation
from risk_model.model.table import label as model_label
from risk_model.model.table import refitted
from risk_model.reporting.plot_style import GREY, RC, STYLES, svg
from risk_model.reporting.wording import estimate_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SITE = "site: "  # begins the name of a part that is one site
# Of the axes; what lies beyond is an arrow at the edge, with its value.
LIMITS = {"auroc": (0.4, 1.0), "citl": (-2.0, 2.0), "slope": (0.0, 2.0)}


@dataclass(frozen=True)
class ForestRow:
    """A model on the patients that `label` names.

    `refitted` is whether it was made anew without them; `reason` says why there are no metrics.
    `site` is the site's name where the patients are those of one site, "" where they are not.
    """

    label: str
    model: str
    n: int
    events: int
    metrics: Metrics = field(default_factory=dict)
    refitted: bool = False
    reason: str = ""
    site: str = ""


def forest_rows(
    evaluation: RunEvaluation, left_out: Sequence[LeftOutEvaluation], champion: str
) -> list[ForestRow]:
    """The champion in each part, then a baseline in each site and time it was made without.

    The baseline is the champion where it is one, and the simplest where the network is champion.
    """
    rows = [_part_row(name, champion, part) for name, part in evaluation.parts.items()]
    baselines = refitted()
    model = champion if champion in baselines else baselines[0]
    return rows + [_left_out_row(turn, model) for turn in left_out]


def _part_row(name: str, champion: str, part: PartEvaluation) -> ForestRow:
    site = name.removeprefix(SITE) if name.startswith(SITE) else ""
    metrics = part.models[champion].metrics
    return ForestRow(name, champion, part.n, part.events, metrics, site=site)


def _left_out_row(turn: LeftOutEvaluation, model: str) -> ForestRow:
    label = f"without {turn.name}" if turn.kind == "site" else turn.name
    metrics = turn.models.get(model, {})
    site = turn.name if turn.kind == "site" else ""
    return ForestRow(label, model, turn.n, turn.events, metrics, True, turn.reason, site)


def forest_table(rows: Sequence[ForestRow]) -> list[Row]:
    """The same as a table."""
    return [_table_row(row) for row in rows]


def _table_row(row: ForestRow) -> Row:
    first, *others = metrics_in("forest")
    cells: Row = {
        "patients": row.label,
        "model": model_label(row.model),
        "rows": row.n,
        "events": row.events,
        first.label: row.reason or row.metrics.get(first.name),
    }
    return cells | {metric.label: row.metrics.get(metric.name) for metric in others}


def forest_plot(rows: Sequence[ForestRow]) -> Markup | None:
    """The plot; None with fewer than two estimates."""
    import matplotlib
    from matplotlib.figure import Figure

    metrics = metrics_in("forest")
    estimated = [row for row in rows if _estimated(row, metrics[0])]
    if len(estimated) < 2:
        return None
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(9.2, 0.9 + 0.28 * len(estimated)), layout="constrained")
        axes = figure.subplots(1, len(metrics), sharey=True)
        for panel, metric in zip(axes, metrics, strict=True):
            _draw_panel(panel, metric, estimated)
        axes[0].set_yticks(range(len(estimated)), [row.label for row in estimated])
        axes[0].invert_yaxis()
        return svg(
            figure,
            "Forest plot of discrimination and calibration by place and time; the table has the "
            "numbers",
        )


def _estimated(row: ForestRow, metric: Metric) -> bool:
    estimate = row.metrics.get(metric.name)
    return estimate is not None and estimate.estimate is not None


def _draw_panel(axes: Axes, metric: Metric, rows: list[ForestRow]) -> None:
    low, high = LIMITS.get(metric.name, (0.0, 1.0))
    axes.set(title=metric.label, xlim=(low, high))
    axes.grid(axis="y", visible=False)
    if metric.target is not None:
        axes.axvline(metric.target, color=GREY, linewidth=1, linestyle=":")
    for height, row in enumerate(rows):
        _draw_estimate(axes, row.metrics[metric.name], height, row.refitted)


def _draw_estimate(axes: Axes, estimate: Estimate, height: int, refitted: bool) -> None:
    """A marker on its interval; what the axis does not hold is an arrow, its values above."""
    if estimate.estimate is None:
        return
    limits, middle = axes.get_xlim(), estimate.estimate
    (colour, _), (low, high) = STYLES[int(refitted)], estimate.interval or (middle, middle)
    inside = np.clip([low, high], *limits)
    axes.plot(inside, [height, height], color=colour, linewidth=1.6)
    beyond = [low < limits[0], high > limits[1]]
    for edge, arrow, cut in zip(limits, "<>", beyond, strict=True):
        if cut:
            axes.plot(edge, height, arrow, color=colour, markersize=7, clip_on=False)
    if limits[0] <= middle <= limits[1]:
        marker = "s" if refitted else "o"
        axes.plot(middle, height, marker, color=colour, markersize=5, clip_on=False)
    if any(beyond):
        edge, side = (limits[0], "left") if beyond[0] else (limits[1], "right")
        axes.annotate(
            estimate_text(estimate, 2),
            (edge, height),
            xytext=(4 if beyond[0] else -4, 4),
            textcoords="offset points",
            color=colour,
            fontsize=8,
            ha=side,
        )
