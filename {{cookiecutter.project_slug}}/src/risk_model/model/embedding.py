"""The embedding of numbers: how far each reaches into bins between quantiles of the training rows.

How does a network read a number?
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from risk_model.core.schema import Features
from risk_model.model.linear import column_medians


class Bins(nn.Module):
    """How far a value reaches into each bin of its column: 0 below it, 1 above, linear between."""

    def __init__(self, edges: dict[int, Features], bins: int) -> None:
        super().__init__()
        lower, inverse_width = np.zeros((2, len(edges), bins), dtype=np.float32)
        for i, e in enumerate(edges.values()):
            lower[i, : len(e) - 1], inverse_width[i, : len(e) - 1] = e[:-1], 1 / np.diff(e)
        self.column: Tensor
        self.lower: Tensor
        self.inverse_width: Tensor
        self.register_buffer("column", torch.tensor(list(edges), dtype=torch.int64))
        self.register_buffer("lower", torch.from_numpy(lower))
        self.register_buffer("inverse_width", torch.from_numpy(inverse_width))

    def forward(self, features: Tensor) -> Tensor:
        """Features [n, d] without missing values to [n, columns, bins]; unused bins give 0."""
        return ((features[:, self.column, None] - self.lower) * self.inverse_width).clamp(0, 1)


class Statistics(nn.Module):
    """Median and bins of each column of the training rows, in buffers beside the weights.

    Numbers are cut at their quantiles; a column with two values, such as a category's, has one bin;
    a constant column is left out. What lies beyond the range of the training rows counts as its
    end.
    """

    def __init__(self, features: Features, bins: int) -> None:
        super().__init__()
        edges = {i: quantiles(column, bins) for i, column in enumerate(features.T)}
        self.median: Tensor
        self.register_buffer("median", torch.from_numpy(column_medians(features)))
        self.numbers = Bins({i: e for i, e in edges.items() if len(e) > 2}, bins)
        self.flags = Bins({i: e for i, e in edges.items() if len(e) == 2}, 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [n, d] to numbers [n, numbers, bins + 1] and flags [n, flags].

        A missing value stands at the column's median; a missing number is marked after its last bin
        as well.
        """
        missing = features.isnan()
        filled = torch.where(missing, self.median, features)
        marks = missing[:, self.numbers.column, None].to(features.dtype)
        return torch.cat([self.numbers(filled), marks], dim=2), self.flags(filled).flatten(1)


def quantiles(column: Features, bins: int) -> Features:
    """Edges of at most `bins` bins with equally many recorded values each: float32, increasing."""
    recorded = column[~np.isnan(column)]
    if not len(recorded):
        return recorded
    return np.unique(np.quantile(recorded, np.linspace(0, 1, bins + 1)).astype(np.float32))
