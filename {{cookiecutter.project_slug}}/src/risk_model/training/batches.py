"""How many rows a step of the network learns from."""

from __future__ import annotations

from dataclasses import replace

from risk_model import config
from risk_model.core.errors import UserError


def batch_size(settings: config.Training, rows: int) -> int:
    """The size that the settings name, or the one for so many rows; UserError for a single row."""
    size = settings.batch_size or automatic_batch_size(rows)
    if size < 2:
        raise UserError("training.batch_size: batch norm needs at least 2 rows; 0 is automatic")
    return size


def automatic_batch_size(rows: int) -> int:
    """A power of two from 32 to 256 that gives an epoch 16 to 32 steps, where it can."""
    return 1 << min(max(rows.bit_length() - 5, 5), 8)


def same_batches(settings: config.Config, rows: int) -> config.Config:
    """The settings with the batch size of so many rows: larger ones make an epoch fewer steps."""
    size = batch_size(settings.training, rows)
    return replace(settings, training=replace(settings.training, batch_size=size))
