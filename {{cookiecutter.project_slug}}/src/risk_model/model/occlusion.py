"""Occlusion: what a logit loses when one part of a recording is hidden.

Which region of an image, which seconds of a waveform, which words mattered?

Occlusion (Zeiler and Fergus 2014) needs no gradient and no inner activation, so it explains every
model that is served, baselines included, from its graph alone. A contribution is what the logit
loses when the place is hidden; places that say the same thing can each be missed without loss, so
contributions need not add up to the logit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf
from typing import NamedTuple

from risk_model.core.schema import Features, Schema
from risk_model.model import Logits
from risk_model.signals import Part, Recording, reader, rows

# recordings with a part hidden that are read together: the deadline is looked at in between
CHUNK = 8


class Occlusion(NamedTuple):
    """The logit of the whole recording and, of each part, how much of it is lost without it."""

    logit: float
    parts: list[Part]
    contributions: list[float]


def occlude(
    logit_of: Callable[[Features], Logits],
    recording: Recording,
    schema: Schema,
    deadline: float = inf,
) -> Occlusion:
    """Contributions of the parts of one recording to a model's logit.

    Args:
        logit_of: from float32[n, d] rows to float64[n].
        recording: what is explained.
        schema: with the signal that the recording is.
        deadline: in seconds of time.monotonic().

    Raises:
        TimeoutError: the deadline has passed; some parts without the others would mislead.
    """
    if schema.signal is None:
        raise ValueError("this schema has no signal to hide parts of")
    kind, signal = reader(schema.signal), schema.signal
    parts, logits = kind.parts(recording, signal), logit_of(rows([recording], schema)).tolist()
    for start in range(0, len(parts), CHUNK):
        if time.monotonic() > deadline:
            raise TimeoutError("too many parts to hide in the time given")
        hidden = [kind.without(recording, part, signal) for part in parts[start : start + CHUNK]]
        logits += logit_of(rows(hidden, schema)).tolist()
    whole, *without = logits
    return Occlusion(whole, parts, [whole - logit for logit in without])
