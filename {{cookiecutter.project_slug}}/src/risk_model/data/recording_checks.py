"""Checks of recordings: what is measured on one may be strong, and what each model sees of it.

What this project measures on a recording itself, such as the sharpness of an image, is known as
soon as the recording is: no name and no value makes it later. It is an error only where it tells
the classes apart as nothing honest does; else the question is whether both classes were recorded
alike, for the device is the commonest shortcut (Zech et al., PLoS Medicine 2018;15:e1002683).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from risk_model.core.schema import RECORDINGS, Schema
from risk_model.data.leak_signs import (
    COPIES,
    LEGITIMATE,
    PERFECT,
    SHORTCUT,
    STRONG,
    SURELY,
    SUSPECT,
    Sign,
)

ALIKE = "are both classes from the same devices and places?"
# No setting hides from a network what can be measured on the recording that it sees
REMEDY = "look at recordings of both classes, and at what each was recorded with"


def recording_signs(phi: float, auroc: float, lowest: float, share: str) -> Iterator[Sign]:
    """The signs of what was measured on recordings, the strongest first.

    Args:
        phi: The highest absolute correlation of one value's presence with the outcome.
        auroc: Of the column alone.
        lowest: A lower bound of it.
        share: The AUROC in words.
    """
    if phi >= COPIES:
        yield "error", SHORTCUT, f"one of its values tells the outcome, {share}; {ALIKE}"
    if auroc >= PERFECT and lowest >= SURELY:
        yield "error", SHORTCUT, f"{share}; {ALIKE}"
    if auroc >= SUSPECT and lowest >= LEGITIMATE:
        yield "warning", STRONG, f"{share}; {ALIKE}"


def beside_regression(schema: Schema) -> list[str]:
    """What the models that are no regression see; empty where there is no signal."""
    if (signal := schema.signal) is None:
        return []
    array, name = math.prod(signal.shape), RECORDINGS[signal.kind]
    return [
        f"XGBoost sees the same {schema.simple:,} columns, a network {array:,} values of each of "
        f"the {name}: there is no such criterion for them, and both need more (van der Ploeg 2014)."
    ]
