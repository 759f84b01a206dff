"""A recurrent network over the hours before the moment, for a page with a sequence.

What was measured when? Each step has a value, whether it was measured, and how long ago it last
was: what a nurse does not measure says something too (Che et al., Sci Rep 2018;8:6085). Missing
values are filled in the exported graph. What has no step, such as an age, joins the last state.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from risk_model.config.events import Gru
from risk_model.core.errors import UserError
from risk_model.core.inputs import Inputs
from risk_model.core.schema import Features, Schema
from risk_model.signals.event_plan import grid_plan
from risk_model.signals.event_schema import measurement_of_column, page_of

FURTHEST = 5.0  # standard deviations: what lies beyond is as far
CELLS = {"gru": nn.GRU, "lstm": nn.LSTM}


class Standardised(nn.Module):
    """Rows [n, columns] in standard deviations of the training rows; 0 where missing."""

    def __init__(self, values: Features) -> None:
        super().__init__()
        seen = ~np.isnan(values)
        count = np.maximum(seen.sum(axis=0), 1)
        filled = np.where(seen, values, 0.0).astype(np.float64)
        mean = filled.sum(axis=0) / count
        spread = np.sqrt(np.where(seen, (filled - mean) ** 2, 0.0).sum(axis=0) / count)
        # what never varied says nothing, wherever it does vary
        scale = np.where(spread > 0, 1 / np.where(spread > 0, spread, 1.0), 0.0)
        self.register_buffer("mean", torch.from_numpy(mean.astype(np.float32)))
        self.register_buffer("scale", torch.from_numpy(scale.astype(np.float32)))
        self.mean: Tensor
        self.scale: Tensor

    def forward(self, rows: Tensor) -> Tensor:
        """Standardised values."""
        scaled = ((rows - self.mean) * self.scale).clamp(-FURTHEST, FURTHEST)
        return torch.where(torch.isnan(rows), torch.zeros_like(rows), scaled)


class Steps(nn.Module):
    """Cells [n, fields, steps] with NaN to [n, steps, 3 x fields] of those seen in training.

    The last value that was measured, whether it was in this step, and the logarithm of the steps
    since; a field never measured so far is 0, 0 and as long as the grid.
    """

    def __init__(self, cells: Features) -> None:
        super().__init__()
        kept = np.flatnonzero(~np.isnan(cells).all(axis=(0, 2)))
        self.register_buffer("kept", torch.from_numpy(kept))
        self.kept: Tensor
        self.length, self.fields = cells.shape[2], len(kept)
        by_field = np.moveaxis(cells[:, kept], 1, 2).reshape(-1, len(kept))
        self.standardised = Standardised(by_field)

    def forward(self, cells: Tensor) -> Tensor:
        """What the network sees of each step."""
        cells = cells.index_select(1, self.kept)
        seen = (~torch.isnan(cells)).to(cells.dtype)
        value = self.standardised(cells.transpose(1, 2)).transpose(1, 2)
        step = torch.arange(1, self.length + 1, dtype=cells.dtype)
        # the latest step so far that was measured, from 1; 0 before the first
        padded = functional.pad(step * seen, (self.length - 1, 0))
        last = functional.max_pool1d(padded, self.length, 1)
        held = torch.gather(value, 2, (last - 1).clamp(min=0).long())
        held = torch.where(last > 0, held, torch.zeros_like(held))
        since = torch.log1p(step - last) / 4
        return torch.cat([held, seen, since], dim=1).transpose(1, 2)


class Network(nn.Module):
    """Rows [n, d] to logits [n]: the last state of a recurrent layer, beside what has no steps."""

    def __init__(
        self, features: Features, prevalence: float, settings: Gru, schema: Schema
    ) -> None:
        super().__init__()
        spec = page_of(schema.spec).spec
        plan, of_column = grid_plan(spec), measurement_of_column(spec)
        self.cells = schema.cells
        self.shape = len(plan.sources), self.cells // len(plan.sources)
        grid = features[:, -self.cells :].reshape(-1, *self.shape)
        self.steps = Steps(grid)
        names = [each.name for each in spec.measured]
        stepped = [names.index(plan.names[i]) for i in self.steps.kept.tolist()]
        beside = np.flatnonzero(~np.isin(of_column, stepped))
        self.register_buffer("beside", torch.from_numpy(beside))
        self.beside: Tensor
        self.standardised = Standardised(features[:, beside])
        self.recurrent = CELLS[settings.cell](
            3 * self.steps.fields, settings.width, batch_first=True
        )
        self.dropout = nn.Dropout(settings.dropout)
        self.mixed = nn.Linear(settings.width + len(beside), settings.width)
        self.head = nn.Linear(settings.width, 1)
        nn.init.constant_(self.head.bias, float(torch.logit(torch.tensor(prevalence))))
        nn.init.normal_(self.head.weight, std=0.01)

    def forward(self, rows: Tensor) -> Tensor:
        """Logits."""
        steps = self.steps(rows[:, -self.cells :].reshape(-1, *self.shape))
        # given, so that a graph takes any number of rows
        start = steps.new_zeros(1, steps.shape[0], self.recurrent.hidden_size)
        both = isinstance(self.recurrent, nn.LSTM)
        states, _ = self.recurrent(steps, (start, start) if both else start)
        beside = self.standardised(rows.index_select(1, self.beside))
        state = self.dropout(torch.cat([states[:, -1], beside], dim=1))
        logits: Tensor = self.head(torch.relu(self.mixed(state))).flatten()
        return logits


def build(features: Features | Inputs, prevalence: float, settings: Gru, schema: Schema) -> Network:
    """The network for float32[n, d] training rows.

    UserError where the page has no sequence, nothing was measured in it, or the cell is unknown.
    """
    if not schema.cells:
        raise UserError(
            "model/network=gru reads the hours before the moment; add sequence to the page of "
            "data=events, or leave it out"
        )
    if settings.cell not in CELLS:
        raise UserError(f"model.network.cell={settings.cell}: use {' or '.join(CELLS)}")
    rows = features[:]
    if np.isnan(rows[:, -schema.cells :]).all():
        raise UserError("sequence: no training row has a measurement in it; make it longer")
    return Network(rows, prevalence, settings, schema)
