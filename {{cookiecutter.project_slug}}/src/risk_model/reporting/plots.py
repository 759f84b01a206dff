"""The plots of one part's performance, as SVG: discrimination, calibration, net benefit, risks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from risk_model.evaluation.results import Curves, DecisionCurve, Numbers, PartEvaluation
from risk_model.model.table import label as model_label
from risk_model.reporting.plot_style import (
    GREY,
    RC,
    STYLES,
    LineStyle,
    draw_line,
    fill_band,
    line_styles,
    mark_threshold,
    panel,
    svg,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THRESHOLD_AXIS = "threshold: flag at or above this risk"
EVERYBODY = LineStyle(GREY, "-", linewidth=1.2, zorder=2)  # the line of flagging everybody


@dataclass(frozen=True)
class CorePlots:
    """The four core plots of one part; no `net_benefit` where no range of thresholds is stated."""

    discrimination: Markup
    calibration: Markup
    net_benefit: Markup | None
    distribution: Markup


def core_plots(part: PartEvaluation, champion: str, threshold: float) -> CorePlots | None:
    """The core plots of one part; None where there were too few events to draw."""
    import matplotlib

    curves = {name: model.curves for name, model in part.models.items() if model.curves}
    if champion not in curves:
        return None
    styles = line_styles(part.models, champion)
    with matplotlib.rc_context(RC):
        return CorePlots(
            discrimination=_roc(part, curves, styles),
            calibration=_calibration(curves, styles, champion),
            net_benefit=_decision_curves(curves, styles, champion, threshold),
            distribution=_distribution(curves[champion], threshold),
        )


def _roc(part: PartEvaluation, curves: dict[str, Curves], styles: dict[str, LineStyle]) -> Markup:
    figure, axes = panel("1 − specificity", "sensitivity")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    for name, curve in curves.items():
        auroc = part.models[name].metrics["auroc"].estimate
        label = f"{model_label(name)} {auroc:.2f}"
        rates = curve.roc.false_positive_rate, curve.roc.true_positive_rate
        draw_line(axes, *rates, label, styles[name])
    axes.legend(loc="lower right", title="AUROC")
    return svg(figure, "Receiver operating characteristic curve of each model")


def _calibration(curves: dict[str, Curves], styles: dict[str, LineStyle], champion: str) -> Markup:
    figure, axes = panel("predicted risk", "observed share")
    lines = {name: curve.calibration for name, curve in curves.items()}
    own = lines[champion]
    draw_perfect(axes, [v for line in lines.values() for v in line.risk + line.observed] + own.high)
    for name, line in lines.items():
        draw_line(axes, line.risk, line.observed, model_label(name), styles[name])
    fill_band(axes, own.risk, own.low, own.high, styles[champion].color)
    axes.legend(loc="upper left")
    return svg(figure, "Smooth calibration curve: observed share of events against predicted risk")


def draw_perfect(axes: Axes, shown: Numbers) -> None:
    """The line of perfect calibration, on axes from 0 to above everything that is to be shown."""
    top = 1.03 * max(value for value in shown if value is not None)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="perfect")
    axes.set(xlim=(0, top), ylim=(0, top))


def _decision_curves(
    curves: dict[str, Curves], styles: dict[str, LineStyle], champion: str, threshold: float
) -> Markup | None:
    lines = {name: curve.decision for name, curve in curves.items() if curve.decision}
    if champion not in lines:
        return None
    own = lines[champion]
    figure, axes = panel(THRESHOLD_AXIS, "net benefit")
    bottom, top = _limits(lines, own)
    cut = any(value is not None and value < bottom for value in own.treat_all)
    everybody = "flag everybody, cut off below" if cut else "flag everybody"
    draw_line(axes, own.threshold, own.treat_all, everybody, EVERYBODY)
    axes.axhline(0, color="black", linewidth=1, linestyle=":", label="flag nobody")
    for name, line in lines.items():
        draw_line(axes, line.threshold, line.net_benefit, model_label(name), styles[name])
    fill_band(axes, own.threshold, own.low, own.high, styles[champion].color)
    mark_threshold(axes, threshold)
    axes.set_ylim(bottom, top)
    axes.legend(loc="upper right")
    return svg(
        figure,
        "Decision curve: net benefit against the threshold, with flagging everybody and nobody",
    )


def _limits(lines: dict[str, DecisionCurve], own: DecisionCurve) -> tuple[float, float]:
    """From below every model, and nothing, to well above the best, so that the legend has room."""
    benefit = [v for line in lines.values() for v in line.net_benefit if v is not None]
    shown = benefit + [value for value in own.low + own.high if value is not None]
    top = max([0.01, *benefit, *(value for value in own.treat_all[:1] if value is not None)])
    return min(-0.15 * top, 1.05 * min(shown)), max(1.45 * top, 1.05 * max(shown))


def difference_plot(
    part: PartEvaluation, champion: str, comparator: str, threshold: float
) -> Markup | None:
    """How much more net benefit than the comparator, by threshold, with the champion's band.

    None where no difference was computed.
    """
    import matplotlib

    lines = {
        name: (curve.threshold, curve.difference)
        for name, model in part.models.items()
        if model.curves and (curve := model.curves.decision) and curve.difference
    }
    if not lines:
        return None
    styles, label = line_styles(part.models, champion), model_label(comparator)
    first = champion if champion in lines else next(iter(lines))
    with matplotlib.rc_context(RC):
        figure, axes = panel(THRESHOLD_AXIS, f"net benefit − that of {label}")
        axes.axhline(0, color="black", linewidth=1, linestyle=":")
        for name, (at, gain) in lines.items():
            draw_line(axes, at, gain.estimate, model_label(name), styles[name])
        at, gain = lines[first]
        fill_band(axes, at, gain.low, gain.high, styles[first].color)
        mark_threshold(axes, threshold)
        axes.legend(loc="best")
        return svg(
            figure,
            f"Difference in net benefit to {label} against the threshold, with its interval",
        )


def _distribution(curves: Curves, threshold: float) -> Markup:
    figure, axes = panel("predicted risk", "share of each group")
    bars = curves.risk_distribution
    edges, events, others = (np.array(v) for v in (bars.edges, bars.events, bars.non_events))
    for heights, colour, label in (
        (events, STYLES[1][0], "with the event (up)"),
        (-others, STYLES[0][0], "without (down)"),
    ):
        axes.stairs(heights, edges, fill=True, color=colour, alpha=0.75, label=label)
    axes.axhline(0, color="black", linewidth=0.8)
    mark_threshold(axes, threshold, "operating threshold")
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0%}")
    highest = float(max(events.max(), others.max()))
    axes.set(xlim=(0, 1), ylim=(-1.05 * highest, 1.5 * highest))
    axes.legend(loc="upper right")
    return svg(figure, "Distribution of the predicted risk, with and without the event")
