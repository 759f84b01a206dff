"""What does it look like? The report's figures as SVG text, drawn from the numbers the room found
and nothing else.

Colours are Okabe and Ito's, told apart by readers with any colour vision; each model has a dash of
its own as well.
"""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from risk_model.model.table import label

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES = (
    ("#0072B2", "-"),
    ("#D55E00", (0, (5, 2))),
    ("#009E73", (0, (1, 1.2))),
    ("#CC79A7", (0, (6, 2, 1, 2))),
)
GREY = "#595959"
SIZE = (3.7, 3.2)  # inches, of a panel
RC: Any = {
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


def words(name: str) -> str:
    """A model's name as a reader says it."""
    return label(name)


def styles(models: list[str], champion: str) -> dict[str, dict[str, Any]]:
    """Colour, dash and width of each model's line, the champion's in front and widest."""
    ordered = sorted(models, key=lambda name: name != champion)
    return {
        name: {
            "color": colour,
            "linestyle": dash,
            "linewidth": 2.2 if name == champion else 1.3,
            "zorder": 3 - i / 9,
        }
        for i, (name, (colour, dash)) in enumerate(zip(ordered, STYLES, strict=False))
    }


def core(part: dict[str, Any], champion: str, threshold: float) -> dict[str, str]:
    """The four core figures of one part: SVG by name, none where there were too few events
    to draw.
    """
    import matplotlib

    curves = {name: judged["curves"] for name, judged in part["models"].items() if judged["curves"]}
    if champion not in curves:
        return {}
    look = styles(list(part["models"]), champion)
    with matplotlib.rc_context(RC):
        return {
            "discrimination": _roc(part, curves, look),
            "calibration": _calibration(curves, look, champion),
            "net_benefit": _decision(curves, look, champion, threshold)
            if curves[champion]["decision"]
            else "",
            "distribution": _distribution(curves[champion], threshold),
        }


def _roc(part: dict[str, Any], curves: dict[str, Any], look: dict[str, dict[str, Any]]) -> str:
    figure, axes = _panel("1 − specificity", "sensitivity")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    for name, curve in curves.items():
        label = f"{words(name)} {part['models'][name]['metrics']['auroc']['estimate']:.2f}"
        axes.plot(
            curve["roc"]["false_positive_rate"],
            curve["roc"]["true_positive_rate"],
            label=label,
            **look[name],
        )
    axes.legend(loc="lower right", title="AUROC")
    return svg(figure, "Receiver operating characteristic curve of each model")


def _calibration(curves: dict[str, Any], look: dict[str, dict[str, Any]], champion: str) -> str:
    figure, axes = _panel("predicted risk", "observed share")
    drawn = [curve["calibration"] for curve in curves.values()]
    top = min(1.0, 1.05 * max(max(line["risk"] + line["observed"]) for line in drawn))
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="perfect")
    for name, line in zip(curves, drawn, strict=True):
        axes.plot(line["risk"], line["observed"], label=words(name), **look[name])
    band = curves[champion]["calibration"]
    if None not in band["low"]:
        axes.fill_between(
            band["risk"], band["low"], band["high"], color=look[champion]["color"], alpha=0.18, lw=0
        )
    axes.set(xlim=(0, top), ylim=(0, top))
    axes.legend(loc="upper left")
    return svg(figure, "Smooth calibration curve: observed share of events against predicted risk")


def _decision(
    curves: dict[str, Any], look: dict[str, dict[str, Any]], champion: str, threshold: float
) -> str:
    figure, axes = _panel("threshold: flag at or above this risk", "net benefit per patient")
    own = curves[champion]["decision"]
    axes.plot(own["threshold"], own["treat_all"], color=GREY, linewidth=1.2, label="flag everybody")
    axes.axhline(0, color="black", linewidth=1, linestyle=":", label="flag nobody")
    for name, curve in curves.items():
        line = curve["decision"]
        axes.plot(line["threshold"], line["net_benefit"], label=words(name), **look[name])
    if None not in own["low"]:
        axes.fill_between(
            own["threshold"],
            own["low"],
            own["high"],
            color=look[champion]["color"],
            alpha=0.18,
            lw=0,
        )
    axes.axvline(threshold, color=GREY, linewidth=1, linestyle=(0, (2, 2)))
    top = max(max(curve["decision"]["net_benefit"]) for curve in curves.values())
    axes.set_ylim(-0.15 * max(top, 0.01), 1.45 * max(top, 0.01, *own["treat_all"][:1]))
    axes.legend(loc="upper right")
    return svg(
        figure,
        "Decision curve: net benefit against the threshold, with flagging everybody and nobody",
    )


def difference(part: dict[str, Any], champion: str, reference: str, threshold: float) -> str:
    """How much more net benefit than the reference, by threshold, with the champion's band; ""
    where none was told.
    """
    import matplotlib

    drawn = {
        name: (judged["curves"] or {}).get("decision") or {}
        for name, judged in part["models"].items()
    }
    drawn = {name: curve for name, curve in drawn.items() if curve.get("difference")}
    if not drawn:
        return ""
    look, first = (
        styles(list(part["models"]), champion),
        champion if champion in drawn else next(iter(drawn)),
    )
    with matplotlib.rc_context(RC):
        figure, axes = _panel(
            "threshold: flag at or above this risk", f"net benefit − that of {words(reference)}"
        )
        axes.axhline(0, color="black", linewidth=1, linestyle=":")
        for name, curve in drawn.items():
            axes.plot(
                curve["threshold"], curve["difference"]["estimate"], label=words(name), **look[name]
            )
        band = drawn[first]["difference"]
        if None not in band["low"]:
            at = drawn[first]["threshold"]
            axes.fill_between(
                at, band["low"], band["high"], color=look[first]["color"], alpha=0.18, lw=0
            )
        axes.axvline(threshold, color=GREY, linewidth=1, linestyle=(0, (2, 2)))
        axes.legend(loc="best")
        return svg(
            figure,
            f"Difference in net benefit to {words(reference)} against the threshold, with its "
            "interval",
        )


def _distribution(curves: dict[str, Any], threshold: float) -> str:
    figure, axes = _panel("predicted risk", "share of each group")
    bars = curves["risk_distribution"]
    for key, colour, sign in (("events", STYLES[1][0], 1), ("non_events", STYLES[0][0], -1)):
        label = "with the event (up)" if sign > 0 else "without (down)"
        axes.stairs(
            sign * np.array(bars[key]),
            bars["edges"],
            fill=True,
            color=colour,
            alpha=0.75,
            label=label,
        )
    axes.axhline(0, color="black", linewidth=0.8)
    axes.axvline(
        threshold, color=GREY, linewidth=1, linestyle=(0, (2, 2)), label="operating threshold"
    )
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0%}")
    highest = max(*bars["events"], *bars["non_events"])
    axes.set(xlim=(0, 1), ylim=(-1.05 * highest, 1.5 * highest))
    axes.legend(loc="upper right")
    return svg(
        figure, "Distribution of the predicted risk among patients with and without the event"
    )


EPOCHS = {
    "loss": ("train_loss", "validation_loss"),
    "AUROC": ("train_auroc", "validation_auroc"),
    "gradient norm": ("gradient_norm",),
}


def training(history: list[dict[str, Any]]) -> list[str]:
    """Loss, AUROC and gradient norm of each epoch, a figure each, as far as they were recorded."""
    import matplotlib

    drawn = []
    for title, keys in EPOCHS.items():
        recorded = [key for key in keys if history and key in history[0]]
        if recorded:
            with matplotlib.rc_context(RC):
                drawn.append(_epochs(title, history, recorded))
    return drawn


def _epochs(title: str, history: list[dict[str, Any]], keys: list[str]) -> str:
    figure, axes = _panel("epoch", title)
    for key, (colour, dash) in zip(keys, STYLES, strict=False):
        values = [np.nan if row.get(key) is None else row[key] for row in history]
        axes.plot(
            [row["epoch"] for row in history],
            values,
            color=colour,
            linestyle=dash,
            label=key.split("_")[0],
        )
    if len(keys) > 1:
        axes.legend()
    return svg(figure, f"{title} by epoch")


def explanation(facts: dict[str, Any], fields: int = 15) -> str:
    """The champion's SHAP values over many patients, drawn by the shap library; "" when there are
    none.

    `facts` has "fields", and "shap" and "values" as lists [n, f]; the value of a category is None
    and drawn grey.
    """
    if not facts or not facts.get("shap"):
        return ""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import shap

    values = np.array(
        [[np.nan if v is None else v for v in row] for row in facts["values"]], dtype=np.float64
    )
    with (
        warnings.catch_warnings(),
        matplotlib.rc_context({**RC, "axes.grid": False, "svg.hashsalt": "explanation"}),
    ):
        warnings.simplefilter("ignore")  # of a column of categories, which has no range
        height = 0.8 + 0.3 * min(fields, len(facts["fields"]))
        size = {"plot_size": (7.0, height), "max_display": fields, "rng": np.random.default_rng(0)}
        shap.summary_plot(
            np.array(facts["shap"]), values, feature_names=facts["fields"], show=False, **size
        )
        figure = plt.gcf()
        figure.axes[0].set_xlabel("SHAP value: change of the log odds")
        drawn = svg(figure, "SHAP values of the most important fields, one dot a patient")
        plt.close(figure)
    return drawn


SHOWN = 1_000  # points: more only fill the page


def instability(name: str, judged: dict[str, Any], refits: npt.NDArray[np.float64]) -> str:
    """The instability plot of one model: refitted against original risk, some points of float64[B,
    n], and the band.

    `judged` is what `evaluation.stability.instability` found of them.
    """
    import matplotlib

    with matplotlib.rc_context(RC):
        figure, axes = _panel("risk from the run's model", "risk from the refitted models")
        picked = np.random.default_rng(0).permutation(refits.size)[:SHOWN]
        original, band = np.array(judged["original"]), judged["band"]
        colour, top = (
            STYLES[0][0],
            min(1.0, 1.05 * max(refits.ravel()[picked].max(), *band["high"])),
        )
        axes.plot(
            original[picked % len(original)],
            refits.ravel()[picked],
            ".",
            color=GREY,
            markersize=2,
            alpha=0.45,
        )
        axes.fill_between(
            band["risk"],
            band["low"],
            band["high"],
            color=colour,
            alpha=0.18,
            lw=0,
            label="middle 95 %",
        )
        for edge in ("low", "high"):
            axes.plot(band["risk"], band[edge], color=colour, linewidth=1.5)
        axes.plot([0, 1], [0, 1], color="black", linewidth=1, linestyle=":", label="the same risk")
        for line in (axes.axvline, axes.axhline):
            line(judged["threshold"], color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.set(xlim=(0, top), ylim=(0, top))
        axes.legend(loc="upper left", frameon=True, framealpha=0.9, edgecolor="none")
        return svg(
            figure,
            f"Instability plot, {words(name)}: risks of refitted models against those of the run",
        )


def _panel(x: str, y: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    return figure, figure.add_subplot(xlabel=x, ylabel=y)


def svg(figure: Figure, alternative: str) -> str:
    """The figure as one SVG element with a text alternative, the same bytes for the same
    numbers.
    """
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
    return text.replace("<svg", f'<svg role="img" aria-label="{alternative}" style="{width}"', 1)
