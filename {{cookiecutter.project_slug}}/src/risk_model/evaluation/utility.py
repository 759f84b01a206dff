"""What does a clinic gain by acting on the risk? The threshold, the net benefit, and the counts per
1,000 patients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from risk_model.core.errors import UserError
from risk_model.core.findings import Finding

if TYPE_CHECKING:
    from risk_model.core.decision import Decision
    from risk_model.evaluation.metrics import Floats

CURVE_POINTS = 41


def operating_threshold(decision: Decision, prevalence: float) -> tuple[float, str]:
    """The risk at or above which a patient is flagged, and the sentence that says why.

    1 / (1 + harm_ratio): acting is worth it where the expected harm of a miss outweighs that of a
    false alert (Pauker and Kassirer 1975; Vickers and Elkin 2006). Without a stated harm ratio the
    event rate stands in. UserError when the harm ratio is negative, or when it is not stated and
    the event rate is 0 or 1.
    """
    if not 0 <= decision.harm_ratio < float("inf"):
        raise UserError("data.decision.harm_ratio: must be above 0, or 0 when it is not known")
    if decision.harm_ratio:
        threshold = 1 / (1 + decision.harm_ratio)
        return threshold, (
            f"A missed patient is held to be as bad as {decision.harm_ratio:g} false alerts, so "
            "patients at a risk of "
            f"{threshold:.1%} or more are flagged"
            + (f": {decision.reason}." if decision.reason else ".")
        )
    if not 0 < prevalence < 1:
        raise UserError(
            "data.decision.harm_ratio: not stated, and there are no events (or only events) to "
            "replace it"
        )
    return prevalence, (
        f"No harm ratio is stated, so the event rate of {prevalence:.1%} stands in as the "
        "threshold; "
        "state data.decision.harm_ratio before anyone acts on the flags."
    )


def curve_thresholds(decision: Decision) -> Floats:
    """The stated thresholds, ascending, or none; UserError unless 0 < low < high < 1, or without a
    clinical reason.
    """
    if not decision.threshold_low and not decision.threshold_high:
        return np.empty(0)
    if not 0 < decision.threshold_low < decision.threshold_high < 1:
        raise UserError(
            "data.decision: threshold_low and threshold_high must ascend between 0 and 1"
        )
    if not decision.reason.strip():
        raise UserError(
            "data.decision.reason: state why a clinician would act between these thresholds"
        )
    return np.linspace(decision.threshold_low, decision.threshold_high, CURVE_POINTS)


def findings(decision: Decision) -> list[Finding]:
    """A warning where nobody stated the range of thresholds within which a clinician would act."""
    told = "no range of thresholds is stated, so no net benefit is reported"
    remedy = (
        "state data.decision.threshold_low, threshold_high and reason, after talking to those "
        "who will act"
    )
    stated = decision.threshold_low or decision.threshold_high
    return [] if stated else [Finding("warning", "decision", "data.decision", told, remedy)]


def per_1000(prevalence: float, sensitivity: float, alert_rate: float) -> dict[str, int]:
    """What happens to 1,000 patients at the operating threshold: whole numbers that add up to
    1,000.

    >>> per_1000(prevalence=0.1, sensitivity=0.8, alert_rate=0.3)
    {'found': 80, 'missed': 20, 'false_alerts': 220, 'left_alone': 680}
    """
    events = round(1000 * prevalence)
    found = min(round(1000 * prevalence * sensitivity), events) if events else 0
    false_alerts = min(max(round(1000 * alert_rate) - found, 0), 1000 - events)
    left_alone = 1000 - events - false_alerts
    return {
        "found": found,
        "missed": events - found,
        "false_alerts": false_alerts,
        "left_alone": left_alone,
    }


def in_words(counts: dict[str, int], threshold: float) -> str:
    """The counts of `per_1000` as a sentence for a clinician."""
    return (
        f"Of 1,000 patients like these, {counts['found'] + counts['missed']} have the event. "
        "Flagging a risk of "
        f"{threshold:.0%} or more finds {counts['found']} of them and misses {counts['missed']}; "
        f"{counts['false_alerts']} patients are flagged for nothing and {counts['left_alone']} are "
        "rightly left alone."
    )
