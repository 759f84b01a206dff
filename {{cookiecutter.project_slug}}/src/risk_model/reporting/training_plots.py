"""The plots of how training went and of what the champion learnt, as SVG."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from risk_model.reporting.content import GlobalExplanation
from risk_model.reporting.plot_style import RC, STYLES, panel, svg

EPOCHS = {
    "loss": ("train_loss", "validation_loss"),
    "AUROC": ("train_auroc", "validation_auroc"),
    "gradient norm": ("gradient_norm",),
}
MOST_FIELDS = 15  # of the explanation, the most important first
History = Sequence[dict[str, float | None]]


def history_plots(history: History, step: str = "epoch") -> list[Markup]:
    """Loss, AUROC and gradient norm of each epoch or tree, a plot each, where recorded."""
    import matplotlib

    recorded = {
        title: [name for name in names if history and name in history[0]]
        for title, names in EPOCHS.items()
    }
    with matplotlib.rc_context(RC):
        return [_plot(title, history, names, step) for title, names in recorded.items() if names]


def _plot(title: str, history: History, names: list[str], step: str) -> Markup:
    figure, axes = panel(step, title)
    epochs = _column(history, "epoch")
    for name, (colour, dash) in zip(names, STYLES, strict=False):
        values = _column(history, name)
        label = name.split("_")[0]
        axes.plot(epochs, values, color=colour, linestyle=dash, label=label)
    if len(names) > 1:
        axes.legend()
    return svg(figure, f"{title} by {step}")


def _column(history: History, name: str) -> list[float]:
    values = [row.get(name) for row in history]
    return [np.nan if value is None else value for value in values]


def explanation_plot(explanation: GlobalExplanation) -> Markup:
    """The champion's SHAP values over many patients, drawn by the shap library.

    The value of a category has no rank and is drawn grey.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import shap

    with (
        warnings.catch_warnings(),
        matplotlib.rc_context({**RC, "axes.grid": False, "svg.hashsalt": "explanation"}),
    ):
        warnings.simplefilter("ignore")  # of a column of categories, which has no range
        height = 0.8 + 0.3 * min(MOST_FIELDS, len(explanation.fields))
        shap.summary_plot(
            explanation.shap,
            explanation.ranks,
            feature_names=explanation.fields,
            max_display=MOST_FIELDS,
            plot_size=(7.0, height),
            rng=np.random.default_rng(0),
            show=False,
        )
        figure = plt.gcf()
        figure.axes[0].set_xlabel("SHAP value: change of the log odds")
        drawing = svg(figure, "SHAP values of the most important fields, one dot a row")
        plt.close(figure)
    return drawing
