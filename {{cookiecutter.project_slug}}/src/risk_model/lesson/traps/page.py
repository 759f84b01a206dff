"""The page of all demonstrations: a figure each, the two lines of code, and the table."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from risk_model.core.estimate import Estimate
from risk_model.core.scores import Floats
from risk_model.lesson.traps.lesson import Chart, Lesson
from risk_model.reporting.page import write_page
from risk_model.reporting.plot_style import GREY, RC, STYLES, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL = 24  # characters of a line of a label


@dataclass(frozen=True)
class TrapView:
    """What is shown of one demonstration."""

    name: str
    lesson: Lesson
    plot: Markup


@dataclass(frozen=True)
class TrapsView:
    """Everything that `traps.html.j2` names."""

    traps: list[TrapView]


def write_traps(path: Path, lessons: Mapping[str, Lesson]) -> None:
    """Writes the page of these demonstrations, by name."""
    views = [TrapView(name, own, plot(name, own.chart)) for name, own in lessons.items()]
    write_page(path, "traps.html.j2", TrapsView(views), Path(__file__).parent)


def plot(name: str, chart: Chart) -> Markup:
    """Each pair on a line of its own: the wrong way a square, the right way a disc."""
    import matplotlib
    from matplotlib.figure import Figure

    labels = [textwrap.fill(pair.label, LABEL) for pair in chart.pairs]
    lines = sum(label.count("\n") + 2 for label in labels)
    with matplotlib.rc_context({**RC, "axes.spines.left": False}):
        figure = Figure(figsize=(4.6, 0.17 * lines + 1.0), layout="constrained")
        axes = figure.add_subplot(xlabel=chart.axis)
        for place, pair in enumerate(chart.pairs):
            ends = _values([pair.wrong, pair.right])
            axes.plot(ends, [place] * len(ends), color=GREY, linewidth=1, zorder=1)
        draw_side(axes, [pair.wrong for pair in chart.pairs], chart.wrong, STYLES[1][0], "s")
        draw_side(axes, [pair.right for pair in chart.pairs], chart.right, STYLES[0][0], "o")
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.locator_params(axis="x", nbins=5)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        figure.legend(loc="outside upper left", ncols=2)
        return svg(figure, f"{name}: {chart.wrong} and {chart.right}")


def draw_side(
    axes: Axes, side: Sequence[Estimate | None], label: str, colour: str, marker: str
) -> None:
    """The figures of one way, with their intervals where they have one."""
    there = [(place, each) for place, each in enumerate(side) if each]
    for place, each in there:
        if each.interval:
            axes.plot(each.interval, [place, place], color=colour, linewidth=3, alpha=0.4)
    places = [place for place, _ in there]
    if there:
        axes.plot(_values(side), places, marker, color=colour, label=label, zorder=3)


def _values(estimates: Sequence[Estimate | None]) -> Floats:
    """Those that are there."""
    return np.array([each.estimate for each in estimates if each], dtype=np.float64)
