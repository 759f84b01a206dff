"""Exact SHAP values of models that have a closed form.

Where each column has a term of its own, a field's Shapley value is its terms for this patient less
their mean over the background.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from risk_model.core.errors import UserError
from risk_model.core.graph_numbers import nested, texts
from risk_model.core.optional import optional_module
from risk_model.core.schema import Features
from risk_model.model import Logits

Fields = npt.NDArray[np.intp]
Exact = Callable[[Features], Logits]  # from a row float32[d] to contributions float64[fields]
STRUCTURE, ADDITIVE = "structure", "a sum of one term per column"  # what a graph says of itself
PROPERTIES = 14  # field of a model, with a key and a value each (onnx.proto)
CLOSE = 1e-4  # of a logit in 32 bits


def exact_values(
    graph: bytes, logit_of: Callable[[Features], Logits], background: Features, field: Fields
) -> Exact | None:
    """A function from a row to its exact contributions; None where the graph has no closed form.

    Args:
        graph: the served ONNX graph.
        logit_of: its logit on a scale that is linear in it: float32[n, d] to float64[n].
        background: the rows to compare with, float32[m, d].
        field: the field of each column, int[d].

    Raises:
        UserError: the graph's logits are not those of its terms or trees.
    """
    logits = logit_of(background)
    if _is_additive(graph):
        effects = _effects(logit_of, background[0], field)
        each = effects(background)
        check_sum(each.sum(axis=1) + logits[0], logits)
        mean = each.mean(axis=0)
        return lambda row: np.asarray(effects(row[None])[0] - mean)
    trees = optional_module("model.tree_shapley")
    return trees.tree_values(graph, logits, background, field) if trees else None


def check_sum(computed: Logits, logits: Logits) -> None:
    """UserError where a sum of parts is not the graph's logit."""
    if not np.allclose(computed, logits, rtol=CLOSE, atol=CLOSE):
        raise UserError("risk.onnx: its logits are not the sum that it says; make the model again")


def _is_additive(graph: bytes) -> bool:
    said = [(texts(entry, 1), texts(entry, 2)) for entry in nested(memoryview(graph), PROPERTIES)]
    return ([STRUCTURE], [ADDITIVE]) in said


def _effects(
    logit_of: Callable[[Features], Logits], anchor: Features, field: Fields
) -> Callable[[Features], Logits]:
    """A function from rows to what each field's terms differ from the anchor's: [n, fields]."""
    fields = int(field.max()) + 1
    own = field == np.arange(fields)[:, None]
    start = logit_of(anchor[None])[0]

    def effects(rows: Features) -> Logits:
        replaced = np.where(own, rows[:, None], anchor).reshape(-1, len(anchor))
        return np.asarray(logit_of(replaced).reshape(-1, fields) - start)

    return effects
