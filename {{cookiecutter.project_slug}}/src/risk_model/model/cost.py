"""What a row of a recording costs in a network, and so how many rows are computed together.

The size of a recording does not tell: an image of 28 pixels may be enlarged to 96, and a network
with 32 channels makes 32 numbers of a pixel. One row is passed through and counted.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from risk_model.model.score import evaluating

ROOM = 8 << 20  # floats that may be alive when rows are scored: caches and page faults, 32 MB
# Floats that may be kept for a gradient. With pieces of 128 MB in place of 512 EfficientNet-lite0
# took .45 GB less memory and about a fifth more time; a batch that has to stay whole teaches a
# batch norm worse the smaller it is, and may take 512 MB.
KEPT, KEPT_WHOLE = 32 << 20, 128 << 20
# Files are scored in pieces of 64 recordings: where the step divides that, a row is scored among as
# many others in a run as in a file, and to the same bit.
MOST = 64
LIKE_DATA = 2.0  # in no kind of recording the number for what is missing or padding


def cost(network: nn.Module, width: int) -> tuple[int, int]:
    """Floats that one row of so many columns keeps for its gradient, and that are alive in scoring.

    Kept is what autograd stores besides the weights; alive are the input and output of the module
    where they are largest.
    """
    weights = {_address(value) for value in network.state_dict().values()}
    kept: dict[int, int] = {}
    alive = [width]

    def keep(tensor: Tensor) -> Tensor:
        if _address(tensor) not in weights:
            kept[_address(tensor)] = tensor.untyped_storage().nbytes() // 4
        return tensor

    def count(module: nn.Module, inputs: Any, outputs: Any) -> None:
        alive.append(_floats(inputs) + _floats(outputs))

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    try:
        with (
            evaluating(network),
            torch.enable_grad(),
            torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        ):
            # kept until here: the storage of a tensor that is gone may be given to another
            output = network(torch.full((1, width), LIKE_DATA))
    finally:
        for hook in hooks:
            hook.remove()
    del output
    return sum(kept.values()), max(alive)


def scored_at_once(alive: int) -> int:
    """Rows to score together: a power of two, at most MOST."""
    return 1 << (max(1, min(MOST, ROOM // alive)).bit_length() - 1)


def learnt_at_once(kept: int, room: int = KEPT) -> int:
    """Rows whose gradient is computed together, where so many floats may be kept for it."""
    return max(1, room // max(kept, 1))


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _floats(values: Any) -> int:
    if isinstance(values, Tensor):
        return values.numel()
    return sum(map(_floats, values)) if isinstance(values, tuple | list) else 0
