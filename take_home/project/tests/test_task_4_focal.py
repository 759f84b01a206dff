"""Task 4 in small: losses that were worked out by hand."""

from __future__ import annotations

import pytest
import torch

from risk_model.training.loss import focal

HALF = torch.tensor([0.0, 0.0], dtype=torch.float64)  # a probability of a half for both
LABELS = torch.tensor([1.0, 0.0], dtype=torch.float64)


def test_without_gamma_a_half_costs_ln_2() -> None:
    assert focal(HALF, LABELS, gamma=0.0).item() == pytest.approx(0.693147, abs=1e-6)


def test_with_gamma_2_a_half_costs_a_quarter_of_it() -> None:
    assert focal(HALF, LABELS, gamma=2.0).item() == pytest.approx(0.173287, abs=1e-6)


def test_a_probability_of_nine_tenths_that_came_true_costs_next_to_nothing() -> None:
    logit = torch.tensor([2.1972246], dtype=torch.float64)
    assert focal(logit, LABELS[:1]).item() == pytest.approx(0.00105361, abs=1e-7)


def test_two_members_a_row_cost_their_mean() -> None:
    members = torch.zeros(2, 2, dtype=torch.float64)
    assert focal(members, LABELS).item() == pytest.approx(0.173287, abs=1e-6)


def test_a_thousand_of_the_wrong_sign_costs_a_thousand() -> None:
    assert focal(torch.tensor([-1000.0]), torch.tensor([1.0])).item() == pytest.approx(1000)


def test_probabilities_are_refused() -> None:
    logits = torch.tensor([0.3, -0.2], requires_grad=True)
    with pytest.raises(ValueError, match="logits"):
        focal(torch.sigmoid(logits), torch.tensor([1.0, 0.0]))
