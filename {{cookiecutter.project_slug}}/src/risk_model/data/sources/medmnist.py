"""MedMNIST: small images with official splits, downloaded.

Does a network beat a baseline on a published test set?

Yang et al., Scientific Data 2023;10:41 (CC BY 4.0). Training and validation images become the
development; the official test images are an external part, opened once, at evaluation. There are no
patients, dates or sites in these sets.
"""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from risk_model.config.imaging import MedMnist
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.data.download import cache_directory, fetch
from risk_model.data.sources.images import signal_of
from risk_model.data.sources.recordings import cohort_from, schema_of
from risk_model.signals.image import resized, scale

URL = "https://zenodo.org/records/10519652/files/{name}.npz"
PARTS = {"train": None, "val": None, "test": "published test"}


class Published(NamedTuple):
    """A set's digest (SHA-256, or MedMNIST's MD5), which labels are the event, and what it is."""

    digest: str
    event: tuple[int, ...]
    outcome: str
    origin: str


SETS = {
    "breastmnist": Published(
        "3a22d2a4625e7dd8903f0f59030e81a3d0c222bece2e5e10927456cb50efdec1",
        (0,),  # the set's own order: 0 is malignant, 1 normal or benign
        "malignant breast ultrasound",
        "W. Al-Dhabyani et al., Data in Brief 2020;28:104863",
    ),
    "retinamnist": Published(
        "254915f5f0a2074665c4676356824cf4ef4a3bcab233894b4bafcaf48962bd69",
        (2, 3, 4),
        "diabetic retinopathy of grade 2 or more",
        "DeepDRiD: R. Liu et al., Patterns 2022;3:100512",
    ),
    "pneumoniamnist": Published(
        "28209eda62fecd6e6a2d98b1501bb15f",
        (1,),
        "pneumonia in a child's chest radiograph",
        "D. Kermany et al., Cell 2018;172:1122-1131",
    ),
}


def load(settings: MedMnist) -> Cohort:
    """The images of one set; UserError when what was downloaded is not the published file."""
    published, signal = SETS[settings.name], signal_of(settings)
    path = cache_directory(settings.cache) / settings.name / f"{settings.name}.npz"
    images, labels, part = _arrays(fetch(URL.format(name=settings.name), published.digest, path))
    shown = [_channels_first(image) for image in images]
    enlarged = ("size",) if any(scale(image, signal) > 1 for image in shown) else ()
    recordings = [resized(image, signal) for image in shown]
    outcome = np.isin(labels, published.event).astype(np.int8)
    schema = schema_of(settings.name, published.outcome, replace(signal, remark_kinds=enlarged))
    source = f"MedMNIST v2 {settings.name} (Yang et al. 2023, CC BY 4.0), from {published.origin}"
    return cohort_from(recordings, outcome, pd.DataFrame({"part": part}), schema, source)


def _arrays(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            images = np.concatenate([file[f"{part}_images"] for part in PARTS])
            labels = np.concatenate([file[f"{part}_labels"].reshape(-1) for part in PARTS])
            names = np.array(
                [name for p, name in PARTS.items() for _ in file[f"{p}_labels"]], dtype=object
            )
    except (ValueError, KeyError, OSError, zipfile.BadZipFile):
        raise UserError(
            f"{path}: is not a MedMNIST file; delete it, and run again to download it"
        ) from None
    return images, labels, names


def _channels_first(image: np.ndarray) -> np.ndarray:
    scaled = image.astype(np.float32) / np.float32(255)
    return scaled[None] if scaled.ndim == 2 else np.moveaxis(scaled, -1, 0)
