"""Scores of a network, always in eval mode: dropout off, batch norm on what it learnt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from risk_model.core.schema import at_once


def score(network: nn.Module, features: Tensor, chunk: int = 4096) -> Tensor:
    """Logits of float32[n, d] rows, the mean over members: float64[n].

    Each module's mode is left as it was.
    """
    step = at_once(features.shape[1], chunk)
    with evaluating(network), torch.no_grad():
        logits = [
            network(rows).reshape(len(rows), -1).double().mean(dim=1)
            for rows in torch.split(features, step)
        ]
    return torch.cat(logits)


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Every module in eval mode until the block ends, then each in the mode it had."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
