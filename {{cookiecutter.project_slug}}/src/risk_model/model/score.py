"""Scores of a network: a row's logit is its own, whatever is scored with it or was before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from risk_model.core.schema import at_once


def score(network: nn.Module, features: Tensor, chunk: int = 4096) -> Tensor:
    """Logits of float32[n, d] rows, the mean over members: float64[n].

    A row's logit is the same at every call and whichever rows it is scored with, whatever mode the
    network is in. Nothing of the network changes; each module's mode is left as it was, also when
    the network raises. No gradients; at most `chunk` rows are passed at once.
    """
    # dropout off, batch norm on what it learnt
    step: int = getattr(network, "rows_at_once", 0) or at_once(features.shape[1], chunk)
    where = next(network.parameters(), features).device
    with evaluating(network), torch.no_grad():
        logits = [
            network(rows.to(where)).reshape(len(rows), -1).cpu().double().mean(dim=1)
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
