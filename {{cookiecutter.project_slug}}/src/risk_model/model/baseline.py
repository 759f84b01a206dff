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
from risk_model.model import EpochRecorder, FitInputs, Floats, Logits, Sample, curve_rows
from risk_model.model.graphs import XgboostTree, linear, trees


@dataclass(frozen=True)
class LinearModel:
    """A logistic model whose log odds are a weighted sum of median-imputed, standardised features.

    `weight` (float64[d]) and `bias` act on raw values: z = x·weight + bias, the scaling folded in.
    """

    median: Features
    mean: Floats
    scale: Floats
    weight: Floats
    bias: float
    name: ClassVar[str]

    @classmethod
    def fit_solver(cls, rows: Sample, solver: Any) -> Self:
        """Fits imputation and scaling on these rows, and scikit-learn's `solver` behind them."""
        median = column_medians(rows.features)
        filled = np.where(np.isnan(rows.features), median, rows.features).astype(np.float64)
        mean, scale = filled.mean(axis=0), filled.std(axis=0)
        scale[scale == 0] = 1.0
        solver.fit((filled - mean) / scale, rows.labels, sample_weight=rows.weights)
        weight = solver.coef_[0] / scale
        return cls(median, mean, scale, weight, float(solver.intercept_[0] - mean @ weight))

    def logit(self, features: Features) -> Logits:
        """See RiskModel."""
        filled = np.where(np.isnan(features), self.median, features)
        return np.asarray(filled.astype(np.float64) @ self.weight + self.bias)

    def graph(self) -> onnx.ModelProto:
        """See RiskModel."""
        return linear(self.median, self.weight, self.bias)

    def parameters(self) -> dict[str, npt.NDArray[Any]]:
        """See RiskModel."""
        statistics = {
            f"statistics.{name}": getattr(self, name) for name in ("median", "mean", "scale")
        }
        return {**statistics, "weight": self.weight, "bias": np.array([self.bias])}


class LogisticRegression(LinearModel):
    """Logistic regression with an L2 penalty."""

    name: ClassVar[str] = "logistic_regression"

    @classmethod
    def fit(cls, rows: Sample, settings: config.LogisticRegression) -> Self:
        """Fits imputation, scaling and weights on these rows and no others."""
        from sklearn.linear_model import LogisticRegression as Solver

        return cls.fit_solver(rows, Solver(C=settings.c, max_iter=2000, tol=1e-6))

    @classmethod
    def from_inputs(cls, inputs: FitInputs) -> Self:
        """Fits on the training rows; the validation rows are not looked at."""
        return cls.fit(inputs.train, inputs.settings.model.logistic_regression)


def column_medians(features: Features) -> Features:
    """Median of what was recorded in each column, 0 where nothing was: float32[d]."""
    recorded = ~np.isnan(features).all(axis=0)
    medians = np.zeros(features.shape[1], dtype=np.float32)
    medians[recorded] = np.nanmedian(features[:, recorded], axis=0)
    return medians


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
    ) -> Self:
        """Adds trees until the validation log loss has not improved for `patience` rounds."""
        best = xgboost.callback.EarlyStopping(
            rounds=settings.patience, data_name="validation", metric_name="logloss"
        )
        matrix, rows = _matrix(train, threads), curve_rows(train.labels)
        # Of the very matrix it learns from XGBoost keeps the predictions; any other it predicts
        # again after each tree.
        every_row = len(rows) == len(train.labels)
        curve = matrix if every_row else _matrix(train.take(rows), threads, matrix)
        booster = xgboost.train(
            _parameters(settings, seed, threads),
            matrix,
            settings.trees,
            evals=[(curve, "train"), (_matrix(validation, threads, matrix), "validation")],
            callbacks=[_RoundRecorder(record, settings.trees), best],
            verbose_eval=False,
        )
        # Without the cut, predict() and every exporter use the trees after the best round as well.
        return cls(booster[: booster.best_iteration + 1])

    @classmethod
    def from_inputs(cls, inputs: FitInputs) -> Self:
        """Fits on the training rows and stops by the validation rows."""
        settings, threads = inputs.settings, inputs.settings.training.threads
        return cls.fit(
            inputs.train,
            inputs.validation,
            settings.model.xgboost,
            settings.seed,
            threads,
            inputs.record,
        )

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


def _parameters(settings: config.XGBoost, seed: int, threads: int) -> dict[str, object]:
    return {
        "objective": "binary:logistic",
        "eval_metric": ["auc", "logloss"],
        "tree_method": "hist",
        "max_depth": settings.depth,
        "learning_rate": settings.learning_rate,
        "subsample": settings.subsample,
        "colsample_bytree": settings.colsample,
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
            f"{part}_{name}": float(evals_log[part][metric][-1])
            for part in ("train", "validation")
            for name, metric in (("loss", "logloss"), ("auroc", "auc"))
        }
        self._record(epoch + 1, values)
        self._bar.update()
        return False

    def after_training(self, model: Any) -> Any:
        self._bar.close()
        return model
