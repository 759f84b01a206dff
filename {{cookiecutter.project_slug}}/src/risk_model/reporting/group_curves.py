"""Calibration curves by group: a plot for each attribute of patients, and who has no curve."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from markupsafe import Markup

from risk_model.evaluation.results import CURVE_EVENTS, CalibrationCurve, SubgroupEvaluation
from risk_model.evaluation.subgroups import PARTITIONS
from risk_model.reporting.plot_style import (
    RC,
    SIZE,
    STYLES,
    LineStyle,
    draw_line,
    fill_band,
    panel,
    svg,
)
from risk_model.reporting.plots import draw_perfect

MOST_BANDS = 2  # of one plot; more would hide each other
Drawn = list[tuple[SubgroupEvaluation, CalibrationCurve]]


def group_curves(groups: Sequence[SubgroupEvaluation]) -> list[Markup]:
    """A model's calibration curve in each group with enough events, a plot an attribute.

    As many groups as there are line styles are drawn, those with the most events.
    """
    import matplotlib

    with matplotlib.rc_context(RC):
        return [_plot(name, drawn) for name, drawn in _drawn(groups).items()]


def without_curve(groups: Sequence[SubgroupEvaluation]) -> str:
    """The groups that have no curve, by name, and why; "" where each has one."""
    drawn = {id(group) for pairs in _drawn(groups).values() for group, _ in pairs}
    missing = [g for g in groups if g.partition in PARTITIONS and id(g) not in drawn]
    few = _names([group for group in missing if group.calibration is None])
    many = _names([group for group in missing if group.calibration is not None])
    said = [
        f"No calibration curve, for fewer than {CURVE_EVENTS} events or non-events: {few}."
        * bool(few),
        f"Not drawn beside the {len(STYLES)} groups with most events: {many}." * bool(many),
    ]
    return " ".join(filter(None, said))


def _drawn(groups: Sequence[SubgroupEvaluation]) -> dict[str, Drawn]:
    """The groups that are drawn, by attribute, in the order of the table."""
    drawn: dict[str, Drawn] = {}
    for partition, members in groupby(groups, key=lambda group: group.partition):
        pairs = [(group, group.calibration) for group in members if group.calibration]
        largest = sorted(pairs, key=lambda pair: -(pair[0].events or 0))[: len(STYLES)]
        if pairs:
            drawn[partition] = [pair for pair in pairs if pair in largest]
    return drawn


def _names(groups: Sequence[SubgroupEvaluation]) -> str:
    by_partition = groupby(groups, key=lambda group: group.partition)
    return "; ".join(f"{name} {', '.join(g.group for g in own)}" for name, own in by_partition)


def _plot(partition: str, drawn: Drawn) -> Markup:
    figure, axes = panel("predicted risk", "observed share")
    figure.set_size_inches(SIZE[0], SIZE[1] + 0.2 * len(drawn))  # the legend stands below
    banded = len(drawn) <= MOST_BANDS
    shown = [curve.risk + curve.observed + curve.high * banded for _, curve in drawn]
    draw_perfect(axes, [value for values in shown for value in values])
    for (group, curve), (colour, dash) in zip(drawn, STYLES, strict=False):
        label = f"{partition}: {group.group}, {group.events:,} events"
        draw_line(axes, curve.risk, curve.observed, label, LineStyle(colour, dash, 1.8, 3))
        if banded:
            fill_band(axes, curve.risk, curve.low, curve.high, colour)
    figure.legend(loc="outside lower left")
    return svg(
        figure,
        f"Smooth calibration curve of each {partition}: observed share of events against predicted "
        f"risk{', with bands' * banded}",
    )
