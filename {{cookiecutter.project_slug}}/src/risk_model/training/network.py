"""Training of the network: its loss, its first bias, its tables, and the loop."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import torch

from risk_model.core.optional import required_module
from risk_model.model import FitInputs
from risk_model.model.network import NetworkModel, build
from risk_model.training import loop
from risk_model.training.loss import choose_loss

PIECE = 16  # rows that pass through frozen blocks at once: more take memory and no less time


def fit_network(inputs: FitInputs) -> NetworkModel:
    """Fits the network: its statistics from the training rows, its weights from the loop."""
    train, validation, settings = inputs.train, inputs.validation, inputs.settings
    loss = choose_loss(settings.training, inputs.pos_weight)
    prevalence = float(np.average(train.labels, weights=train.weights))
    chosen = settings.model.network
    with (
        loop.seeded(settings.seed),
        loop.threads(settings.training.threads),
        ExitStack() as stack,
    ):
        network = build(chosen.name, train.features, prevalence, chosen, inputs.schema)
        learner = network
        tables = [loop.table(part.features, part.labels) for part in (train, validation) if part]
        if getattr(network, "frozen", 0):  # what its frozen blocks make of a row is computed once
            store = required_module("model.frozen_blocks").stored
            parts = [torch.split(rows.features, PIECE) for rows in tables]
            learner, places = stack.enter_context(store(network, parts))
            tables = [
                loop.Table(*part)
                for part in zip(places, [rows.labels for rows in tables], strict=True)
            ]
        loop.fit(
            learner,
            tables[0],
            tables[1] if validation else None,
            loss,
            settings.training,
            settings.seed,
            inputs.record,
            inputs.rounds,
            inputs.curves,
            required_module("training.schedule").schedule(inputs) if inputs.schema.signal else None,
        )
    return NetworkModel(network, inputs.schema.width)
