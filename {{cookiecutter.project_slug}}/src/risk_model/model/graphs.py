"""The baselines as graphs: a few nodes by hand, the same numbers as the original on every row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from risk_model.core.schema import Features
from risk_model.model.export import logit_graph, node

XgboostTree = dict[str, Any]  # a tree as XGBoost's JSON lists it


def linear(median: Features, weight: npt.NDArray[np.float64], bias: float) -> onnx.ModelProto:
    """Fills what is missing with float32[d] medians, then features·weight + bias in float64."""
    nodes = [
        node("IsNaN", ["features"], "missing"),
        node("Where", ["missing", "median", "features"], "filled"),
        node("Cast", ["filled"], "exact", to=onnx.TensorProto.DOUBLE),
        node("MatMul", ["exact", "weight"], "product"),
        node("Add", ["product", "bias"], "sum"),
        node("Cast", ["sum"], "logit", to=onnx.TensorProto.FLOAT),
    ]
    values: dict[str, npt.NDArray[Any]] = {
        "median": median,
        "weight": weight,
        "bias": np.array([bias]),
    }
    return logit_graph(nodes, values, len(weight))


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
