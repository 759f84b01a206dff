"""The looks of every plot: colours, dashes, and a figure as SVG text.

Colours are Okabe and Ito's, told apart by readers with any colour vision; each model has a dash of
its own as well.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from risk_model.evaluation.results import Numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES = (
    ("#0072B2", "-"),
    ("#D55E00", (0, (5, 2))),
    ("#009E73", (0, (1, 1.2))),
    ("#CC79A7", (0, (6, 2, 1, 2))),
    ("#000000", (0, (8, 3))),
    ("#8B5A00", (0, (4, 1.5, 1, 1.5, 1, 1.5))),
)
GREY = "#595959"
SIZE = (3.7, 3.2)  # inches, of a panel
RC: Any = {
    "text.parse_math": False,  # a name with two dollar signs is no formula
    "svg.fonttype": "none",  # text stays text: smaller, searchable, readable aloud
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "legend.fontsize": 9,
}


@dataclass(frozen=True)
class LineStyle:
    """Colour, dash, width and depth of a model's line, as matplotlib names them."""

    color: str
    linestyle: Any
    linewidth: float
    zorder: float


def line_styles(models: Iterable[str], champion: str) -> dict[str, LineStyle]:
    """The style of each model's line, the champion's in front and widest."""
    ordered = sorted(models, key=lambda name: name != champion)
    looks = zip(ordered, cycle(STYLES), strict=False)
    return {
        name: LineStyle(colour, dash, 2.2 if name == champion else 1.3, 3 - i / 9)
        for i, (name, (colour, dash)) in enumerate(looks)
    }


def panel(x: str, y: str) -> tuple[Figure, Axes]:
    """An empty plot with the labels of its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    return figure, figure.add_subplot(xlabel=x, ylabel=y)


def draw_line(axes: Axes, x: Numbers, y: Numbers, label: str, style: LineStyle) -> None:
    """A curve, with a gap where it could not be estimated."""
    across, values = (np.array(numbers, dtype=np.float64) for numbers in (x, y))
    axes.plot(across, values, label=label, **asdict(style))


def fill_band(
    axes: Axes, x: Numbers, low: Numbers, high: Numbers, colour: str, label: str | None = None
) -> None:
    """The area between two curves; nothing where an interval could not be estimated."""
    if None not in low:
        across, lower, upper = (np.array(values, dtype=np.float64) for values in (x, low, high))
        axes.fill_between(across, lower, upper, color=colour, alpha=0.18, lw=0, label=label)


def mark_threshold(axes: Axes, threshold: float, label: str | None = None) -> None:
    """A dashed line at the operating threshold."""
    axes.axvline(threshold, color=GREY, linewidth=1, linestyle=(0, (2, 2)), label=label)


def svg(figure: Figure, alternative: str) -> Markup:
    """A figure as one SVG element with a text alternative; the same bytes for the same numbers."""
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({**RC, "svg.hashsalt": alternative}):
        figure.savefig(out, format="svg")
    text = out.getvalue()
    text = re.sub(r'<g id="[^"]*">', "<g>", text[text.index("<svg") :])
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.S)
    size = re.search(r'width="([\d.]+)pt"', text)
    width = f"max-width:{float(size[1]) * 4 / 3:.0f}px" if size else ""
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    start = f'<svg role="img" aria-label="{alternative}" style="{width}"'
    return Markup(text.replace("<svg", start, 1))  # noqa: S704 matplotlib escapes what it writes
