"""Does the map of what mattered lie on the lesion? On made-up radiographs it is known where the
lesion is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from risk_model.config import Config, Model
from risk_model.config.imaging import Cnn, SyntheticImages
from risk_model.data import load
from risk_model.data.sources.synthetic_images import SIDE
from risk_model.data.split import split
from risk_model.model.network import NetworkModel, build
from risk_model.model.occlusion import occlude
from risk_model.training.fit import fit_models
from risk_model.training.monitor import Monitor

from tests.made_signal import recordings_of


@pytest.mark.slow
def test_what_raises_the_risk_lies_on_the_lesion_and_only_after_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Config(data=SyntheticImages(), model=Model(network=Cnn()))
    settings.split.folds = 1
    settings.training.learning_rate, settings.training.epochs, settings.training.patience = (
        2e-3,
        30,
        10,
    )
    settings.model.xgboost.trees = 5
    cohort = load(settings.data)
    splits = split(cohort, settings.split, settings.data, 0)
    features = cohort.encoded()
    teach = cohort.subjects, splits.train, splits.validation
    inputs = cohort.model_inputs(), cohort.labels, *teach, cohort.schema, settings, Monitor()
    trained = fit_models(*inputs, only=["network"])["network"]
    assert isinstance(trained, NetworkModel)
    torch.manual_seed(0)
    untrained: Any = build("cnn", features, 0.3, Cnn(), cohort.schema).eval()
    torch.nn.init.normal_(untrained.head.line.weight)

    truth = pd.read_csv("generated/synthetic_images-2000-0/truth.csv")
    risk = trained.logit(features)
    found = (risk > 0) & truth["left"].notna().to_numpy() & (cohort.labels == 1)
    rows = np.intersect1d(
        np.flatnonzero(found), np.concatenate([splits.test, *splits.external.values()])
    )
    assert len(rows) > 50
    boxes = truth.loc[rows, ["left", "top", "right", "bottom"]].to_numpy() / SIDE
    ours, chance = on_lesion(trained.network, features[rows], boxes)
    theirs, _ = on_lesion(untrained, features[rows], boxes)

    first = zip(rows[:30], boxes, strict=False)
    hidden = [hit(recordings_of(cohort)[row], trained, cohort.schema, box) for row, box in first]
    record_property(
        "figures",
        f"Grad-CAM's mass within a place of the lesion: {ours:.0%}, untrained {theirs:.0%}, by "
        f"area {chance:.0%}. The strongest of 64 hidden places touches it in {np.mean(hidden):.0%} "
        "of 30 images",
    )
    assert ours > 0.5
    assert ours > 4 * chance
    assert ours > 3 * theirs
    assert np.mean(hidden) > 0.7


def on_lesion(network: Any, features: np.ndarray, boxes: np.ndarray) -> tuple[float, float]:
    """Mean share of the positive map in the places within one of the box, and of all places."""
    with torch.no_grad():
        maps = network.mapped(torch.from_numpy(features))[1].clamp(min=0).numpy()
    shares, areas = [], []
    for places, (left, top, right, bottom) in zip(maps, boxes, strict=True):
        side = len(places)
        near = np.zeros_like(places, dtype=bool)
        rows = slice(max(int(top * side) - 1, 0), int(np.ceil(bottom * side)) + 1)
        near[rows, max(int(left * side) - 1, 0) : int(np.ceil(right * side)) + 1] = True
        shares.append(places[near].sum() / max(places.sum(), 1e-9))
        areas.append(near.mean())
    return float(np.mean(shares)), float(np.mean(areas))


def hit(recording: np.ndarray, model: NetworkModel, schema: Any, box: np.ndarray) -> bool:
    """Whether the hidden place that costs most touches the lesion's box."""
    occlusion = occlude(model.logit, recording, schema)
    left, top, right, bottom = (
        np.array(occlusion.parts[int(np.argmax(occlusion.contributions))]["box"])
        / schema.signal.shape[1]
    )
    return bool(left < box[2] and right > box[0] and top < box[3] and bottom > box[1])
