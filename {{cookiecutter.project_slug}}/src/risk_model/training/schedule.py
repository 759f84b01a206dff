"""The learning rate of a network of recordings from step to step: a warm-up, then a cosine.

Why does the rate change? At one rate for all steps the validation loss of these networks jumps to
several times its best: the first steps through pre-trained or untrained layers are too large, and
the last ones never settle (Goyal et al. 2017; Loshchilov and Hutter, SGDR, 2017).

The rate is planned over all of `training.epochs`, also where early stopping ends the training
before. Where a model is made from all development rows, it takes the same rates step for step, and
ends where those of the folds ended on average: an epoch over all rows has more steps than one of a
turn, so that as many fewer of them are planned.
"""

from __future__ import annotations

import math
from functools import partial

from risk_model.model import FitInputs
from risk_model.training.folds import STOPPING
from risk_model.training.loop import RateShare

WARM_UP = 0.1  # of the planned epochs
LEAST = 0.02  # of the rate, at the first step and after the last


def rate_share(epoch: float, planned: float) -> float:
    """The share of the learning rate after `epoch` epochs of `planned`, parts of epochs included.

    >>> [round(rate_share(epoch, 20), 2) for epoch in (0, 1, 2, 11, 20, 30)]
    [0.02, 0.5, 1.0, 0.5, 0.02, 0.02]
    """
    passed = epoch / planned
    if passed < WARM_UP:
        return max(passed / WARM_UP, LEAST)
    settling = min((passed - WARM_UP) / (1 - WARM_UP), 1)
    return max((1 + math.cos(math.pi * settling)) / 2, LEAST)


def schedule(inputs: FitInputs) -> RateShare:
    """From epochs passed to the share of the learning rate, for these rows."""
    epochs, folds = inputs.settings.training.epochs, inputs.settings.split.folds
    # of all rows, those that taught in a turn: neither its fold nor those that stopped it
    taught = 1.0 if inputs.validation else (1 - 1 / folds) * (1 - 1 / STOPPING)
    return partial(rate_share, planned=epochs * taught)
