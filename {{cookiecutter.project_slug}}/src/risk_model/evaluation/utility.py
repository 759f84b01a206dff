"""Clinical utility: the threshold, its range, and the counts per 1,000 patients.

What does a clinic gain by acting on the risk?
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from risk_model.core.decision import check_decision
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.evaluation.results import OutcomesPer1000

if TYPE_CHECKING:
    from risk_model.core.decision import Decision
    from risk_model.core.scores import Floats

CURVE_POINTS = 41


def operating_threshold(decision: Decision, prevalence: float) -> tuple[float, str]:
    """The risk at or above which a patient is flagged, and the sentence that says why.

    1 / (1 + harm_ratio): acting is worth it where the expected harm of a miss outweighs that of a
    false alert (Pauker and Kassirer 1975; Vickers and Elkin 2006). Without a stated harm ratio the
    event rate stands in.

    Raises:
        UserError: the harm ratio is negative, or not stated while the event rate is 0 or 1.
    """
    check_decision(decision)
    if decision.harm_ratio:
        threshold = 1 / (1 + decision.harm_ratio)
        return threshold, (
            f"A missed patient is held to be as bad as {decision.harm_ratio:g} false alerts, so "
            f"patients at a risk of {threshold:.1%} or more are flagged"
            + (f": {decision.reason}." if decision.reason else ".")
        )
    if not 0 < prevalence < 1:
        raise UserError(
            "data.decision.harm_ratio: not stated, and there are no events (or only events) to "
            "replace it"
        )
    return prevalence, (
        f"No harm ratio is stated, so the event rate of {prevalence:.1%} stands in as the "
        "threshold; state data.decision.harm_ratio before anyone acts on the flags."
    )


def curve_thresholds(decision: Decision) -> Floats:
    """The thresholds of the decision curve, ascending; none where nobody stated a range.

    Raises:
        UserError: not 0 < low < high < 1, or no clinical reason is stated.
    """
    check_decision(decision)
    if not decision.threshold_high:
        return np.empty(0)
    return np.linspace(decision.threshold_low, decision.threshold_high, CURVE_POINTS)


def findings(decision: Decision) -> list[Finding]:
    """A warning where nobody stated the range of thresholds within which a clinician would act."""
    message = "no range of thresholds is stated, so no net benefit is reported"
    remedy = (
        "state data.decision.threshold_low, threshold_high and reason, after talking to those "
        "who will act"
    )
    stated = decision.threshold_low or decision.threshold_high
    return [] if stated else [Finding("warning", "decision", "data.decision", message, remedy)]


def per_1000(prevalence: float, sensitivity: float, alert_rate: float) -> OutcomesPer1000:
    """What happens to 1,000 patients at the operating threshold: whole numbers adding up to 1,000.

    >>> per_1000(prevalence=0.1, sensitivity=0.8, alert_rate=0.3)
    OutcomesPer1000(true_positives=80, false_negatives=20, false_positives=220, true_negatives=680)
    """
    events = round(1000 * prevalence)
    hits = min(round(1000 * prevalence * sensitivity), events) if events else 0
    false_positives = min(max(round(1000 * alert_rate) - hits, 0), 1000 - events)
    return OutcomesPer1000(hits, events - hits, false_positives, 1000 - events - false_positives)


def per_1000_sentence(counts: OutcomesPer1000, threshold: float) -> str:
    """The counts of `per_1000` as a sentence for a clinician."""
    events = counts.true_positives + counts.false_negatives
    return (
        f"Of 1,000 patients like these, {events} have the event. Flagging a risk of "
        f"{threshold:.0%} or more finds {counts.true_positives} of them and misses "
        f"{counts.false_negatives}; {counts.false_positives} patients are flagged for nothing and "
        f"{counts.true_negatives} are rightly left alone."
    )
