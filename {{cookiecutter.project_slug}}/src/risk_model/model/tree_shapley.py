"""Exact SHAP values of a sum of trees, read from the graph that is served.

A leaf is reached where each condition on its way is met, by the patient's value or by that of the
background row that has not been replaced. So its part in a field's Shapley value has a closed form
(interventional TreeSHAP: Lundberg et al., Nat Mach Intell 2020;2:56), and a table that is made once
holds it for every set of conditions that a patient may meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt

from risk_model.core.graph_numbers import message_fields, nested, texts
from risk_model.core.schema import Features
from risk_model.model import Logits
from risk_model.model.exact_shapley import Exact, Fields, check_sum

# conditions on a way, and numbers in the table: beyond these it costs more than sampling
DEEPEST, LARGEST = 8, 1 << 23
FLOATS, INTEGERS, STRINGS = 7, 8, 9  # fields of an attribute that are lists (onnx.proto)


def tree_values(graph: bytes, logits: Logits, background: Features, field: Fields) -> Exact | None:
    """A function from a row to its exact contributions; None for a graph of no trees, or deep ones.

    Args:
        graph: the served ONNX graph.
        logits: what it says of the background, on a scale that is linear in it: float64[m].
        background: the rows to compare with, float32[m, d].
        field: the field of each column, int[d].
    """
    leaves = read_leaves(graph)
    if leaves is None or leaves.depth > DEEPEST:
        return None
    if len(leaves.value) * leaves.depth << leaves.depth > LARGEST:
        return None
    raw = np.array([leaves.logit(row) for row in background])
    low, high = raw.argmin(), raw.argmax()
    spread = raw[high] - raw[low]
    slope = float((logits[high] - logits[low]) / spread) if spread else 1.0
    check_sum(slope * (raw - raw[low]) + logits[low], logits)
    return _by_table(leaves, background, field, slope)


@dataclass(frozen=True)
class Leaves:
    """The leaves of an ensemble of trees, and the conditions on the way to each.

    `value` is float64[leaves], the others are [leaves, depth]: a row meets a condition where its
    `column` is below the `threshold`, or missing where `missing_below`, and `below` says that it
    should be. `used` is false behind the end of a shorter way.
    """

    value: Logits
    base: float
    column: Fields
    threshold: npt.NDArray[np.float32]
    below: npt.NDArray[np.bool_]
    missing_below: npt.NDArray[np.bool_]
    used: npt.NDArray[np.bool_]

    @property
    def depth(self) -> int:
        """Conditions on the longest way."""
        return int(self.column.shape[1])

    def failed(self, row: Features) -> npt.NDArray[np.bool_]:
        """Which conditions a row float32[d] does not meet: bool[leaves, depth]."""
        value = row[self.column]
        below = np.where(np.isnan(value), self.missing_below, value < self.threshold)
        return np.asarray((below != self.below) & self.used)

    def logit(self, row: Features) -> float:
        """The sum of the leaves that a row reaches."""
        return self.base + float(self.value[~self.failed(row).any(axis=1)].sum())


def _by_table(leaves: Leaves, background: Features, field: Fields, slope: float) -> Exact:
    """Contributions by a table: of each leaf, for each set of its fields that the row agrees with.

    A leaf's fields are numbered by where they first stand on its way. Whether the fields of the
    patient, of the background row, both or neither meet its conditions decides who gets how much.
    """
    leaf, depth = np.arange(len(leaves.value)), leaves.depth
    fields = np.where(leaves.used, field[leaves.column], -1)
    first = (fields[:, :, None] == fields[:, None, :]).argmax(axis=2)
    bit = 1 << first

    def agreeing(row: Features) -> npt.NDArray[np.intp]:
        failed = np.bitwise_or.reduce(np.where(leaves.failed(row), bit, 0), axis=1)
        return np.asarray((1 << depth) - 1 - failed)

    share = np.zeros((len(leaf), 1 << depth))
    for row in background:
        share[leaf, agreeing(row)] += 1 / len(background)
    table = share @ _weights(depth).transpose(1, 0, 2).reshape(1 << depth, -1)
    table *= slope * leaves.value[:, None]
    by_agreement = table.astype(np.float32).reshape(len(leaf), 1 << depth, depth)
    owner, count = np.maximum(fields, 0).ravel(), int(field.max()) + 1

    def contributions(row: Features) -> Logits:
        parts = by_agreement[leaf, agreeing(row)].ravel()
        return np.asarray(np.bincount(owner, parts, minlength=count), dtype=np.float64)

    return contributions


def _weights(depth: int) -> Logits:
    """Shapley values of reaching a leaf, by who meets which conditions: float64[2^k, 2^k, k].

    The first index says which fields of the patient meet theirs, the second those of the background
    row. With a fields that only the patient meets and c that only the other meets, a pays
    (a - 1)! c! / (a + c)! each, and c take a! (c - 1)! / (a + c)! each.
    """
    met = np.arange(1 << depth)[:, None] >> np.arange(depth) & 1  # [sets, k]
    own = met[:, None] & ~met[None] & 1
    other = met[None] & ~met[:, None] & 1
    either = (met[:, None] | met[None]).all(axis=2)
    facts = np.array([float(factorial(n)) for n in range(depth + 1)])
    a, c = own.sum(axis=2), other.sum(axis=2)
    total = facts[a + c]
    gain = facts[np.maximum(a - 1, 0)] * facts[c] / total * either
    loss = facts[a] * facts[np.maximum(c - 1, 0)] / total * either
    return np.asarray(own * gain[..., None] - other * loss[..., None])


def read_leaves(graph: bytes) -> Leaves | None:
    """The leaves of a graph that begins with trees on its features; None for any other."""
    content = next(nested(memoryview(graph), 7))
    first = next(nested(content, 1))
    operator, inputs = (texts(first, number) for number in (4, 1))
    if operator != ["TreeEnsembleRegressor"] or inputs != ["features"]:
        return None
    return _leaves(dict(map(_attribute, nested(first, 5))))


def _attribute(message: memoryview) -> tuple[str, npt.NDArray[Any]]:
    """An attribute's name and its list: of floats, integers or texts."""
    listed = [v for number, v in message_fields(message) if number in (FLOATS, INTEGERS, STRINGS)]
    numbers = [bytes(v) if isinstance(v, memoryview) else v for v in listed]
    floats = any(isinstance(v, np.ndarray) for v in numbers)
    return texts(message, 1)[0], np.hstack(numbers) if floats else np.array(numbers)


def _leaves(lists: dict[str, npt.NDArray[Any]]) -> Leaves:
    tree = lists["nodes_treeids"]
    begins = np.searchsorted(tree, tree)  # the nodes of a tree stand together, in their order
    inner = lists["nodes_modes"] == b"BRANCH_LT"
    parent, side = np.full(len(tree), -1), np.zeros(len(tree), dtype=bool)
    for name, below in (("nodes_truenodeids", True), ("nodes_falsenodeids", False)):
        child = (begins + lists[name])[inner]
        parent[child], side[child] = np.flatnonzero(inner), below
    value = np.zeros(len(tree))
    value[np.searchsorted(tree, lists["target_treeids"]) + lists["target_nodeids"]] = lists[
        "target_weights"
    ]
    leaf = at = np.flatnonzero(~inner)
    nodes: list[Fields] = []
    sides: list[npt.NDArray[np.bool_]] = []
    while not nodes or (parent[at] >= 0).any():
        nodes.append(parent[at])
        sides.append(side[at])
        at = np.where(parent[at] >= 0, parent[at], at)
    way = np.stack(nodes, axis=1)
    return Leaves(
        value[leaf],
        float(lists["base_values"][0]),
        lists["nodes_featureids"][way],
        lists["nodes_values"][way],
        np.stack(sides, axis=1),
        lists["nodes_missing_value_tracks_true"][way].astype(bool),
        way >= 0,
    )
