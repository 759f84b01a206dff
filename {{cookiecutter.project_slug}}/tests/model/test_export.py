"""Is a graph that differs from its model noticed?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
import pytest

from risk_model.core.schema import Features
from risk_model.model import Logits
from risk_model.model.baseline import LogisticRegression
from risk_model.model.export import checked_logits, logit_graph, node, run

from tests.made_linear import one_straight_term


@dataclass(frozen=True)
class Altered(LogisticRegression):
    """A model whose graph was made of another one."""

    error: float = 0.0
    only_row: int = 0

    def logit(self, features: Features) -> Logits:
        logit = super().logit(features)
        logit[self.only_row] += self.error
        return logit


def altered(error: float) -> Altered:
    one = np.ones(1)
    terms = one_straight_term()
    return Altered(terms, 0 * one, one, one, 0.0, error=error, only_row=700)


ROWS = np.linspace(-3, 3, 1000, dtype=np.float32)[:, None]


def test_the_logits_handed_on_are_the_graphs_own() -> None:
    np.testing.assert_array_equal(
        checked_logits(altered(1e-7), ROWS), ROWS[:, 0].astype(np.float64)
    )


@pytest.mark.parametrize("error", [1e-4, -1e-4, float("nan"), float("inf")])
def test_a_difference_in_a_single_row_is_noticed(error: float) -> None:
    with pytest.raises(RuntimeError, match="logistic_regression: the exported graph differs"):
        checked_logits(altered(error), ROWS)


def test_no_rows_give_no_logits() -> None:
    assert run(altered(0.0).graph(), ROWS[:0]).shape == (0,)


def test_a_graph_that_does_not_hold_together_is_refused_when_it_is_made() -> None:
    with pytest.raises(onnx.checker.ValidationError):
        logit_graph([node("Identity", ["nowhere"], "logit")], {}, 1)


def test_scoring_in_pieces_gives_what_scoring_at_once_gives() -> None:
    graph = altered(0.0).graph()
    np.testing.assert_array_equal(run(graph, ROWS, chunk=7), run(graph, ROWS, chunk=5000))
