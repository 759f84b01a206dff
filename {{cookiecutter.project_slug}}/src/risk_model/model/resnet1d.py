"""A residual CNN over time, for waveforms.

Does it read a waveform better than an LSTM? Few layers, a growing field of view, one average.

After He et al. 2016, in one dimension as in Ribeiro et al. (Nature Communications 2020;11:1760).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from risk_model.config.waveform import ResNet1d
from risk_model.core.errors import UserError
from risk_model.core.inputs import Inputs
from risk_model.core.schema import Features, Schema
from risk_model.model.waveform_input import Input


class Block(nn.Module):
    """x + f(x) at half the rate: two convolutions with batch norm.

    The shortcut averages neighbours.
    """

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Conv1d(inputs, outputs, 7, 2, padding=3, bias=False)
        self.first_norm = nn.BatchNorm1d(outputs)
        self.second = nn.Conv1d(outputs, outputs, 7, padding=3, bias=False)
        self.second_norm = nn.BatchNorm1d(outputs)
        self.dropout = nn.Dropout(dropout)
        self.shortcut = nn.Sequential(
            nn.AvgPool1d(2, ceil_mode=True), nn.Conv1d(inputs, outputs, 1, bias=False)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """[n, inputs, t] to [n, outputs, t / 2]."""
        hidden = self.dropout(torch.relu(self.first_norm(self.first(inputs))))
        return torch.relu(self.shortcut(inputs) + self.second_norm(self.second(hidden)))


class Network(nn.Module):
    """Rows [n, d] to logits [n]; it sees the samples at their end alone."""

    def __init__(
        self,
        features: Features | Inputs,
        prevalence: float,
        settings: ResNet1d,
        shape: tuple[int, ...],
    ) -> None:
        super().__init__()
        width = settings.width
        self.input = Input(features, shape)
        self.stem = nn.Sequential(
            nn.Conv1d(shape[0], width, 11, 2, padding=5, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
        )
        sizes = [width, width, 2 * width, 3 * width, 4 * width]
        self.blocks = nn.Sequential(*(Block(a, b, settings.dropout) for a, b in pairwise(sizes)))
        self.dropout = nn.Dropout(settings.dropout)
        self.head = nn.Linear(2 * sizes[-1], 1)
        nn.init.constant_(self.head.bias, float(torch.logit(torch.tensor(prevalence))))
        nn.init.normal_(self.head.weight, std=0.01)

    def forward(self, rows: Tensor) -> Tensor:
        """Logits."""
        states = self.blocks(self.stem(self.input(rows)))
        pooled = torch.cat([states.amax(dim=2), states.mean(dim=2)], dim=1)
        logits: Tensor = self.head(self.dropout(pooled)).flatten()
        return logits


def build(
    features: Features | Inputs, prevalence: float, settings: ResNet1d, schema: Schema
) -> Network:
    """The network for float32[n, d] training rows; UserError when they hold no waveform."""
    if schema.signal is None or schema.signal.kind != "waveform":
        raise UserError(
            "model/network=resnet1d reads waveforms; choose a network for what data holds, or "
            "leave it out"
        )
    return Network(features, prevalence, settings, schema.signal.shape)
