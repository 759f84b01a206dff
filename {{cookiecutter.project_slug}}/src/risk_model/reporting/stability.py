"""The page of a run's stability: sentences for a clinician, instability plots and one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from risk_model.core.estimate import Estimate
from risk_model.core.files import write_atomically
from risk_model.core.table import Row
from risk_model.evaluation.instability import Instability, SlopeInstability, StabilityRecord
from risk_model.model.table import label as model_label
from risk_model.reporting.page import write_page
from risk_model.reporting.plot_style import GREY, RC, STYLES, fill_band, panel, svg
from risk_model.reporting.wording import capitalise, estimate_text, percent

PAGE = "stability.html"
MOST_POINTS = 1_000  # of a plot: more only fill the page
Refits = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StableModelView:
    """What is shown of one model."""

    label: str
    sentences: list[str]
    plot: Markup
    mape: str


@dataclass(frozen=True)
class StabilityView:
    """Everything that `stability.html.j2` names."""

    title: str
    run: str
    refits: int
    subjects: str
    rows: str
    part: str
    models: list[StableModelView]
    table: list[Row]
    champion: str
    champion_refitted: bool
    threshold: str


def write_stability(
    directory: Path, title: str, record: StabilityRecord, refits: Mapping[str, Refits]
) -> None:
    """Writes `stability-<model>.svg` for each model, and the page that shows them.

    Args:
        directory: The run's.
        title: Of the page.
        record: The content of stability.json.
        refits: The risks float64[B, n] behind it, by model.
    """
    models = record.models
    plots = {name: instability_plot(name, own, refits[name]) for name, own in models.items()}
    for name, plot in plots.items():
        write_atomically(directory / f"stability-{name}.svg", plot.encode())
    view = StabilityView(
        title=title,
        run=directory.name,
        part=record.part,
        refits=record.refits,
        subjects=f"{record.subjects:,} {record.unit}",
        rows=f"{next(iter(models.values())).rows:,}",
        models=[_model_view(name, own, plots[name]) for name, own in models.items()],
        table=_table(models),
        champion=model_label(record.champion),
        champion_refitted=record.champion in models,
        threshold=percent(record.threshold),
    )
    write_page(directory / PAGE, "stability.html.j2", view)


def _model_view(name: str, own: Instability, plot: Markup) -> StableModelView:
    label = capitalise(model_label(name))
    return StableModelView(label, sentences(own), plot, points(own.mape.mean))


def points(difference: float) -> str:
    """A difference of risks in percentage points.

    >>> points(0.0312)
    '3.1 percentage points'
    """
    return f"{100 * difference:.1f} percentage points"


def sentences(own: Instability) -> list[str]:
    """What the numbers of one model say, in words."""
    mape, crossed, slope = own.mape, own.classification, own.slope
    texts = [
        f"Refitted on another sample, it would move a patient's risk by {points(mape.mean)} on "
        f"average; for one patient in twenty by {points(mape.percentile_95)} or more.",
        f"The middle 95 % of the refits' risks spans {points(own.range.mean_width)} for "
        "the average patient.",
        f"At the threshold of {percent(own.threshold)} a patient is flagged otherwise by "
        f"{percent(crossed.mean)} of the refits on average; the most uncertain one by "
        f"{percent(crossed.worst)}.",
    ]
    if slope and slope.low is not None:
        span = f"{slope.low:.2f} to {slope.high:.2f}"
        texts.append(
            f"Calibration slope: {slope.estimate:.2f}, and {span} in the middle 95 % of the refits."
        )
    return texts


def _table(models: Mapping[str, Instability]) -> list[Row]:
    """A row a metric, a column a model."""
    columns = {model_label(name): _column(own) for name, own in models.items()}
    names = next(iter(columns.values()))
    return [
        {"metric": name, **{label: column[name] for label, column in columns.items()}}
        for name in names
    ]


def _column(own: Instability) -> dict[str, str]:
    crossed = own.classification
    slope = own.slope or SlopeInstability(None, None, None, None)
    return {
        "mean absolute prediction error (MAPE), mean over the rows": f"{own.mape.mean:.3f}",
        "MAPE, 95th percentile of the rows": f"{own.mape.percentile_95:.3f}",
        "width of a row's 95 % range, mean": f"{own.range.mean_width:.3f}",
        "classification instability index, mean": percent(crossed.mean),
        "classification instability index, worst row": percent(crossed.worst),
        "calibration slope (middle 95 % of the refits)": estimate_text(
            Estimate(slope.estimate, slope.low, slope.high), 2
        ),
        "calibration slope, median of the refits": (
            "–" if slope.median is None else f"{slope.median:.2f}"
        ),
    }


def instability_plot(name: str, own: Instability, refits: Refits) -> Markup:
    """The instability plot of one model: refitted against original risk, and the band.

    Of the risks float64[B, n] of the refits some are drawn.
    """
    import matplotlib

    picked = np.random.default_rng(0).permutation(refits.size)[:MOST_POINTS]
    original, risk = np.array(own.original)[picked % len(own.original)], refits.ravel()[picked]
    highest = [value for value in own.band.high if value is not None]
    top, colour = min(1.0, 1.05 * max(risk.max(), *highest)), STYLES[0][0]
    with matplotlib.rc_context(RC):
        figure, axes = panel("risk from the run's model", "risk from the refitted models")
        axes.plot(original, risk, ".", color=GREY, markersize=2, alpha=0.45)
        band, label = own.band, "middle 95 %"
        fill_band(axes, list(band.risk), band.low, band.high, colour, label)
        for edge in (band.low, band.high):
            axes.plot(band.risk, np.array(edge, dtype=np.float64), color=colour, linewidth=1.5)
        axes.plot([0, 1], [0, 1], color="black", linewidth=1, linestyle=":", label="the same risk")
        for line in (axes.axvline, axes.axhline):
            line(own.threshold, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.set(xlim=(0, top), ylim=(0, top))
        axes.legend(loc="upper left", frameon=True, framealpha=0.9, edgecolor="none")
        alternative = "risks of refitted models against those of the run"
        return svg(figure, f"Instability plot, {model_label(name)}: {alternative}")
