"""The image at the end of a row and, while a network learns, the image as it could have been.

What does a CNN get to see?

Augmentation changes what a clinician would overlook: place, tilt, size and exposure. Left and right
are exchanged only where the schema says that they carry no meaning; a heart on the right is a
finding.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from risk_model.core.errors import UserError
from risk_model.core.schema import Schema, Signal

SHIFT = 0.08  # of the side
TILT = 10.0  # degrees
SIZE = 0.1  # share
EXPOSURE = 0.15  # of full brightness


def image_of(schema: Schema, name: str) -> Signal:
    """The schema's image; UserError when it has none."""
    if schema.signal is None or schema.signal.kind != "image":
        raise UserError(
            f"model/network={name} reads images, and {schema.name} has none; leave it out"
        )
    return schema.signal


class ImageInput(nn.Module):
    """Rows [n, d] to images [n, c, h, w] in 0..1; with `augment` varied in train mode."""

    def __init__(self, signal: Signal, augment: bool) -> None:
        super().__init__()
        self.shape, self.augment, self.mirrors = signal.shape, augment, signal.mirrors

    def forward(self, rows: Tensor) -> Tensor:
        """The images at the end of the rows."""
        images = rows[:, -math.prod(self.shape) :].reshape(-1, *self.shape)
        return augmented(images, self.mirrors) if self.training and self.augment else images


def augmented(images: Tensor, mirrors: bool) -> Tensor:
    """Each image [n, c, h, w] shifted, tilted, resized and exposed a little differently.

    Mirrored only if `mirrors`.
    """
    n = images.shape[0]
    angle = torch.empty(n).uniform_(-TILT, TILT).deg2rad()
    size = torch.empty(n).uniform_(1 - SIZE, 1 + SIZE)
    across = (torch.randint(0, 2, (n,)) * 2 - 1) if mirrors else torch.ones(n)
    turn = torch.zeros(n, 2, 3)
    turn[:, 0, 0], turn[:, 0, 1] = across * angle.cos() / size, -angle.sin() / size
    turn[:, 1, 0], turn[:, 1, 1] = across * angle.sin() / size, angle.cos() / size
    turn[:, :, 2] = torch.empty(n, 2).uniform_(-2 * SHIFT, 2 * SHIFT)
    # all drawn on the CPU, so that a seed means the same on every device
    grid = functional.affine_grid(turn.to(images.device), list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    contrast = torch.empty(n, 1, 1, 1).uniform_(1 - EXPOSURE, 1 + EXPOSURE)
    brightness = torch.empty(n, 1, 1, 1).uniform_(-EXPOSURE / 2, EXPOSURE / 2)
    contrast, brightness = contrast.to(images.device), brightness.to(images.device)
    return ((moved - 0.5) * contrast + 0.5 + brightness).clamp(0, 1)


class Resize(nn.Module):
    """Images [n, c, h, w] at `pixels` a side; what becomes smaller is smoothed first.

    Two products of matrices, which the exporter knows where it knows no antialiasing.
    """

    def __init__(self, signal: Signal, pixels: int) -> None:
        super().__init__()
        self.rows: Tensor
        self.columns: Tensor
        height, width = signal.shape[1:]
        self.same = (height, width) == (pixels, pixels)
        self.register_buffer("rows", filter_weights(height, pixels), persistent=False)
        self.register_buffer("columns", filter_weights(width, pixels), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """The images at that size."""
        return images if self.same else self.rows @ images @ self.columns.T


def filter_weights(side: int, pixels: int) -> Tensor:
    """What each new pixel takes of each old one: float32[pixels, side], whose rows sum to 1.

    By torch's bilinear filter, which is as wide as a new pixel where those are the larger ones.
    """
    each = torch.eye(side)[None, None]
    size = [pixels, side]
    weights = functional.interpolate(
        each, size=size, mode="bilinear", align_corners=False, antialias=True
    )
    return weights[0, 0]


class PlaceHead(nn.Module):
    """Features [n, k, h, w] to a logit and a map of what each location adds to it.

    The mean over locations, then a line. Because the head is linear, the map is the class
    activation map (Zhou et al. 2016), which Grad-CAM (Selvaraju et al. 2017) equals here up to a
    factor: bias + map.sum() is the logit.
    """

    def __init__(self, features: int, dropout: float, prevalence: float) -> None:
        super().__init__()
        self.dropout, self.line = nn.Dropout(dropout), nn.Linear(features, 1)
        nn.init.zeros_(self.line.weight)
        nn.init.constant_(self.line.bias, math.log(prevalence / (1 - prevalence)))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The logit [n] and the map [n, h, w]."""
        pooled = self.dropout(features.mean(dim=(2, 3)))
        places = float(features.shape[2] * features.shape[3])
        added = functional.conv2d(features, self.line.weight[:, :, None, None])[:, 0] / places
        return self.line(pooled)[:, 0], added
