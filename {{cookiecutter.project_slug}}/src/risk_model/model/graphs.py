"""The baselines as graphs: a few nodes by hand, the same numbers as the original on every row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from risk_model.core.schema import Features
from risk_model.core.scores import Floats
from risk_model.model.exact_shapley import ADDITIVE, STRUCTURE
from risk_model.model.export import logit_graph, node

XgboostTree = dict[str, Any]  # a tree as XGBoost's JSON lists it


def additive(
    values: tuple[Features, Features, Features],
    weights: tuple[Floats, Floats, float],
    splines: tuple[npt.NDArray[np.intp], Floats, Floats],
) -> onnx.ModelProto:
    """A sum of terms in float64: of each value, of each missing one, and of cubes beyond knots.

    Args:
        values: what fills a missing value, and the lowest and the highest that counts: float32[d].
        weights: of each value and of each missing one, float64[d], and the bias.
        splines: columns [m] with knots and weights of their cubes, float64[m, k].
    """
    (median, low, high), (weight, missing, bias), (column, knots, cubes) = values, weights, splines
    double = onnx.TensorProto.DOUBLE
    nodes = [
        node("IsNaN", ["features"], "missing"),
        node("Where", ["missing", "median", "features"], "filled"),
        node("Max", ["filled", "low"], "not_below"),
        node("Min", ["not_below", "high"], "clipped"),
        node("Cast", ["clipped"], "exact", to=double),
        node("Cast", ["missing"], "marks", to=double),
        node("MatMul", ["exact", "weight"], "of_values"),
        node("MatMul", ["marks", "missing_weight"], "of_missing"),
        node("Add", ["of_values", "of_missing"], "straight"),
    ]
    constants: dict[str, npt.NDArray[Any]] = {
        "median": median,
        "low": low,
        "high": high,
        # Columns: ONNX Runtime multiplies no rows by a column, not by a vector.
        "weight": weight[:, None],
        "missing_weight": missing[:, None],
        "bias": np.array([bias]),
        "term_axis": np.array([1]),
    }
    total = "straight"
    if len(column):
        nodes += [
            node("Gather", ["exact", "spline_column"], "curved", axis=1),
            node("Sub", ["curved", "spline_knots"], "beyond"),
            node("Max", ["beyond", "spline_zero"], "positive"),
            node("Mul", ["positive", "positive"], "squared"),
            node("Mul", ["squared", "positive"], "cubed"),
            node("MatMul", ["cubed", "cube_weight"], "of_splines"),
            node("Add", ["straight", "of_splines"], "all_terms"),
        ]
        total = "all_terms"
        constants |= {
            "spline_column": np.repeat(column, knots.shape[1]).astype(np.int64),
            "spline_knots": knots.ravel(),
            "spline_zero": np.zeros(1),
            "cube_weight": cubes.reshape(-1, 1),
        }
    nodes += [
        node("Add", [total, "bias"], "sum"),
        node("Squeeze", ["sum", "term_axis"], "log_odds"),
        node("Cast", ["log_odds"], "logit", to=onnx.TensorProto.FLOAT),
    ]
    model = logit_graph(nodes, constants, len(weight))
    onnx.helper.set_model_props(model, {STRUCTURE: ADDITIVE})
    return model


def trees(content: Sequence[XgboostTree], base_logit: float, width: int) -> onnx.ModelProto:
    """The sum of XGBoost's trees, as its JSON lists them.

    x < value goes left, and so does a missing value where the tree learned that.
    """
    by_tree = [_tree_attributes(number, tree) for number, tree in enumerate(content)]
    joined = {key: [value for tree in by_tree for value in tree[key]] for key in by_tree[0]}
    total = node(
        "TreeEnsembleRegressor",
        ["features"],
        "column",
        domain="ai.onnx.ml",
        **joined,
        n_targets=1,
        base_values=[base_logit],
        post_transform="NONE",
    )
    flat = node("Reshape", ["column", "flat"], "logit")
    return logit_graph([total, flat], {"flat": np.array([-1])}, width)


def _tree_attributes(number: int, tree: XgboostTree) -> dict[str, list[Any]]:
    left, right = tree["left_children"], tree["right_children"]
    leaf = [child == -1 for child in left]
    leaves = [i for i, is_leaf in enumerate(leaf) if is_leaf]
    return {
        "nodes_treeids": [number] * len(leaf),
        "nodes_nodeids": list(range(len(leaf))),
        "nodes_featureids": [
            0 if at_leaf else i for i, at_leaf in zip(tree["split_indices"], leaf, strict=True)
        ],
        "nodes_modes": ["LEAF" if at_leaf else "BRANCH_LT" for at_leaf in leaf],
        "nodes_values": [
            0.0 if at_leaf else v for v, at_leaf in zip(tree["split_conditions"], leaf, strict=True)
        ],
        "nodes_truenodeids": [max(child, 0) for child in left],
        "nodes_falsenodeids": [max(child, 0) for child in right],
        "nodes_missing_value_tracks_true": list(map(int, tree["default_left"])),
        "target_treeids": [number] * len(leaves),
        "target_nodeids": leaves,
        "target_ids": [0] * len(leaves),
        "target_weights": [tree["split_conditions"][i] for i in leaves],
    }
