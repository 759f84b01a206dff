"""The networks of the demonstrations: a plain one, and this project's own, trained by its loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from risk_model import config
from risk_model.core.schema import Features
from risk_model.core.scores import Floats
from risk_model.model.mlp import Network
from risk_model.training import loop
from risk_model.training.loss import Loss, cross_entropy

BATCH = 256
Chosen = npt.NDArray[np.bool_]


def plain_logits(
    features: Features,
    target: npt.NDArray[Any],
    tested: Chosen,
    loss: Loss,
    outputs: int,
    epochs: int,
    seed: int,
) -> Floats:
    """Logits of the tested rows, from a small network that learnt from the others.

    Args:
        features: float32[n, d], NaN where missing.
        target: float32[n] labels, or int64[n] classes.
        tested: the rows to keep from it and to ask for, [n].
        loss: from logits, [m] for labels and [m, outputs] for classes, and target to a number.
        outputs: 1, or the number of classes.
        epochs: passes over the other rows.
        seed: of the first weights, the order of the rows, and dropout.

    Returns:
        float64[tested, outputs].
    """
    prepare = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    prepare.fit(features[~tested])
    inputs = torch.from_numpy(prepare.transform(features).astype(np.float32))
    rows = loop.Table(inputs[~tested], torch.from_numpy(target[~tested]))
    with loop.seeded(seed):
        hidden = nn.Linear(inputs.shape[1], 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3)
        shape = nn.Flatten(0) if outputs == 1 else nn.Identity()
        network = nn.Sequential(*hidden, nn.Linear(32, outputs), shape)
        trained = _train(network, rows, loss, epochs)
    with torch.no_grad():
        return np.asarray(trained(inputs[tested]).double().reshape(-1, outputs).numpy())


def own_network(features: Features, labels: npt.NDArray[Any], epochs: int, seed: int) -> nn.Module:
    """This project's network for tables, at half its width, trained on these rows."""
    with loop.seeded(seed):
        network = Network(features, float(labels.mean()), config.Mlp(width=32, members=2))
        return _train(network, loop.table(features, labels), cross_entropy, epochs)


def _train(network: nn.Module, rows: loop.Table, loss: Loss, epochs: int) -> nn.Module:
    adamw, mean = loop.adamw(network, config.Training()), loop.RunningMean(network)
    for _ in range(epochs):
        loop.train_epoch(network, rows, loss, adamw, BATCH, 1.0, mean)
    return mean.network
