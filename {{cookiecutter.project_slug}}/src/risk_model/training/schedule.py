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
from collections import defaultdict
from collections.abc import Callable

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from risk_model.model import FitInputs
from risk_model.training.folds import STOPPING
from risk_model.training.loop import ROWS_PER_EPOCH

WARM_UP = 0.1  # of the planned steps
LEAST = 0.02  # of the rate, at the first step and after the last


def rate_share(step: float, planned: float) -> float:
    """The share of the learning rate after so many steps of those planned.

    >>> [round(rate_share(step, 20), 2) for step in (0, 1, 2, 11, 20, 30)]
    [0.02, 0.5, 1.0, 0.5, 0.02, 0.02]
    """
    passed = step / planned
    if passed < WARM_UP:
        return max(passed / WARM_UP, LEAST)
    settling = min((passed - WARM_UP) / (1 - WARM_UP), 1)
    return max((1 + math.cos(math.pi * settling)) / 2, LEAST)


def drawn(inputs: FitInputs, rows: int) -> int:
    """How many of so many rows an epoch draws."""
    rule = getattr(inputs.settings.model.network, "rows_per_epoch", None)
    return int(rule(rows)) if rule else min(rows, ROWS_PER_EPOCH)


def planned_steps(inputs: FitInputs, size: int) -> int:
    """The steps that a training of these rows may take, in batches of that size."""
    folds = inputs.settings.split.folds
    # of all rows, those that taught in a turn: neither its fold nor those that stopped it
    taught = 1.0 if inputs.validation else (1 - 1 / folds) * (1 - 1 / STOPPING)
    rows = drawn(inputs, round(taught * len(inputs.train.labels)))
    return inputs.settings.training.epochs * steps(rows, size)


def steps(rows: int, size: int) -> int:
    """How many an epoch of so many rows has: `loop.batches` gives as many."""
    return max(1, rows // size)


def set_rates(
    network: nn.Module,
    optimizer: Optimizer,
    planned: float,
    passed: Callable[[], object] = lambda: None,
) -> None:
    """From now on each step of the optimizer takes its own share of the rate.

    Where none are planned all of them take the whole rate: a network of notes says so by
    `one_rate`. By `rate_of` a network says what share of it a parameter of such a name gets.
    `passed` is called after each step.
    """
    if rate_of := getattr(network, "rate_of", None):
        _split_by_rate(network, optimizer, rate_of)
    rates = LambdaLR(optimizer, lambda step: rate_share(step, planned) if planned else 1.0)

    def stepped(*_: object) -> None:
        rates.step()
        passed()

    optimizer.register_step_post_hook(stepped)


def _split_by_rate(
    network: nn.Module, optimizer: Optimizer, rate_of: Callable[[str], float]
) -> None:
    names = {parameter: name for name, parameter in network.named_parameters()}
    groups, optimizer.param_groups = optimizer.param_groups, []
    for group in groups:
        parts = defaultdict(list)
        for parameter in group.pop("params"):
            parts[rate_of(names[parameter])].append(parameter)
        for share, parameters in parts.items():
            optimizer.add_param_group({**group, "params": parameters, "lr": group["lr"] * share})
