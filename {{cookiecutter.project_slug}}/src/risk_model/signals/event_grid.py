"""The sequence: the same events on a regular grid before the moment, for a recurrent network.

A cell holds the mean or the last number of its step, NaN where nothing was measured. What was
measured and how many hours ago follow from that: `mask_and_hours`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from risk_model.core.schema import Features
from risk_model.signals.event_plan import grid_plan
from risk_model.signals.event_spec import HOUR, Spec, micros
from risk_model.signals.events_windows import Block, Integers


def grid(spec: Spec, start: Integers, block: Block) -> Features:
    """The grids of n moments: float32[n, fields, steps], the oldest step first.

    A step is (moment - k x every, moment - (k - 1) x every]: what stands at its older end belongs
    to the step before.

    Args:
        spec: with a sequence.
        start: microseconds from the index event to each moment, int64[n].
        block: their events by the fields of `grid_plan`, in order.
    """
    plan = grid_plan(spec)
    assert spec.sequence is not None  # noqa: S101 grid_plan raised
    steps, every = spec.sequence.steps, micros(spec.sequence.every)
    near = block.take(block.ago < steps * every)
    cell = near.field * steps + (steps - 1 - near.ago // every)
    flat = plan.kernel(start, near._replace(field=cell))
    return flat.reshape(len(start), len(plan.sources), steps)


def mask_and_hours(spec: Spec, values: Features) -> tuple[npt.NDArray[np.bool_], Features]:
    """Which cells of float32[..., steps] were measured, and hours since the last one that was.

    NaN before the first measurement; 0 in a step with one.
    """
    assert spec.sequence is not None  # noqa: S101 there is a grid
    seen = ~np.isnan(values)
    step = np.arange(1, values.shape[-1] + 1)
    last = np.maximum.accumulate(np.where(seen, step, 0), axis=-1)
    hours = (step - last) * (micros(spec.sequence.every) / HOUR)
    return seen, np.where(last > 0, hours, np.nan).astype(np.float32)
