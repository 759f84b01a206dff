"""How do the weights move? AdamW, with weight decay on what multiplies and not on what shifts or
scales.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Group(NamedTuple):
    """Parameters that decay alike, with the running means of their gradients and squared
    gradients.
    """

    parameters: list[Tensor]
    mean: list[Tensor]
    square: list[Tensor]
    decay: float


class AdamW:
    """Decoupled weight decay (Loshchilov and Hutter 2019) by torch's own fused kernel, called
    directly.

    For a network this small the kernel takes less time than what `torch.optim.AdamW(fused=True)`
    does around it. Weight matrices decay; biases, norms and scaling vectors do not. Betas .9 and
    .999, epsilon 1e-8.
    """

    def __init__(self, network: nn.Module, learning_rate: float, weight_decay: float) -> None:
        named = {name: p for name, p in network.named_parameters() if p.requires_grad}
        exempt = {
            name for name, p in named.items() if p.ndim < 2 or name.endswith(("bias", "scale"))
        }
        decayed: list[Tensor] = [p for name, p in named.items() if name not in exempt]
        others: list[Tensor] = [p for name, p in named.items() if name in exempt]
        self._groups = [_group(decayed, weight_decay), _group(others, 0.0)]
        self._parameters = decayed + others
        self._steps, self._rate = torch.zeros(()), learning_rate

    def clear(self) -> None:
        """Forgets the gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    def clip(self, limit: float) -> Tensor:
        """Scales the gradients down to a joint norm of `limit` where it is larger; gives the norm
        before.
        """
        gradients = _gradients(self._parameters)
        norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        if norm > limit:
            torch._foreach_mul_(gradients, limit / norm)
        return norm

    @torch.no_grad()
    def step(self) -> None:
        """Moves the weights by one step."""
        self._steps += 1
        for group in self._groups:
            torch._fused_adamw_(
                group.parameters,
                _gradients(group.parameters),
                group.mean,
                group.square,
                [],
                [self._steps] * len(group.parameters),
                lr=self._rate,
                beta1=0.9,
                beta2=0.999,
                weight_decay=group.decay,
                eps=1e-8,
                amsgrad=False,
                maximize=False,
            )


def _group(parameters: list[Tensor], decay: float) -> Group:
    return Group(
        parameters,
        list(map(torch.zeros_like, parameters)),
        list(map(torch.zeros_like, parameters)),
        decay,
    )


def _gradients(parameters: list[Tensor]) -> list[Tensor]:
    return [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
