"""How a batch of recordings passes a network: in pieces that fit into memory, on its device.

How are large images learnt from with little memory? The gradient of a batch is the sum of its
pieces' gradients, but for batch norm that learns: it needs the batch whole, which is then smaller.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from tqdm import tqdm

from risk_model import config
from risk_model.core.optional import required_module
from risk_model.model import FEW_ROWS, FitInputs, NetworkTraining
from risk_model.model.cost import KEPT_WHOLE, cost, learnt_at_once, scored_at_once
from risk_model.training import loop
from risk_model.training.batches import batch_size
from risk_model.training.device import chosen, described, moved, reproducible
from risk_model.training.loss import Loss
from risk_model.training.schedule import drawn, planned_steps, set_rates, steps

Tables = tuple[loop.Table, loop.Table | None]  # rows to learn from, rows to stop by
LEAST = 16  # rows that a batch norm learns from at once, whatever they need


@dataclass(frozen=True)
class Pieces:
    """Gradients of a batch, summed over pieces of at most `rows` rows; on a device.

    With `amp` the forward pass is in bfloat16 where torch holds that to be safe; the loss is in
    float32.
    """

    device: torch.device
    rows: int
    amp: bool = False

    def backward(self, network: nn.Module, features: Tensor, labels: Tensor, loss: Loss) -> None:
        """Adds the gradient of the batch's mean loss to the network's."""
        n = len(labels)
        count = -(-n // self.rows)
        parts = features.tensor_split(count), labels.tensor_split(count)
        for rows, truth in zip(*parts, strict=True):
            rough = torch.autocast(self.device.type, torch.bfloat16) if self.amp else nullcontext()
            with rough:
                logits = network(moved(rows, self.device))
            value = loss(logits.float(), moved(truth, self.device))
            torch.autograd.backward(value if count == 1 else value * (len(truth) / n))


def learns_batch_norm(network: nn.Module) -> bool:
    """Whether a batch norm takes its mean and deviation from the rows that it is given."""
    network.train()
    return any(isinstance(part, _BatchNorm) and part.training for part in network.modules())


@contextmanager
def prepared(
    network: nn.Module, tables: Tables, inputs: FitInputs
) -> Iterator[tuple[nn.Module, Tables, config.Training, loop.Passes, NetworkTraining]]:
    """Puts the network where it is trained, and back on the CPU when the block ends.

    Yields:
        The module that learns and its rows, which are others where blocks of the network are
        frozen; the settings, with the size of a batch; how a batch passes; and what is recorded of
        that.
    """
    settings, n = inputs.settings.training, len(tables[0].labels)
    device, asked = chosen(settings.device), batch_size(settings, n)
    kept, alive = cost(network, inputs.schema.width)
    at_once, piece, batch = scored_at_once(alive), learnt_at_once(kept), asked
    rows, piece = piece, min(piece, batch)
    if learns_batch_norm(network):
        batch = piece = min(asked, max(learnt_at_once(kept, KEPT_WHOLE), LEAST))
        rows = 2 * batch  # what the last rows make larger stays whole too
    network.rows_at_once = at_once  # type: ignore[assignment]
    trained = NetworkTraining(described(device), settings.amp, asked, batch, piece, at_once)
    seen = drawn(inputs, n)
    each, most = steps(seen, batch), settings.epochs if tables[1] else inputs.rounds
    bar = tqdm(total=most * each, desc="steps", unit="step", disable=None, leave=False)
    with reproducible(device), bar:
        planned = 0 if getattr(network, "one_rate", False) else planned_steps(inputs, batch)
        rates = partial(set_rates, planned=planned, passed=bar.update)
        passes = loop.Passes(Pieces(device, rows, settings.amp).backward, FEW_ROWS, rates, seen)
        last = getattr(network, "channels_last", False)
        form = torch.channels_last if last else torch.contiguous_format
        network.to(device, memory_format=form)  # type: ignore[call-overload]
        learnt = nullcontext((network, tables))
        if getattr(network, "frozen", 0):
            learnt = required_module("training.frozen_blocks").stored(network, *tables)
        with learnt as (learner, own):
            yield learner, own, replace(settings, batch_size=batch), passes, trained
        network.to("cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]
