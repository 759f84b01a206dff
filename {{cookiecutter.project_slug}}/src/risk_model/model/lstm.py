"""A bidirectional LSTM for waveforms, over what strided convolutions have thinned out.

Which network reads a waveform in its order?

Two convolutions turn each tenth of a second into a vector, as an LSTM over a thousand raw samples
forgets and takes a minute an epoch; the LSTM runs both ways; the most and the mean of its states,
over time, give the logit.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from risk_model.config.waveform import Lstm
from risk_model.core.errors import UserError
from risk_model.core.inputs import Inputs
from risk_model.core.schema import Features, Schema
from risk_model.model.waveform_input import Input

STRIDES = (2, 5)


class Network(nn.Module):
    """Rows [n, d] to logits [n]; it sees the samples at their end alone."""

    def __init__(
        self, features: Features | Inputs, prevalence: float, settings: Lstm, shape: tuple[int, ...]
    ) -> None:
        super().__init__()
        width, leads = settings.width, shape[0]
        self.input = Input(features, shape)
        self.stem = nn.Sequential(
            nn.Conv1d(leads, width, 7, STRIDES[0], padding=3, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 9, STRIDES[1], padding=4, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Dropout(settings.dropout),
        )
        self.lstm = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(settings.dropout)
        self.head = nn.Linear(4 * width, 1)
        nn.init.constant_(self.head.bias, float(torch.logit(torch.tensor(prevalence))))
        nn.init.normal_(self.head.weight, std=0.01)

    def forward(self, rows: Tensor) -> Tensor:
        """Logits."""
        steps = self.stem(self.input(rows)).transpose(1, 2)
        # given, so that a graph takes any number of rows
        start = steps.new_zeros(2, steps.shape[0], self.lstm.hidden_size)
        states, _ = self.lstm(steps, (start, start))
        pooled = torch.cat([states.amax(dim=1), states.mean(dim=1)], dim=1)
        logits: Tensor = self.head(self.dropout(pooled)).flatten()
        return logits


def build(
    features: Features | Inputs, prevalence: float, settings: Lstm, schema: Schema
) -> Network:
    """The network for float32[n, d] training rows; UserError when they hold no waveform."""
    if schema.signal is None or schema.signal.kind != "waveform":
        raise UserError(
            "model/network=lstm reads waveforms; choose a network for what data holds, or leave it "
            "out"
        )
    return Network(features, prevalence, settings, schema.signal.shape)
