"""What a clinician would decide with the risk: the harms, and the thresholds at which they act."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Decision:
    """What the risk is used for. The operating threshold is 1 / (1 + harm_ratio).

    Net benefit is reported between `threshold_low` and `threshold_high`, the range in which a
    clinician would act; 0 means not stated, and then no net benefit is reported. Vickers and Elkin,
    Med Decis Making 2006.
    """

    # harm of a missed patient / harm of a false alert; 0: not stated, the event rate stands in
    harm_ratio: float = 0.0
    threshold_low: float = 0.0
    threshold_high: float = 0.0
    reason: str = ""  # why a clinician would act within that range: stated together with it
