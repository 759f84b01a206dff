"""Is it the AdamW of the textbook and of torch, and does it clip and decay what it should?"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from risk_model.training.optimizer import AdamW


def network() -> nn.Sequential:
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))


def plain() -> nn.Sequential:
    """Without batch norm, behind which a bias has no gradient but rounding errors."""
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))


def learn(net: nn.Module, step: int) -> None:
    """Gradients of one step, the same for equal networks."""
    features = torch.randn(32, 4, generator=torch.Generator().manual_seed(step))
    net.zero_grad()
    torch.autograd.backward(net(features).square().mean())


def test_thirty_steps_equal_those_of_torchs_adamw() -> None:
    ours, theirs = plain(), plain()
    optimizer = AdamW(ours, learning_rate=0.01, weight_decay=0.3)
    matrices = [p for p in theirs.parameters() if p.ndim > 1]
    others = [p for p in theirs.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.3}, {"params": others, "weight_decay": 0.0}]
    reference = torch.optim.AdamW(groups, lr=0.01)
    for step in range(30):
        learn(ours, step)
        learn(theirs, step)
        optimizer.step()
        reference.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_without_gradients_matrices_decay_and_biases_norms_and_scales_stay() -> None:
    net = network()
    net.register_parameter("member_scale", nn.Parameter(torch.ones(2, 2)))
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    AdamW(net, learning_rate=0.1, weight_decay=0.5).step()
    changed = {name for name, p in net.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {"0.weight", "3.weight"}
    torch.testing.assert_close(net[0].weight, before["0.weight"] * 0.95)


def test_the_norm_given_is_the_one_before_clipping() -> None:
    net = nn.Linear(2, 1)
    net.weight.grad, net.bias.grad = torch.tensor([[3.0, 0.0]]), torch.tensor([4.0])
    optimizer = AdamW(net, 0.1, 0.0)
    assert optimizer.clip(limit=1.0).item() == 5.0
    torch.testing.assert_close(net.weight.grad, torch.tensor([[0.6, 0.0]]))
    assert optimizer.clip(limit=2.0).item() == pytest.approx(1.0)
    torch.testing.assert_close(net.bias.grad, torch.tensor([0.8]))


def test_clipping_equals_torchs_own() -> None:
    ours, theirs = network(), network()
    learn(ours, 0)
    learn(theirs, 0)
    norm = AdamW(ours, 0.1, 0.0).clip(0.01)
    torch.testing.assert_close(norm, nn.utils.clip_grad_norm_(theirs.parameters(), 0.01))
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


def test_after_clearing_no_gradient_is_left() -> None:
    net = network()
    learn(net, 0)
    AdamW(net, 0.1, 0.0).clear()
    assert all(p.grad is None for p in net.parameters())


def test_what_is_frozen_neither_moves_nor_decays() -> None:
    net = plain()
    net[0].weight.requires_grad_(False)
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    optimizer = AdamW(net, learning_rate=0.1, weight_decay=0.5)
    learn(net, 0)
    optimizer.clip(1.0)
    optimizer.step()
    assert {n for n, p in net.named_parameters() if torch.equal(p, before[n])} == {"0.weight"}
