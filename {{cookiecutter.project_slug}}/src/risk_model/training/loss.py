"""Which mistake costs how much? Losses on logits, with an eye on what they are given.

Unweighted cross-entropy gives honest probabilities. `pos_weight` and focal loss trade them for
attention to rare events, so a calibrator always follows. Both baselines know `pos_weight`; focal
loss is for the network only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from risk_model import config
from risk_model.core.errors import UserError

if TYPE_CHECKING:
    Node = torch.autograd.graph.Node

Loss = Callable[[Tensor, Tensor], Tensor]

ACTIVATIONS = {"Sigmoid", "Softmax", "LogSoftmax", "LogSigmoid", "Hardsigmoid", "Tanh"}
SHAPING = {
    *(
        "View",
        "ReshapeAlias",
        "Squeeze",
        "Unsqueeze",
        "Select",
        "Slice",
        "Expand",
        "Transpose",
        "Permute",
        "T",
    ),
    *("Mean", "Clamp", "Stack", "Cat", "ToCopy", "Alias", "Split", "Unbind", "Unsafe"),
}


def positive_weight(labels: npt.NDArray[np.int8], settings: config.Training) -> float:
    """Weight of an event: non-events / events of the training rows when the loss is pos_weight,
    otherwise 1.
    """
    if settings.loss != "pos_weight":
        return 1.0
    events = int(labels.sum())
    return (len(labels) - events) / events


def choose_loss(settings: config.Training, pos_weight: float = 1.0) -> Loss:
    """The loss that the settings name; UserError when they name none of bce, pos_weight and
    focal.
    """
    losses: dict[str, Loss] = {
        "bce": cross_entropy,
        "pos_weight": partial(cross_entropy, pos_weight=pos_weight),
        "focal": partial(focal, gamma=settings.focal_gamma),
    }
    if settings.loss not in losses:
        raise UserError(
            f"training.loss: no loss '{settings.loss}'; choose one of {', '.join(losses)}"
        )
    return losses[settings.loss]


def cross_entropy(logits: Tensor, labels: Tensor, pos_weight: float = 1.0) -> Tensor:
    """Mean binary cross-entropy of logits [n] or [n, members] and labels float [n]; events count
    `pos_weight` times.
    """
    refuse_activation(logits)
    weight = None if pos_weight == 1.0 else logits.new_tensor(pos_weight)
    return binary_cross_entropy_with_logits(logits, _beside(labels, logits), pos_weight=weight)


def focal(logits: Tensor, labels: Tensor, gamma: float = 2.0) -> Tensor:
    """Mean of -(1 - p)^gamma log p, p being the probability given to what happened (Lin et al.
    2017, without alpha).

    Rows already predicted well count less. Shapes as in cross_entropy; with gamma 0 it is the
    cross-entropy.
    """
    refuse_activation(logits)
    surprise = binary_cross_entropy_with_logits(logits, _beside(labels, logits), reduction="none")
    missed = (-torch.expm1(-surprise)).clamp_min(
        1e-12
    )  # at 0 the power's gradient is infinite for gamma < 1
    return (missed**gamma * surprise).mean()


def refuse_activation(logits: Tensor) -> None:
    """ValueError when what reaches the loss was made by a sigmoid or the like: the loss applies its
    own.

    Looks at how the tensor was computed, past operations that only change its shape, so it never
    mistakes small logits for probabilities. Where no gradients are recorded there is nothing to
    look at.
    """
    step: Any = logits.grad_fn
    while (
        step is not None
        and (name := step.name().lstrip("_").split("Backward")[0]) not in ACTIVATIONS
    ):
        step = step.next_functions[0][0] if name in SHAPING and step.next_functions else None
    if step is not None:
        raise ValueError(
            f"the loss applies its own sigmoid and was given the output of a {name}; give it the "
            "logits"
        )


def _beside(labels: Tensor, logits: Tensor) -> Tensor:
    return labels if labels.shape == logits.shape else labels[:, None].expand_as(logits)
