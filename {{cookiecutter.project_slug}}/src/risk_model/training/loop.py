"""The training loop, for any module that turns rows into logits.

How does a network learn? The loop reads straight down. The rows of a table lie in two tensors: one
permutation an epoch, cut into views, costs a third of a DataLoader. Recordings are read a batch at
a time. Scores are taken in eval mode only, and the weights of the epoch with the best validation
loss are the ones kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from risk_model import config
from risk_model.core.cohort import Outcome
from risk_model.core.errors import UserError
from risk_model.core.inputs import Arrays, Inputs
from risk_model.core.schema import Features
from risk_model.core.scores import auroc
from risk_model.model import CURVE_ROWS, EpochRecorder, curve_rows
from risk_model.model.score import score
from risk_model.training.batches import batch_size
from risk_model.training.loss import Loss

# more rows than this and an epoch is a fresh draw of so many: epochs stay short
ROWS_PER_EPOCH = 131_072
STEPS = 50  # that the mean of the weights reaches back


class Table(NamedTuple):
    """Float32 [n, d] features and float32 [n] labels; beside the features, recordings as stored."""

    features: Tensor
    labels: Tensor
    arrays: Arrays | None = None

    @property
    def inputs(self) -> Inputs:
        """Whole rows as they are stored."""
        return Inputs(self.features.numpy(), self.arrays)


def backward(network: nn.Module, features: Tensor, labels: Tensor, loss: Loss) -> None:
    """Adds the gradient of a batch's loss to the network's."""
    torch.autograd.backward(loss(network(features), labels))


class Passes(NamedTuple):
    """What gives a batch's gradient, how many rows are measured and drawn, what sets the rates."""

    backward: Callable[[nn.Module, Tensor, Tensor, Loss], None] = backward
    curve: int = CURVE_ROWS
    rates: Callable[[nn.Module, torch.optim.Optimizer], None] = lambda network, optimizer: None
    drawn: int = ROWS_PER_EPOCH


WHOLE = Passes()


def fit(
    network: nn.Module,
    train: Table,
    validation: Table | None,
    loss: Loss,
    settings: config.Training,
    seed: int,
    record: EpochRecorder,
    epochs: int = 0,
    curves: bool = True,
    passes: Passes = WHOLE,
) -> None:
    """Trains until the validation loss stops improving, and restores the best weights.

    Without validation rows it trains for `epochs` and keeps the last weights. What is assessed and
    kept is a running mean of the weights: after one step more or less it is nearly the same, so
    that the best epoch of one sample is a good one for another (Polyak and Juditsky 1992).

    Two calls with one seed give the same weights on one machine, whatever ran before, and leave
    torch's random state as it was.

    Args:
        network: changed in place; left in eval mode.
        train: the rows to learn from.
        validation: the rows to stop by, after `patience` epochs without a better loss, or None.
        loss: from logits and labels to a number.
        settings: of the training.
        seed: of the order of the rows, and of dropout.
        record: gets the loss and AUROC of both parts, and the gradient's norm, after each epoch.
        epochs: how many, where there are no rows to stop by.
        curves: whether the rows to learn from are measured too.
        passes: how rows reach the network; recordings have their own.

    Raises:
        UserError: the loss stops being finite, or a batch would hold a single row.
    """
    size = batch_size(settings, len(train.labels))
    with seeded(seed):
        optimizer, averaged = adamw(network, settings), RunningMean(network)
        passes.rates(network, optimizer)
        best, best_epoch, best_weights = np.inf, 0, deepcopy(network.state_dict())
        rows = torch.from_numpy(curve_rows(train.labels.numpy(), passes.curve))
        arrays = train.arrays and train.arrays.take(rows.numpy())
        curve = Table(train.features[rows], train.labels[rows], arrays)
        network.train()
        most = settings.epochs if validation else epochs
        numbers = range(1, most + 1)
        for epoch in tqdm(numbers, desc="network", unit="epoch", disable=None, leave=False):
            limit = settings.clip_norm
            norm = train_epoch(network, train, loss, optimizer, size, limit, averaged, passes)
            _refuse_divergence(norm, epoch, settings)
            if validation is None:
                continue
            values = assess(averaged.network, validation, loss, "validation")
            if curves:
                values |= assess(averaged.network, curve, loss, "train")
            record(epoch, {**values, "gradient_norm": norm})
            if values["validation_loss"] < best:
                best, best_epoch = values["validation_loss"], epoch
                best_weights = deepcopy(averaged.network.state_dict())
            elif epoch - best_epoch >= settings.patience:
                break
        network.load_state_dict(best_weights if validation else averaged.network.state_dict())
        network.eval()


class RunningMean:
    """A copy of a network whose weights are a mean of those after the last STEPS steps or so.

    A weight w steps back counts in proportion to (1 - 1 / STEPS)^w; at the start the mean is over
    the steps taken.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network, self._steps = deepcopy(network).eval(), 0
        self._means, self._now = _numbers(self.network), _numbers(network)

    @torch.no_grad()
    def update(self) -> None:
        """Takes the network's present weights and buffers into the mean."""
        self._steps += 1
        torch._foreach_lerp_(self._means, self._now, max(1 / self._steps, 1 / STEPS))


def _numbers(network: nn.Module) -> list[Tensor]:
    """Its weights and buffers that are no counts, in place."""
    return [value for value in network.state_dict().values() if value.is_floating_point()]


def train_epoch(
    network: nn.Module,
    rows: Table,
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    size: int,
    clip_norm: float,
    averaged: RunningMean,
    passes: Passes = WHOLE,
) -> float:
    """One pass over the rows in a fresh order; the mean norm of the gradient before clipping."""
    norms = []
    for features, labels in batches(rows, size, passes.drawn):
        optimizer.zero_grad()
        passes.backward(network, features, labels, loss)
        norms.append(clip_gradients(optimizer, clip_norm))
        optimizer.step()
        averaged.update()
    return float(torch.stack(norms).mean())


def clip_gradients(optimizer: torch.optim.Optimizer, limit: float) -> Tensor:
    """Scales the gradients down to a joint norm of `limit`; gives the norm before.

    As torch's `clip_grad_norm_`, which divides by the norm + 1e-6 and so clips a little more.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = nn.utils.get_total_norm(gradients)
    # no look at the number, for which a GPU would have to stop
    torch._foreach_mul_(gradients, (limit / norm).clamp(max=1.0))
    return norm


def batches(rows: Table, size: int, drawn: int = ROWS_PER_EPOCH) -> Iterator[tuple[Tensor, Tensor]]:
    """At most `drawn` rows in a fresh order, in nearly equal batches of `size` or a little more.

    No row is dropped and none is left alone at the end, where batch norm could not tell it from its
    own mean.
    """
    order = torch.randperm(len(rows.labels))[:drawn]
    count = max(1, len(order) // size)
    if rows.arrays is not None:
        parts = order.tensor_split(count)
        return ((torch.from_numpy(rows.inputs[p.numpy()]), rows.labels[p]) for p in parts)
    return zip(
        rows.features[order].tensor_split(count),
        rows.labels[order].tensor_split(count),
        strict=True,
    )


def adamw(network: nn.Module, settings: config.Training) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019), with decay on what multiplies and not on what shifts.

    Weight matrices decay; biases, norms and the scaling vectors of members do not.
    """
    named = {name: p for name, p in network.named_parameters() if p.requires_grad}
    exempt = {name for name, p in named.items() if p.ndim < 2 or name.endswith(("bias", "scale"))}
    groups: list[dict[str, object]] = [
        {"params": [p for name, p in named.items() if name not in exempt]},
        {"params": [named[name] for name in named if name in exempt], "weight_decay": 0.0},
    ]
    rate, decay = settings.learning_rate, settings.weight_decay
    return torch.optim.AdamW(groups, lr=rate, weight_decay=decay, fused=True)


def table(features: Features, labels: Outcome, arrays: Arrays | None = None) -> Table:
    """Arrays as tensors, but for those of recordings."""
    return Table(torch.from_numpy(features), torch.from_numpy(labels.astype(np.float32)), arrays)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Torch on so many threads, until the block ends."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Random numbers of torch from this seed, until the block ends; afterwards as before it."""
    used = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices=used):
        torch.manual_seed(seed)
        yield


def assess(network: nn.Module, rows: Table, loss: Loss, part: str) -> dict[str, float]:
    """Loss and AUROC of the rows, named after their part."""
    logits = torch.cat([score(network, torch.from_numpy(p)) for p in rows.inputs.pieces()])
    value = float(loss(logits, rows.labels.double()))
    return {f"{part}_loss": value, f"{part}_auroc": auroc(rows.labels.numpy(), logits.numpy())}


def _refuse_divergence(norm: float, epoch: int, settings: config.Training) -> None:
    if not np.isfinite(norm):
        raise UserError(
            f"training: the loss is no longer finite in epoch {epoch}; lower "
            f"training.learning_rate (now {settings.learning_rate:g}) or "
            f"training.clip_norm (now {settings.clip_norm:g})"
        )
