"""The samples of a waveform, each lead on its own scale, varied a little in training.

What does a network of waveforms see?
"""

from __future__ import annotations

from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from risk_model.core.inputs import Inputs
from risk_model.core.schema import Features

SCALED = 0.2  # of a lead's size, on the log scale
NOISE = 0.05  # in the units of a lead
LOST = 0.1  # share of leads that are hidden


class Input(nn.Module):
    """Rows [n, d] to samples [n, leads, samples], without their mean.

    In typical deviations of the training rows. In training every lead is a little larger or
    smaller, noisy, or now and then missing, and the whole is shifted in time: a heart says the
    same a moment later, and through another electrode.
    """

    def __init__(self, features: Features | Inputs, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape, self.size = shape, prod(shape)
        pieces = features.pieces() if isinstance(features, Inputs) else [features]
        deviations = [rows[:, -self.size :].reshape(-1, *shape).std(axis=2) for rows in pieces]
        deviation = np.median(np.concatenate(deviations), axis=0)
        self.register_buffer(
            "scale", torch.from_numpy(np.maximum(deviation, 1e-3).astype(np.float32))[:, None]
        )
        self.scale: Tensor

    def forward(self, rows: Tensor) -> Tensor:
        """The samples."""
        samples = rows[:, -self.size :].reshape(-1, *self.shape)
        samples = (samples - samples.mean(dim=2, keepdim=True)) / self.scale
        return self._varied(samples) if self.training else samples

    def _varied(self, samples: Tensor) -> Tensor:
        each = samples.shape[0], samples.shape[1], 1
        # all drawn on the CPU, so that a seed means the same on every device
        scaled, there = torch.exp(SCALED * torch.randn(each)), torch.rand(each) >= LOST
        samples = samples * scaled.to(samples.device) * there.to(samples.device)
        samples = samples + NOISE * torch.randn(samples.shape).to(samples.device)
        return samples.roll(int(torch.randint(samples.shape[2], ())), dims=2)
