"""The two baselines: logistic regression and XGBoost, fitted before any network.

Does anything simpler do as well? Both give logits and leave as one ONNX graph. Nothing but the
training rows shapes what they learn; XGBoost looks at the validation rows only to know when to
stop.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import onnx
import xgboost
from tqdm import tqdm

from risk_model import config
from risk_model.core.schema import Features
from risk_model.core.scores import row_log_loss, sigmoid
from risk_model.model import EpochRecorder, FitInputs, Floats, Logits, Sample, curve_rows
from risk_model.model.graphs import XgboostTree, trees
from risk_model.model.linear import LinearModel, Terms

STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)  # of a penalty on standardised terms, inverse
FOLDS = 5
NAMES = {"logloss": "loss", "auc": "auroc"}  # of XGBoost's metrics in the history


class LogisticRegression(LinearModel):
    """Logistic regression with an L2 penalty; it and the splines are chosen by cross-validation."""

    name: ClassVar[str] = "logistic_regression"

    @classmethod
    def fit(cls, rows: Sample, settings: config.LogisticRegression) -> Self:
        """Fits medians, ends, knots and weights on these rows and no others."""
        terms = Terms.fit(rows.features)
        if settings.c:
            return cls.fit_solver(rows, _solver(settings.c), terms.straight())
        strength, terms = _chosen(rows.take(curve_rows(rows.labels)), terms)
        return cls.fit_solver(rows, _solver(strength), terms)

    @classmethod
    def from_inputs(cls, inputs: FitInputs) -> Self:
        """Fits on the training rows; the validation rows are not looked at."""
        return cls.fit(inputs.train, inputs.settings.model.logistic_regression)


def _solver(strength: float, tolerance: float = 1e-6) -> Any:
    from sklearn.linear_model import LogisticRegression as Solver

    # With many terms one step of Newton's method costs more than many of L-BFGS.
    return Solver(C=strength, max_iter=2000, tol=tolerance, warm_start=True)


def _chosen(rows: Sample, terms: Terms) -> tuple[float, Terms]:
    """The penalty's inverse strength, and the terms, with the lowest log loss in five folds."""
    candidates = [terms.straight(), terms] if len(terms.curved) else [terms]
    losses = [(_losses(rows, each), each) for each in candidates]
    best = min(losses, key=lambda pair: min(pair[0]))
    return STRENGTHS[int(np.argmin(best[0]))], best[1]


def _losses(rows: Sample, terms: Terms) -> Floats:
    """Mean log loss of the rows held out, float64[strengths]."""
    from sklearn import config_context

    columns, fold = terms.columns(rows.features), rows.folds(FOLDS)
    scale = columns.std(axis=0)
    columns = ((columns - columns.mean(axis=0)) / np.where(scale == 0, 1.0, scale)).astype(
        np.float32
    )
    totals = np.zeros(len(STRENGTHS))
    with config_context(assume_finite=True, skip_parameter_validation=True):
        for inside in (fold == k for k in range(FOLDS)):
            taught = columns[~inside], rows.labels[~inside], rows.weights[~inside]
            solver = _solver(STRENGTHS[0], tolerance=1e-3)
            for i, strength in enumerate(STRENGTHS):
                solver.set_params(C=strength).fit(*taught)
                said = sigmoid(solver.decision_function(columns[inside]))
                totals[i] += rows.weights[inside] @ row_log_loss(rows.labels[inside], said)
    return np.asarray(totals / rows.weights.sum())


@dataclass(frozen=True)
class XGBoost:
    """Gradient-boosted trees; `booster` holds the trees up to the best round and no more."""

    booster: xgboost.Booster
    name: ClassVar[str] = "xgboost"

    @classmethod
    def fit(
        cls,
        train: Sample,
        validation: Sample,
        settings: config.XGBoost,
        seed: int,
        threads: int,
        record: EpochRecorder,
        curves: bool = True,
    ) -> Self:
        """Adds trees until the validation log loss has not improved for `patience` rounds."""
        best = xgboost.callback.EarlyStopping(
            rounds=settings.patience, data_name="validation", metric_name="logloss"
        )
        matrix, parameters = _matrix(train, threads), _parameters(settings, seed, threads)
        measured = [(_matrix(validation, threads, matrix), "validation")]
        if curves:
            parameters["eval_metric"] = ["auc", "logloss"]
            measured.insert(0, (_curve_matrix(train, matrix, threads), "train"))
        booster = xgboost.train(
            parameters,
            matrix,
            settings.trees,
            evals=measured,
            callbacks=[_RoundRecorder(record, settings.trees), best],
            verbose_eval=False,
        )
        # Without the cut, predict() and every exporter use the trees after the best round as well.
        return cls(booster[: booster.best_iteration + 1])

    @classmethod
    def from_inputs(cls, inputs: FitInputs) -> Self:
        """Fits on the training rows; stops by the validation rows, or after so many trees."""
        train, validation, seed = inputs.train, inputs.validation, inputs.settings.seed
        settings, threads = inputs.settings.model.xgboost, inputs.settings.training.threads
        if validation is None:
            matrix, parameters = _matrix(train, threads), _parameters(settings, seed, threads)
            return cls(xgboost.train(parameters, matrix, inputs.rounds))
        return cls.fit(train, validation, settings, seed, threads, inputs.record, inputs.curves)

    def logit(self, features: Features) -> Logits:
        """See RiskModel."""
        margin = self.booster.inplace_predict(features, predict_type="margin")
        return np.asarray(margin).astype(np.float64)

    def graph(self) -> onnx.ModelProto:
        """See RiskModel."""
        return trees(self._trees, self._base_logit, self.booster.num_features())

    def parameters(self) -> dict[str, npt.NDArray[Any]]:
        """See RiskModel."""
        keys = "split_indices split_conditions left_children right_children default_left".split()
        joined = {
            key: np.concatenate([np.asarray(tree[key]) for tree in self._trees]) for key in keys
        }
        return {**joined, "base_logit": np.array([self._base_logit])}

    @cached_property
    def _content(self) -> Any:
        return json.loads(bytes(self.booster.save_raw("json")))["learner"]

    @property
    def _trees(self) -> list[XgboostTree]:
        trees: list[XgboostTree] = self._content["gradient_booster"]["model"]["trees"]
        return trees

    @property
    def _base_logit(self) -> float:
        share = float(self._content["learner_model_param"]["base_score"].strip("[]"))
        return math.log(share / (1 - share))


def _matrix(
    rows: Sample, threads: int, cuts_from: xgboost.QuantileDMatrix | None = None
) -> xgboost.QuantileDMatrix:
    return xgboost.QuantileDMatrix(
        rows.features, rows.labels, weight=rows.weights, nthread=threads, ref=cuts_from
    )


def _curve_matrix(
    train: Sample, matrix: xgboost.QuantileDMatrix, threads: int
) -> xgboost.QuantileDMatrix:
    rows = curve_rows(train.labels)
    # Any matrix but the very one it learns from XGBoost predicts again after each tree.
    every_row = len(rows) == len(train.labels)
    return matrix if every_row else _matrix(train.take(rows), threads, matrix)


def _parameters(settings: config.XGBoost, seed: int, threads: int) -> dict[str, object]:
    return {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "max_depth": settings.depth,
        "learning_rate": settings.learning_rate,
        "subsample": settings.subsample,
        "colsample_bynode": settings.colsample,
        "lambda": settings.l2,
        "min_child_weight": settings.min_child_weight,
        "seed": seed,
        "nthread": threads,
    }


class _RoundRecorder(xgboost.callback.TrainingCallback):
    """Records each round and moves the progress bar."""

    def __init__(self, record: EpochRecorder, rounds: int) -> None:
        super().__init__()
        self._record = record
        self._bar = tqdm(total=rounds, desc="xgboost", unit="tree", disable=None, leave=False)

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        values = {
            f"{part}_{NAMES[metric]}": float(losses[-1])
            for part, metrics in evals_log.items()
            for metric, losses in metrics.items()
        }
        self._record(epoch + 1, values)
        self._bar.update()
        return False

    def after_training(self, model: Any) -> Any:
        self._bar.close()
        return model
