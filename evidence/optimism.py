"""The optimism-corrected AUROC against the truth: logistic regression and XGBoost on few rows.

Does the correction leave what 5,000 fresh rows show? For smooth models nearly; a model that fits
its own rows closely is corrected too little. The columns are differences to the fresh rows' AUROC,
of the corrected figure and of that on the rows that the samples left out; `said` is whether the
record calls the correction too small. The check against R is optimism.R.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

from risk_model.core.scores import auroc
from risk_model.validation.optimism import optimism_corrected

SEEDS, SAMPLE = 12, 1
NEAR = 0.005  # another machine's rounding may move a tree
RESAMPLES, FRESH = 60, 5_000


@dataclass(frozen=True)
class Setting:
    """So many rows and predictors, three of which tell something; trees, or none."""

    rows: int
    predictors: int
    effect: float
    trees: int = 0


SETTINGS = {
    "logistic regression, 5 predictors, 150 rows": Setting(150, 5, 0.5),
    "logistic regression, 15 predictors, 150 rows": Setting(150, 15, 0.5),
    "XGBoost, 10 predictors, 400 rows": Setting(400, 10, 0.7, trees=60),
}
SMOOTH, WIDE, TREES = SETTINGS
BOUNDS = {
    f"{SMOOTH}: corrected": (-0.02, 0.02),
    f"{SMOOTH}: left out": (-0.03, 0.01),
    f"{SMOOTH}: said": (0.0, 0.25),
    f"{WIDE}: corrected": (-0.02, 0.04),
    f"{WIDE}: left out": (-0.06, 0.01),
    f"{WIDE}: said": (0.75, 1.0),
    f"{TREES}: corrected": (0.05, 0.15),
    f"{TREES}: left out": (-0.06, 0.01),
    f"{TREES}: said": (0.9, 1.0),
}


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """Each seed's differences to the truth and verdict, by setting."""
    columns: dict[str, list[float]] = {name: [] for name in BOUNDS}
    for name, setting in SETTINGS.items():
        for seed in seeds:
            for column, value in differences(setting, seed).items():
                columns[f"{name}: {column}"].append(value)
    return columns


def differences(setting: Setting, seed: int) -> dict[str, float]:
    """Of one cohort: corrected and left out AUROC minus that of fresh rows, and the verdict."""
    rng, n = np.random.default_rng(seed), setting.rows
    x = rng.normal(size=(n + FRESH, setting.predictors))
    risk = 1 / (1 + np.exp(0.5 - setting.effect * x[:, :3].sum(axis=1)))
    outcome = (rng.random(n + FRESH) < risk).astype(np.int8)

    def risks(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        fitted = solver(setting).fit(x[rows], outcome[rows])
        return np.asarray(fitted.predict_proba(x)[:, 1], dtype=np.float64)

    record = optimism_corrected(
        lambda rows: risks(rows)[:n], outcome[:n], np.arange(n).astype(object), RESAMPLES, seed
    )
    truth, own = auroc(outcome[n:], risks(np.arange(n))[n:]), record.metrics["auroc"]
    if own.corrected is None or own.left_out is None:
        raise ValueError("a sample left out one class alone")
    return {
        "corrected": own.corrected - truth,
        "left out": own.left_out - truth,
        "said": float(record.too_small),
    }


def solver(setting: Setting) -> LogisticRegression | XGBClassifier:
    """Plain logistic regression, or XGBoost with the project's settings and so many trees."""
    if not setting.trees:
        return LogisticRegression(C=np.inf, max_iter=1_000)
    return XGBClassifier(
        n_estimators=setting.trees,
        max_depth=4,
        learning_rate=0.05,
        subsample=0.8,
        colsample_bytree=0.5,
        min_child_weight=5,
        n_jobs=1,
        random_state=0,
    )
