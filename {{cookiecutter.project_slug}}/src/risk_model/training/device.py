"""The device on which a network of recordings is trained; scoring and serving stay on the CPU."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from risk_model.core.errors import UserError

DEVICES = ("auto", "cpu", "cuda", "mps")


def chosen(name: str) -> torch.device:
    """The device of that name; `auto` is a GPU where there is one, else the CPU.

    Raises:
        UserError: there is no such device here, or no such name.
    """
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name not in DEVICES:
        raise UserError(f"training.device={name}: choose one of {', '.join(DEVICES)}")
    if name == "auto":
        name = next(known for known in ("cuda", "mps", "cpu") if there[known])
    if not there[name]:
        raise UserError(
            f"training.device={name}: torch finds none on this machine; leave it out, or install "
            "a driver and a build of torch for it"
        )
    return torch.device(name)


def described(device: torch.device) -> str:
    """The device's name, with the model of a GPU where it is known."""
    return f"cuda: {torch.cuda.get_device_name()}" if device.type == "cuda" else device.type


def moved(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device; to a GPU by pinned memory, while the last rows are computed."""
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


@contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """Until the block ends, the same numbers at every run on one GPU; nothing changes on a CPU.

    What has no such way of computing is warned of by torch.
    """
    if device.type != "cuda":
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA is first used
    strict, cudnn, products = (
        torch.are_deterministic_algorithms_enabled(),
        torch.backends.cudnn.allow_tf32,
        torch.backends.cuda.matmul.allow_tf32,
    )
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(strict, warn_only=warn_only)
        torch.backends.cudnn.allow_tf32 = cudnn
        torch.backends.cuda.matmul.allow_tf32 = products
