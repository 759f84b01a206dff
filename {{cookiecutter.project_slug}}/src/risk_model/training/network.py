"""Training of the network: its loss, its first bias, its tables, and the loop."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np

from risk_model.core.inputs import Inputs
from risk_model.core.optional import required_module
from risk_model.model import FitInputs
from risk_model.model.network import NetworkModel, build
from risk_model.training import loop
from risk_model.training.loss import choose_loss


def fit_network(inputs: FitInputs) -> NetworkModel:
    """Fits the network: its statistics from the training rows, its weights from the loop."""
    train, validation, settings = inputs.train, inputs.validation, inputs.settings
    loss = choose_loss(settings.training, inputs.pos_weight)
    prevalence = float(np.average(train.labels, weights=train.weights))
    chosen = settings.model.network
    with loop.seeded(settings.seed), loop.threads(settings.training.threads):
        rows = Inputs(train.features, train.arrays) if train.arrays else train.features
        network = build(chosen.name, rows, prevalence, chosen, inputs.schema)
        first = loop.table(train.features, train.labels, train.arrays)
        tables = first, validation and loop.table(*validation[:2], validation.arrays)
        own = nullcontext((network, tables, settings.training, loop.WHOLE, None))
        if inputs.schema.signal:
            own = required_module("training.recording_passes").prepared(network, tables, inputs)
        with own as (learner, (first, then), training, passes, trained):
            rest = inputs.record, inputs.rounds, inputs.curves, passes
            loop.fit(learner, first, then, loss, training, settings.seed, *rest)
    return NetworkModel(network, inputs.schema.width, trained)
