"""The plain models of the demonstrations, as a first notebook would fit them.

They are not those of the `model` layer on purpose: each mistake is shown with what everybody has at
hand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm
from xgboost import XGBClassifier

from risk_model.core.cohort import Outcome
from risk_model.core.schema import Features

Floats = npt.NDArray[np.float64]
Folds = npt.NDArray[np.int64]  # the fold of each row


def logistic_regression(class_weight: str | None = None) -> Pipeline:
    """On standardised columns, medians for what is missing, and a flag that it was."""
    solver = LogisticRegression(max_iter=2000, class_weight=class_weight)
    return make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True), StandardScaler(), solver
    )


def boosted_trees(scale_pos_weight: float = 1.0) -> XGBClassifier:
    """A hundred trees, without early stopping."""
    return XGBClassifier(
        n_estimators=100,
        max_depth=6,
        learning_rate=0.1,
        subsample=0.8,
        colsample_bytree=0.5,
        min_child_weight=5,
        scale_pos_weight=scale_pos_weight,
        n_jobs=1,
        random_state=0,
    )


def random_forest() -> RandomForestClassifier:
    """A forest whose leaves hold two rows: enough to know its training rows by heart."""
    return RandomForestClassifier(n_estimators=100, min_samples_leaf=2, n_jobs=1, random_state=0)


def out_of_fold(model: Any, features: Features, labels: Outcome, fold: Folds) -> Floats:
    """Each row's risk from a model fitted on the rows of the other folds: float64[n]."""
    risk = np.empty(len(labels))
    for held_out in tqdm(np.unique(fold), desc="folds", unit="fold", disable=None, leave=False):
        inside = fold == held_out
        fitted = model.fit(features[~inside], labels[~inside])
        risk[inside] = fitted.predict_proba(features[inside])[:, 1]
    return risk
