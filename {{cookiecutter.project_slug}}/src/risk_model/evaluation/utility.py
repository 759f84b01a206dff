"""Clinical utility: the threshold, its range, and the counts per 1,000 patients.

What does a clinic gain by acting on the risk?
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from risk_model.core.decision import check_decision
from risk_model.core.errors import UserError
from risk_model.core.estimate import Estimate
from risk_model.core.findings import Finding
from risk_model.evaluation.intervals import rate_interval
from risk_model.evaluation.results import OutcomesPer1000

if TYPE_CHECKING:
    from risk_model.core.decision import Decision
    from risk_model.core.scores import Floats
    from risk_model.evaluation.metric_table import ThresholdCounts

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
            f"patients at a risk of {per_cent(threshold)} or more are flagged"
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


def per_1000(counts: ThresholdCounts) -> OutcomesPer1000:
    """What happens to 1,000 patients at the operating threshold, from the counts by subject.

    Whole numbers that add up to 1,000, each with the interval of its share of all rows.
    """
    rows = counts.rows.sum()
    events, flagged, hits = (
        round(1000 * float(held.sum() / rows))
        for held in (counts.events, counts.flagged, counts.true_positives)
    )
    hits = min(hits, events)
    false_positives = min(max(flagged - hits, 0), 1000 - events)

    def of_1000(number: int, held: Floats) -> Estimate:
        limits = rate_interval(held, counts.rows).interval
        if limits is None:
            return Estimate(float(number))
        low, high = (float(round(1000 * limit)) for limit in limits)
        return Estimate(float(number), min(low, number), max(high, number))

    return OutcomesPer1000(
        true_positives=of_1000(hits, counts.true_positives),
        false_negatives=of_1000(events - hits, counts.events - counts.true_positives),
        false_positives=of_1000(false_positives, counts.false_positives),
        true_negatives=of_1000(1000 - events - false_positives, counts.true_negatives),
    )


def per_1000_sentence(counts: OutcomesPer1000, threshold: float) -> str:
    """The counts of `per_1000` as a sentence for a clinician.

    Whether the rows are patients or several moments of one is not known here, so neither is named.
    """
    events = (counts.true_positives.estimate or 0) + (counts.false_negatives.estimate or 0)
    hits, misses = _whole(counts.true_positives), _whole(counts.false_negatives)
    false_positives, true_negatives = map(_whole, (counts.false_positives, counts.true_negatives))
    return (
        f"Of 1,000 like these, {events:.0f} have the event. Flagging a risk of "
        f"{per_cent(threshold)} or more finds {hits} of them and misses {misses}; "
        f"{false_positives} are flagged for nothing and {true_negatives} are rightly left alone."
    )


def per_cent(threshold: float) -> str:
    """A threshold in per cent, to three digits: rounded to whole ones it would be another.

    >>> per_cent(0.2), per_cent(1 / 41)
    ('20%', '2.44%')
    """
    return f"{100 * threshold:.3g}%"


def _whole(count: Estimate) -> str:
    if count.interval is None:
        return f"{count.estimate:.0f}"
    low, high = count.interval
    return f"{count.estimate:.0f} ({low:.0f} to {high:.0f})"
