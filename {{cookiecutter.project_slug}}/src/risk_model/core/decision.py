"""What a clinician would decide with the risk: the harms, and the thresholds at which they act."""

from __future__ import annotations

from dataclasses import dataclass

from risk_model.core.errors import UserError


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


def check_decision(decision: Decision) -> None:
    """Refuses a decision that makes no sense.

    Raises:
        UserError: the harm ratio is negative, the thresholds do not ascend between 0 and 1, or a
            range is stated without its clinical reason.
    """
    if not 0 <= decision.harm_ratio < float("inf"):
        raise UserError("data.decision.harm_ratio: must be above 0, or 0 when it is not known")
    if not decision.threshold_low and not decision.threshold_high:
        return
    if not 0 < decision.threshold_low < decision.threshold_high < 1:
        raise UserError(
            "data.decision: threshold_low and threshold_high must ascend between 0 and 1"
        )
    if not decision.reason.strip():
        raise UserError(
            "data.decision.reason: state why a clinician would act between these thresholds"
        )
