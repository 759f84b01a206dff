"""Losses on logits, with an eye on what they are given.

Which mistake costs how much? Unweighted cross-entropy rewards calibrated probabilities.
`pos_weight` and focal loss give them up for attention to rare events, so a calibrator always
follows. Both baselines know `pos_weight`; focal loss is for the network only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from risk_model import config

Loss = Callable[[Tensor, Tensor], Tensor]

ACTIVATIONS = {"Sigmoid", "Softmax", "LogSoftmax", "LogSigmoid", "Hardsigmoid", "Tanh"}
# autograd's names of operations that reshape, pick, average or clip: a probability stays one
PASSED_THROUGH = set(
    "View UnsafeView ReshapeAlias AsStrided Squeeze Unsqueeze Expand Repeat Transpose Permute T "
    "Flip Roll Stack Cat Split SplitWithSizes UnsafeSplit Unbind Select Slice Index IndexSelect "
    "Gather MaskedSelect Mean Clamp ClampMin ClampMax Clone Alias ToCopy".split()
)


def choose_loss(settings: config.Training, pos_weight: float = 1.0) -> Loss:
    """The loss that the settings name: one of `LOSSES`; fit.py refuses any other."""
    losses: dict[str, Loss] = {
        "bce": cross_entropy,
        "pos_weight": partial(cross_entropy, pos_weight=pos_weight),
        "focal": partial(focal, gamma=settings.focal_gamma),
    }
    return losses[settings.loss]


def cross_entropy(logits: Tensor, labels: Tensor, pos_weight: float = 1.0) -> Tensor:
    """Mean binary cross-entropy, in which events count `pos_weight` times.

    Logits are [n] or [n, members], labels float [n].
    """
    refuse_activation(logits)
    weight = None if pos_weight == 1.0 else logits.new_tensor(pos_weight)
    targets = _for_each_member(labels, logits)
    return binary_cross_entropy_with_logits(logits, targets, pos_weight=weight)


def focal(logits: Tensor, labels: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss: mean of -(1 - p)^gamma log p, p being the probability of what happened.

    Rows already predicted well count less (Lin et al. 2017, without alpha). Shapes and the refusal
    of what is no logit as in cross_entropy; with gamma 0 it is the cross-entropy. For any gamma
    from 0 on and any finite logits, 1,000 or 0 too, loss and gradient are finite, the loss right.
    """
    refuse_activation(logits)
    targets = _for_each_member(labels, logits)
    surprise = binary_cross_entropy_with_logits(logits, targets, reduction="none")
    # at 0 the power's gradient is infinite for gamma < 1
    missed = (-torch.expm1(-surprise)).clamp_min(1e-12)
    return (missed**gamma * surprise).mean()


def refuse_activation(logits: Tensor) -> None:
    """Raises ValueError when what reaches the loss was made by a sigmoid or the like.

    How the tensor was computed is looked at, past PASSED_THROUGH, so small logits are never
    mistaken for probabilities. Where no gradients are recorded there is nothing to look at.
    """
    step: Any = logits.grad_fn
    while step is not None and (name := _operation(step)) not in ACTIVATIONS:
        step = step.next_functions[0][0] if name in PASSED_THROUGH and step.next_functions else None
    if step is not None:
        raise ValueError(
            f"the loss applies its own sigmoid and was given the output of a {name}; give it the "
            "logits"
        )


def _operation(step: Any) -> str:
    """The operation that made a tensor, by autograd's name for it."""
    return str(step.name()).lstrip("_").split("Backward")[0]


def _for_each_member(labels: Tensor, logits: Tensor) -> Tensor:
    return labels if labels.shape == logits.shape else labels[:, None].expand_as(logits)
