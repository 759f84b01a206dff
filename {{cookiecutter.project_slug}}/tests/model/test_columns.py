"""Is a baseline of the simple columns served on whole rows, and does it see nothing else?"""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from risk_model import config
from risk_model.model import RiskModel, Sample
from risk_model.model.baseline import LogisticRegression, XGBoost
from risk_model.model.export import checked_logits, run
from risk_model.model.feature_subset import FeatureSubset

N, SIMPLE, WIDTH = 400, 4, 30


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    features = np.random.default_rng(0).normal(size=(N, WIDTH)).astype(np.float32)
    features[::7, 1] = np.nan
    return features


def fitted(name: str, rows: np.ndarray) -> RiskModel:
    labels = (np.nan_to_num(rows[:, 0]) > 0).astype(np.int8)
    sample = Sample(np.ascontiguousarray(rows[:, :SIMPLE]), labels, np.ones(N))
    if name == "xgboost":
        return XGBoost.fit(sample, sample, config.XGBoost(trees=20), 0, 1, lambda *_: None)
    return LogisticRegression.fit(sample, config.LogisticRegression())


@pytest.mark.parametrize("name", ["logistic_regression", "xgboost"])
def test_a_baseline_behind_a_slice_is_equal_on_whole_rows_and_keeps_its_name(
    name: str, rows: np.ndarray
) -> None:
    inner = fitted(name, rows)
    model = FeatureSubset(inner, SIMPLE, WIDTH)
    assert model.name == name
    np.testing.assert_array_equal(
        model.logit(rows), inner.logit(np.ascontiguousarray(rows[:, :SIMPLE]))
    )
    checked_logits(model, rows)


@pytest.mark.parametrize("name", ["logistic_regression", "xgboost"])
def test_what_stands_behind_the_simple_columns_changes_nothing(name: str, rows: np.ndarray) -> None:
    graph, other = FeatureSubset(fitted(name, rows), SIMPLE, WIDTH).graph(), rows.copy()
    other[:, SIMPLE:] = 99
    np.testing.assert_array_equal(run(graph, rows), run(graph, other))


def test_the_graph_says_how_wide_its_rows_are(rows: np.ndarray) -> None:
    graph = FeatureSubset(fitted("logistic_regression", rows), SIMPLE, WIDTH).graph()
    onnx.checker.check_model(graph, full_check=True)
    assert graph.graph.input[0].type.tensor_type.shape.dim[1].dim_value == WIDTH
