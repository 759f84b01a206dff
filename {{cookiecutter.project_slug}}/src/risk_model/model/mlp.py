"""The network for tables: it reads numbers the way trees do, and is an ensemble in one.

When is it worth its cost? Where its log loss beats both baselines' beyond chance (champion.py).

Each number is embedded piecewise-linearly between quantiles of the training rows (Gorishniy et al.
2022), residual blocks with batch norm and dropout follow, and `members` networks share all weight
matrices, each with scaling vectors of its own (TabM, Gorishniy et al. 2025). The members' logits
are averaged afterwards (network.py).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from risk_model import config
from risk_model.core.errors import UserError
from risk_model.core.schema import Features, Schema
from risk_model.model.embedding import Statistics


class MemberLinear(nn.Module):
    """One weight matrix for all members, between scaling vectors of each.

    From [n, members, inputs] to [n, members, outputs]. `random_signs`: the input scales start at
    ±1, so that members differ.
    """

    def __init__(self, members: int, inputs: int, outputs: int, random_signs: bool = False) -> None:
        super().__init__()
        self.shared = nn.Linear(inputs, outputs, bias=False)
        signs = torch.randint(0, 2, (members, inputs)).float() * 2 - 1
        self.input_scale = nn.Parameter(signs if random_signs else torch.ones(members, inputs))
        self.output_scale = nn.Parameter(torch.ones(members, outputs))
        self.bias = nn.Parameter(torch.zeros(members, outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        """Applies each member's layer to its own inputs."""
        outputs: Tensor = self.shared(inputs * self.input_scale) * self.output_scale + self.bias
        return outputs


class Block(nn.Module):
    """x + f(x), f being two layers with batch norm before and dropout between.

    Where the width changes, the shortcut is a layer too.
    """

    def __init__(self, members: int, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(members * inputs)
        self.first = MemberLinear(members, inputs, outputs)
        self.second = MemberLinear(members, outputs, outputs)
        self.dropout = nn.Dropout(dropout)
        same_width = inputs == outputs
        self.shortcut = nn.Identity() if same_width else MemberLinear(members, inputs, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Shapes as in MemberLinear."""
        hidden = self.norm(inputs.flatten(1)).view_as(inputs)
        hidden = self.dropout(torch.relu(self.first(hidden)))
        outputs: Tensor = self.shortcut(inputs) + self.second(hidden)
        return outputs


class Network(nn.Module):
    """Features [n, d] to one logit a member [n, members].

    Never a probability, for the loss applies its own sigmoid.
    """

    def __init__(self, features: Features, prevalence: float, settings: config.Mlp) -> None:
        super().__init__()
        k, width = settings.members, settings.width
        self.statistics = Statistics(features, settings.bins)
        numbers, flags = len(self.statistics.numbers.column), len(self.statistics.flags.column)
        # one more than the bins: the mark of a missing number
        self.embedding = nn.Parameter(
            torch.randn(numbers, settings.bins + 1, settings.embedding) * 0.1
        )
        self.embedding_bias = nn.Parameter(torch.zeros(numbers, settings.embedding))
        inputs = numbers * settings.embedding + flags
        self.input_layer = MemberLinear(k, inputs, width, random_signs=True)
        self.blocks = nn.Sequential(
            *(Block(k, width, width, settings.dropout) for _ in range(settings.blocks))
        )
        self.norm = nn.BatchNorm1d(k * width)
        self.output_weights = nn.Parameter(torch.randn(k, width) / width)
        self.bias = nn.Parameter(torch.full((k,), float(np.log(prevalence / (1 - prevalence)))))

    def forward(self, features: Tensor) -> Tensor:
        """Logits of float32 rows with NaN where missing."""
        # how far each number reaches into each bin, and the columns with two values
        reach, flags = self.statistics(features)
        embedded = torch.einsum("nmb,mbe->nme", reach, self.embedding) + self.embedding_bias
        inputs = torch.cat([embedded.flatten(1), flags], dim=1)[:, None]
        hidden = self.blocks(self.input_layer(inputs))
        hidden = torch.relu(self.norm(hidden.flatten(1)).view_as(hidden))
        logits: Tensor = (hidden * self.output_weights).sum(dim=2) + self.bias
        return logits


def build(features: Features, prevalence: float, settings: config.Mlp, schema: Schema) -> Network:
    """The network for float32[n, d] training rows; UserError when they hold a signal."""
    if schema.width > len(schema.features):
        kind = schema.signal.kind if schema.signal else "sequence"
        raise UserError(
            f"model/network=mlp reads tables; choose another, {kind}s have networks of their own"
        )
    return Network(features, prevalence, settings)
