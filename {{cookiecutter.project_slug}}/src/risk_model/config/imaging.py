"""What can be set when images are read? Their sources and their networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from risk_model.config import Data, Decision, Recordings

# --- sources


@dataclass
class Images(Recordings):
    """Anybody's images: DICOM, PNG or JPEG files listed in a table."""

    network: ClassVar[str] = "cnn"
    module: ClassVar[str] = "images"
    name: str = "images"
    size: int = 64  # pixels a side after reading; a network sees no more
    mirrors: bool = False  # left and right carry no meaning: augmentation may mirror


@dataclass
class SyntheticImages(Data):
    """Made-up radiographs with a lesion or none, written as DICOM files."""

    network: ClassVar[str] = "cnn"
    name: str = "synthetic_images"
    subjects: int = 1_200
    seed: int = 0
    decision: Decision = field(default_factory=Decision)


SOURCES: dict[str, type[Data]] = {"images": Images, "synthetic_images": SyntheticImages}

# --- networks


@dataclass
class Cnn:
    """A residual CNN, from scratch."""

    name: str = "cnn"
    learning_rate: float = 1e-3
    epochs: int = 20
    patience: int = 5


NETWORKS: dict[str, Any] = {"cnn": Cnn}
