"""What every network of recordings has to bear: another device, and half the digits."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn

from risk_model import config
from risk_model.core.schema import Features
from risk_model.training.loss import choose_loss
from risk_model.training.recording_passes import Pieces


def passes_on_the_meta_device(network: nn.Module, features: Features) -> None:
    """Learns from rows and scores them where tensors have no values.

    A tensor that is made on the CPU, or a look at a number, fails there as it would on a GPU, or
    holds it up.
    """
    away, rows = deepcopy(network).to("meta"), torch.from_numpy(features)
    labels = torch.arange(len(rows)).remainder(2).float()
    away.train()
    Pieces(torch.device("meta"), 2).backward(
        away, rows, labels, choose_loss(config.Training(), pos_weight=1.0)
    )
    gradients = [p.grad for p in away.parameters() if p.requires_grad]
    assert gradients
    assert all(gradient is not None and gradient.is_meta for gradient in gradients)
    away.eval()
    with torch.no_grad():
        assert away(rows.to("meta")).is_meta


def learns_under_autocast(network: nn.Module, features: Features) -> None:
    """Has finite gradients in float32 where the forward pass is in bfloat16, on the CPU."""
    learner, rows = deepcopy(network).train(), torch.from_numpy(features)
    labels = torch.arange(len(rows)).remainder(2).float()
    loss = choose_loss(config.Training(), pos_weight=1.0)
    Pieces(torch.device("cpu"), len(rows), amp=True).backward(learner, rows, labels, loss)
    gradients = [p.grad for p in learner.parameters() if p.grad is not None]
    assert {gradient.dtype for gradient in gradients} == {torch.float32}
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert any(gradient.any() for gradient in gradients)
