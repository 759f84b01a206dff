"""What is a risk model here? Anything that turns encoded features into a logit, and can leave as
one ONNX graph.

Two baselines come first (logistic regression, XGBoost); a network has to be worth its cost beside
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from risk_model.core.schema import Features

if TYPE_CHECKING:
    import onnx

Logits = npt.NDArray[np.float64]
CURVE_ROWS = 20_000
SIMPLEST_FIRST = ("logistic_regression", "xgboost", "network")


class RiskModel(Protocol):
    """A fitted model. Everything that was fitted, imputation and scaling included, lives
    inside it.
    """

    @property
    def name(self) -> str:
        """One of SIMPLEST_FIRST."""

    def logit(self, features: Features) -> Logits:
        """Log odds of the outcome for float32[n, d] rows, NaN where missing: float64[n], before
        calibration.
        """

    def graph(self) -> onnx.ModelProto:
        """The same as a graph: input `features` float32[n, d], output `logit` float32[n]."""

    def parameters(self) -> dict[str, npt.NDArray[Any]]:
        """Everything fitted, by name; names under `statistics.` are summaries of the
        training rows.
        """


def curve_rows(labels: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """At most CURVE_ROWS training rows for the curves of an epoch, with events and non-events as
    often as in all.
    """
    step = max(-(-len(labels) // CURVE_ROWS), 1)
    return np.sort(
        np.argsort(labels, kind="stable")[::-1][::step]
    )  # begins at an event, however rare they are
