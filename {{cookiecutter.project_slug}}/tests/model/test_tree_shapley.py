"""Are the explanations of trees exact, whatever the trees look like?"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, permutations
from math import factorial

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import shap
import xgboost

from risk_model.core.errors import UserError
from risk_model.core.schema import Features
from risk_model.core.scorer import Scorer
from risk_model.model.baseline import XGBoost
from risk_model.model.exact_shapley import exact_values
from risk_model.model.explain import Explainer
from risk_model.model.tree_shapley import read_leaves
from risk_model.training.calibration import Calibrator
from risk_model.training.onnx_calibration import append_calibrator

COLUMNS, FIELD = 6, np.array([0, 0, 1, 2, 3, 3])  # a value with its flag, a category with two


def rows(n: int, seed: int) -> Features:
    made = np.random.default_rng(seed).normal(size=(n, COLUMNS)).astype(np.float32)
    made[:, 4:] = made[:, 4:] > 0
    made[np.random.default_rng(seed + 1).random(made.shape) < 0.1] = np.nan
    return made


def trained(depth: int, trees: int = 20) -> bytes:
    features = rows(600, 0)
    known = np.nan_to_num(features, nan=0.4)
    risk = known[:, 0] * known[:, 2] + known[:, 3] * known[:, 4] + known[:, 1] > 0.2
    booster = xgboost.train(
        {"max_depth": depth, "objective": "binary:logistic", "eta": 0.5, "nthread": 1},
        xgboost.DMatrix(features, risk),
        trees,
    )
    return append_calibrator(XGBoost(booster).graph(), Calibrator("platt", 0.8, -0.2))


def logit_of(graph: bytes, slope: float = 1.0) -> Callable[[Features], npt.NDArray[np.float64]]:
    scorer = Scorer(graph)
    return lambda features: slope * scorer(features)[1] + (slope - 1)


def by_definition(
    logits: Callable[[Features], npt.NDArray[np.float64]], row: Features, background: Features
) -> npt.NDArray[np.float64]:
    """The mean effect of each field over all orders and background rows."""
    fields = int(FIELD.max()) + 1
    values = np.zeros(fields)
    for order in permutations(range(fields)):
        steps = [np.where(np.isin(FIELD, order[:k]), row, background) for k in range(fields + 1)]
        means = [logits(step).mean() for step in steps]
        for field, (before, after) in zip(order, pairwise(means), strict=True):
            values[field] += (after - before) / factorial(fields)
    return values


@pytest.mark.parametrize("slope", [1.0, 0.7])
@pytest.mark.parametrize("depth", [1, 3, 6])
def test_trees_get_the_values_of_the_definition(depth: int, slope: float) -> None:
    graph, background = trained(depth), rows(12, 5)
    logits = logit_of(graph, slope)
    exact = exact_values(graph, logits, background, FIELD)
    assert exact is not None
    for row in rows(8, 9):
        assert exact(row) == pytest.approx(by_definition(logits, row, background), abs=3e-5)


def test_trees_get_the_values_of_the_shap_library() -> None:
    features, columns = rows(100, 3), np.arange(COLUMNS)
    labels = np.nan_to_num(features)[:, 0] * np.nan_to_num(features)[:, 2] > 0
    parameters = {"max_depth": 4, "objective": "binary:logistic", "nthread": 1}
    booster = xgboost.train(parameters, xgboost.DMatrix(features, labels), 10)
    graph = append_calibrator(XGBoost(booster).graph(), Calibrator("identity"))
    library = shap.TreeExplainer(booster, features, feature_perturbation="interventional")
    exact = exact_values(graph, logit_of(graph), features, columns)
    assert exact is not None
    for row in rows(5, 11):
        assert exact(row) == pytest.approx(library.shap_values(row[None])[0], abs=1e-5)


def test_base_and_contributions_of_trees_add_up_to_the_logit_exactly() -> None:
    graph, background = trained(6), rows(50, 5)
    logits = logit_of(graph)
    explainer = Explainer(
        logits, background, FIELD, seed=0, exact=exact_values(graph, logits, background, FIELD)
    )
    for row in rows(20, 9):
        base, parts = explainer.explain(row)
        assert base + parts.sum() == pytest.approx(logits(row[None])[0], abs=1e-12)
        assert base == pytest.approx(logits(background).mean(), abs=1e-12)


def test_a_patient_equal_to_the_only_background_row_has_no_contributions_of_trees() -> None:
    graph, row = trained(4), rows(1, 5)
    exact = exact_values(graph, logit_of(graph), row, FIELD)
    assert exact is not None
    assert not exact(row[0]).any()


def test_a_tree_that_is_one_leaf_gives_nobody_anything() -> None:
    parameters = {"max_depth": 2, "gamma": 1e9, "objective": "binary:logistic", "nthread": 1}
    booster = xgboost.train(parameters, xgboost.DMatrix(rows(50, 0), np.arange(50) % 2), 3)
    graph = append_calibrator(XGBoost(booster).graph(), Calibrator("identity"))
    exact = exact_values(graph, logit_of(graph), rows(10, 5), FIELD)
    assert exact is not None
    assert not exact(rows(1, 9)[0]).any()


def test_trees_too_deep_for_a_table_are_left_to_sampling() -> None:
    graph = trained(12, trees=60)
    leaves = read_leaves(graph)
    assert leaves is not None
    assert leaves.depth > 8
    assert exact_values(graph, logit_of(graph), rows(10, 5), FIELD) is None


def test_trees_that_are_not_all_of_the_model_are_refused() -> None:
    graph, background = trained(3), rows(10, 5)
    scorer = Scorer(graph)
    with pytest.raises(UserError, match="not the sum that it says"):
        exact_values(graph, lambda x: scorer(x)[1] ** 2, background, FIELD)


def test_a_graph_that_works_on_its_features_before_the_trees_is_left_to_sampling() -> None:
    model = onnx.load_from_string(trained(3))
    model.graph.node[0].input[0] = "doubled"
    model.graph.node.insert(0, onnx.helper.make_node("Add", ["features"] * 2, ["doubled"]))
    assert read_leaves(model.SerializeToString()) is None
