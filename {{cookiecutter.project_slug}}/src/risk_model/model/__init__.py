"""What a risk model is: anything that turns encoded features into a logit, and leaves as one graph.

Two baselines come first (logistic regression, XGBoost); a network has to be worth its cost beside
them. `table.py` lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from risk_model.core.inputs import Arrays
from risk_model.core.json_record import JsonRecord
from risk_model.core.schema import Features, Schema
from risk_model.core.subject_folds import subject_folds

if TYPE_CHECKING:
    import onnx

    from risk_model.config import Config

Floats = npt.NDArray[np.float64]
Logits = Floats
EpochRecorder = Callable[[int, dict[str, float]], None]
CURVE_ROWS = 20_000
FEW_ROWS = 500  # the same where a row is a recording


class RiskModel(Protocol):
    """A fitted model, which holds everything that was fitted, imputation and scaling included."""

    @property
    def name(self) -> str:
        """Its name in the table of models."""

    def logit(self, features: Features) -> Logits:
        """Log odds of the outcome before calibration: float64[n].

        For float32[n, d] rows, NaN where missing.
        """

    def graph(self) -> onnx.ModelProto:
        """The same as a graph: input `features` float32[n, d], output `logit` float32[n]."""

    def parameters(self) -> dict[str, npt.NDArray[Any]]:
        """Everything fitted, by name; `statistics.…` are summaries of the training rows."""


class Sample(NamedTuple):
    """Rows to learn from: float32[n, simple] features, int8[n] labels, float64[n] weights.

    Weights are all 1, unless the loss is pos_weight. `subjects` [n] says whose rows they are; empty
    where each row is a subject of its own. `arrays` are those of recordings, for a network.
    """

    features: Features
    labels: npt.NDArray[np.int8]
    weights: Floats
    subjects: npt.NDArray[Any] = np.empty(0)
    arrays: Arrays | None = None

    def take(self, rows: npt.NDArray[np.intp]) -> Sample:
        """These rows, in this order."""
        subjects = self.subjects[rows] if len(self.subjects) else self.subjects
        arrays = self.arrays and self.arrays.take(rows)
        return Sample(self.features[rows], self.labels[rows], self.weights[rows], subjects, arrays)

    def folds(self, count: int) -> npt.NDArray[np.int64]:
        """The fold of each row, by subject and with as many events in each: int[n]."""
        subjects = self.subjects if len(self.subjects) else np.arange(len(self.labels))
        return subject_folds(subjects, self.labels, 0, count)


@dataclass(frozen=True)
class FitInputs:
    """What a model is fitted from: rows to learn from, rows to stop by, and the settings.

    Without `validation` the training takes `rounds` epochs, or trees, and nothing is measured.
    `pos_weight` is the weight of an event in both samples. `record` is called after each epoch, or
    tree, with its number (from 1) and what was measured; with `curves` on the training rows too.
    """

    train: Sample
    validation: Sample | None
    schema: Schema
    settings: Config
    pos_weight: float
    record: EpochRecorder
    rounds: int = 0
    curves: bool = True


@dataclass(frozen=True)
class NetworkTraining(JsonRecord):
    """How a network of recordings was trained: where, and how many rows were computed together.

    A batch holds fewer rows than were asked for where batch norm learns and memory sets the limit.
    Gradients are summed over its pieces; `piece` is `batch` where it passes whole.
    """

    device: str
    amp: bool
    batch_asked: int
    batch: int
    piece: int
    scored_at_once: int


def curve_rows(labels: npt.NDArray[Any], most: int = CURVE_ROWS) -> npt.NDArray[np.intp]:
    """At most so many training rows for the curves of an epoch, events as frequent as in all."""
    step = max(-(-len(labels) // most), 1)
    ordered = np.argsort(labels, kind="stable")[::-1]  # an event first, however rare they are
    return np.sort(ordered[::step])
