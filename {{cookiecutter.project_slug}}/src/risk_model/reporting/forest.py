"""How much does performance vary over places and times? A forest plot: a line an estimate, with its
interval.
"""

from __future__ import annotations

from typing import Any

from risk_model.model.table import refitted
from risk_model.reporting.plots import GREY, RC, STYLES, svg, words

PANELS = {
    "auroc": ("AUROC", None),
    "citl": ("calibration-in-the-large", 0.0),
    "slope": ("calibration slope", 1.0),
}
LIMITS = {
    "auroc": (0.4, 1.0),
    "citl": (-2.0, 2.0),
    "slope": (0.0, 2.0),
}  # what lies beyond is drawn at the edge
Row = dict[str, Any]


def rows(evaluation: dict[str, Any], left_out: list[Row], champion: str) -> list[Row]:
    """The champion in each part, then a baseline in each place and time it was made without: label,
    n, events, figures.

    The baseline is the champion where it is one, and logistic regression where the network is
    champion.
    """
    shown = [
        {
            "label": part,
            "n": content["n"],
            "events": content["events"],
            "model": champion,
            "refitted": False,
        }
        | {name: content["models"][champion]["metrics"][name] for name in PANELS}
        for part, content in evaluation["parts"].items()
    ]
    made_anew = refitted()
    model = champion if champion in made_anew else made_anew[0]
    for row in left_out:
        figures = {name: row["models"][model][name] for name in PANELS} if row["models"] else {}
        label = f"without {row['name']}" if row["kind"] == "site" else row["name"]
        told = {
            "label": label,
            "n": row["n"],
            "events": row["events"],
            "model": model,
            "refitted": True,
        }
        shown.append({**told, **figures, "reason": row["reason"]})
    return shown


def table(shown: list[Row]) -> list[Row]:
    """The same as a table."""
    return [
        {
            "patients": row["label"],
            "model": words(row["model"]),
            "rows": row["n"],
            "events": row["events"],
            **{label: row.get(name) for name, (label, _) in PANELS.items()},
            **({"AUROC": row["reason"]} if row.get("reason") else {}),
        }
        for row in shown
    ]


def forest(shown: list[Row]) -> str:
    """The plot, as SVG; "" with fewer than two estimates."""
    import matplotlib
    from matplotlib.figure import Figure

    drawn = [row for row in shown if "auroc" in row and row["auroc"]["estimate"] is not None]
    if len(drawn) < 2:
        return ""
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(9.2, 0.9 + 0.28 * len(drawn)), layout="constrained")
        axes = figure.subplots(1, len(PANELS), sharey=True)
        for panel, (name, (title, target)) in zip(axes, PANELS.items(), strict=True):
            _panel(panel, name, title, target, drawn)
        axes[0].set_yticks(range(len(drawn)), [row["label"] for row in drawn])
        axes[0].invert_yaxis()
        return svg(
            figure,
            "Forest plot of discrimination and calibration by place and time; the table has the "
            "numbers",
        )


def _panel(axes: Any, name: str, title: str, target: float | None, drawn: list[Row]) -> None:
    low, high = LIMITS[name]
    axes.set(title=title, xlim=(low, high))
    axes.grid(axis="y", visible=False)
    if target is not None:
        axes.axvline(target, color=GREY, linewidth=1, linestyle=":")
    for place, row in enumerate(drawn):
        figure, (colour, _) = row[name], STYLES[int(row["refitted"])]
        if figure["estimate"] is None:
            continue
        ends = [
            figure["estimate"] if figure[end] is None else figure[end] for end in ("low", "high")
        ]
        axes.plot(
            [min(max(end, low), high) for end in ends], [place, place], color=colour, linewidth=1.6
        )
        marker = "s" if row["refitted"] else "o"
        axes.plot(
            min(max(figure["estimate"], low), high),
            place,
            marker,
            color=colour,
            markersize=5,
            clip_on=False,
        )
