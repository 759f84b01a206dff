"""Task 3 in small: a network that doubles, with batch norm and dropout."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from risk_model.model.score import score

ROWS = torch.tensor([[1.0], [2.0], [5.0]])


def network() -> nn.Sequential:
    last = nn.Linear(1, 1)
    nn.init.constant_(last.weight, 2.0)
    nn.init.constant_(last.bias, 0.0)
    return nn.Sequential(nn.BatchNorm1d(1), nn.Dropout(0.5), last).train()


def test_three_patients_have_twice_their_value_each_time() -> None:
    learnt = network()
    for _ in range(2):
        assert score(learnt, ROWS).tolist() == pytest.approx([2.0, 4.0, 10.0], rel=1e-4)


def test_one_patient_alone_has_the_same() -> None:
    assert score(network(), ROWS[1:2]).tolist() == pytest.approx([4.0], rel=1e-4)


def test_modes_stay_as_they_were() -> None:
    learnt = network()
    learnt[0].eval()
    score(learnt, ROWS)
    assert [module.training for module in learnt.modules()] == [True, False, True, True]


def test_logits_are_float64_without_gradients() -> None:
    logits = score(network(), ROWS, chunk=2)
    assert (logits.dtype, logits.requires_grad) == (torch.float64, False)
