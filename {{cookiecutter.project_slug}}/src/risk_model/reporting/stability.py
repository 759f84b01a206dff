"""What does a clinician have to know about a model's stability? A page of sentences, plots and one
table.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from risk_model.core.files import write_atomically
from risk_model.reporting import plots
from risk_model.reporting.page import write_page
from risk_model.reporting.plots import words
from risk_model.reporting.wording import figure_text, percent

Judged = dict[str, Any]
PAGE = "stability.html"


def write_stability(
    directory: Path, title: str, found: dict[str, Any], refits: dict[str, npt.NDArray[np.float64]]
) -> None:
    """Writes `stability-<model>.svg` for each model, and the page that shows them, into a run's
    directory.

    `found` is the content of stability.json, `refits` the risks float64[B, n] behind it, by model.
    """
    models = found["models"]
    drawn = {name: plots.instability(name, judged, refits[name]) for name, judged in models.items()}
    for name, svg in drawn.items():
        write_atomically(directory / f"stability-{name}.svg", svg.encode())
    view = {
        "title": title,
        "run": directory.name,
        "found": found,
        "rows": next(iter(models.values()))["rows"],
        "models": [
            {
                "label": words(name)[:1].upper() + words(name)[1:],
                "sentences": sentences(judged),
                "figure": Markup(svg),  # noqa: S704 drawn here; what draws escapes what it writes
                "mape": points(judged["mape"]["mean"]),
            }
            for (name, judged), svg in zip(models.items(), drawn.values(), strict=True)
        ],
        "table": _table(models),
        "champion": words(found["champion"]),
        "judged": found["champion"] in models,
        "threshold": percent(found["threshold"]),
    }
    write_page(directory / PAGE, "stability.html.j2", view)


def points(difference: float) -> str:
    """A difference of risks in percentage points.

    >>> points(0.0312)
    '3.1 percentage points'
    """
    return f"{100 * difference:.1f} percentage points"


def sentences(judged: Judged) -> list[str]:
    """What the figures of one model say, in words."""
    mape, crossed, slope = judged["mape"], judged["classification"], judged["slope"]
    said = [
        f"Refitted on another sample, it would move a patient's risk by {points(mape['mean'])} on "
        "average; for one "
        f"patient in twenty by {points(mape['percentile_95'])} or more.",
        f"The middle 95 % of the refits' risks spans {points(judged['range']['mean_width'])} for "
        "the average patient.",
        f"At the threshold of {percent(judged['threshold'])} a patient is flagged otherwise by "
        f"{percent(crossed['mean'])} of the refits on average; the most uncertain one by "
        f"{percent(crossed['worst'])}.",
    ]
    if slope and slope["low"] is not None:
        span = f"{slope['low']:.2f} to {slope['high']:.2f}"
        said.append(
            f"Calibration slope: {slope['estimate']:.2f}, and {span} in the middle 95 % of the "
            "refits."
        )
    return said


def _table(models: dict[str, Judged]) -> list[dict[str, str]]:
    """A row a figure, a column a model."""
    rows: dict[str, Callable[[Judged], str]] = {
        "mean absolute prediction error (MAPE), mean over the rows": lambda j: (
            f"{j['mape']['mean']:.3f}"
        ),
        "MAPE, 95th percentile of the rows": lambda j: f"{j['mape']['percentile_95']:.3f}",
        "width of a row's 95 % range, mean": lambda j: f"{j['range']['mean_width']:.3f}",
        "classification instability index, mean": lambda j: percent(j["classification"]["mean"]),
        "classification instability index, worst row": lambda j: percent(
            j["classification"]["worst"]
        ),
        "calibration slope (middle 95 % of the refits)": lambda j: figure_text(j["slope"] or {}, 2),
        "calibration slope, median of the refits": lambda j: _median(j["slope"]),
    }
    return [
        {"figure": label, **{words(n): of(judged) for n, judged in models.items()}}
        for label, of in rows.items()
    ]


def _median(slope: dict[str, float | None] | None) -> str:
    median = (slope or {}).get("median")
    return "–" if median is None else f"{median:.2f}"
