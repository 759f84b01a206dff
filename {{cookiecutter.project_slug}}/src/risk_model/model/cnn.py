"""A small residual CNN for images, from scratch.

Can a network learn to see from these images alone?

Three stages of residual blocks (He et al. 2016), each after the first with twice the channels, but
only the second at half the resolution: the last keeps enough places for a map of what mattered.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from risk_model.config.imaging import Cnn
from risk_model.core.schema import Features, Schema
from risk_model.model.image_input import ImageInput, PlaceHead, image_of


class Block(nn.Module):
    """x + f(x), f being two 3×3 convolutions with batch norm.

    The shortcut is a strided convolution where resolution or width changes.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)])
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """[n, inputs, h, w] to [n, outputs, h / stride, w / stride]."""
        hidden = torch.relu(self.norms[0](self.first(inputs)))
        return torch.relu(self.shortcut(inputs) + self.norms[1](self.second(hidden)))


class Network(nn.Module):
    """Rows [n, d] to logits [n], by way of a map of what each place adds."""

    def __init__(self, prevalence: float, settings: Cnn, schema: Schema) -> None:
        super().__init__()
        signal = image_of(schema, settings.name)
        widths = [settings.width * 2**stage for stage in range(3)]
        self.image = ImageInput(signal, settings.augment)
        self.enter = nn.Sequential(
            nn.BatchNorm2d(signal.shape[0]),
            nn.Conv2d(
                signal.shape[0], widths[0], 3, stride=2 if signal.shape[1] > 32 else 1, padding=1
            ),
            nn.ReLU(),
        )
        shapes = [(widths[0], widths[0]), *pairwise(widths)]
        strides = [1, 2, 1]
        self.blocks = nn.Sequential(
            *(
                Block(inputs if i == 0 else outputs, outputs, stride if i == 0 else 1)
                for (inputs, outputs), stride in zip(shapes, strides, strict=True)
                for i in range(settings.blocks)
            )
        )
        self.head = PlaceHead(widths[-1], settings.dropout, prevalence)

    def mapped(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The logit [n] and what each place adds to it [n, h, w]."""
        placed: tuple[Tensor, Tensor] = self.head(self.blocks(self.enter(self.image(rows))))
        return placed

    def forward(self, rows: Tensor) -> Tensor:
        """The logit."""
        return self.mapped(rows)[0]


def build(features: Features, prevalence: float, settings: Cnn, schema: Schema) -> Network:
    """See `network.build`."""
    return Network(prevalence, settings, schema)
