"""The gate: is a model good enough, not good enough, or can these data not tell?

Four verdicts on each part, from intervals and stated bounds; the worst of all parts is the model's.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from risk_model.core.estimate import Estimate
from risk_model.core.findings import Finding, Severity
from risk_model.core.package import Verdict, worst
from risk_model.evaluation.metric_table import label
from risk_model.evaluation.results import GateVerdict, PartEvaluation, RequiredRows

if TYPE_CHECKING:
    from risk_model.config import Evaluation

PASS: Verdict = "pass"  # noqa: S105 - a verdict, not a password
FAIL: Verdict = "fail"
CANNOT_TELL: Verdict = "cannot tell"
TOO_FEW: Verdict = "too few to judge"
Bounds = tuple[float | None, float | None]

REMEDIES: dict[Verdict, tuple[Severity, str]] = {
    FAIL: ("warning", "do not use it there; recalibrate on local patients first"),
    CANNOT_TELL: ("note", "an interval holds a bound: it may be kept to or not"),
    TOO_FEW: ("note", "collect more"),
}
# What a sample size is computed for, by the names of `required_rows`.
REQUIREMENTS = {
    "auroc": label("auroc"),
    "slope": label("slope"),
    "ratio": "observed / expected events",
    "net_benefit": label("standardised_net_benefit"),
}


def bounds(settings: Evaluation, metrics: Collection[str]) -> dict[str, Bounds]:
    """What each gated metric of those that are reported must lie between; None for no bound."""
    limits: dict[str, Bounds] = {
        "auroc": (settings.minimum_auroc, None),
        "slope": (settings.slope_low, settings.slope_high),
        "citl": (-settings.intercept_bound, settings.intercept_bound),
        "net_benefit_gain": (0.0, None),
    }
    return {name: limit for name, limit in limits.items() if name in metrics}


def within(estimate: Estimate, limits: Bounds) -> Verdict:
    """Pass when the whole interval lies between the limits, fail when all of it lies outside.

    It cannot be told when the interval holds a limit; too few to judge when there is no interval.

    >>> within(Estimate(0.71, 0.65, 0.77), (0.6, None))
    'pass'
    """
    low = -math.inf if limits[0] is None else limits[0]
    high = math.inf if limits[1] is None else limits[1]
    if estimate.low is None or estimate.high is None:
        return TOO_FEW
    if low < estimate.low and estimate.high < high:
        return PASS
    return FAIL if estimate.high <= low or high <= estimate.low else CANNOT_TELL


def verdicts(part: PartEvaluation, settings: Evaluation) -> dict[str, GateVerdict]:
    """The verdict on each model in one part."""
    counts = part.events, part.n - part.events
    return {
        name: verdict(model.metrics, *counts, settings, model.required_rows)
        for name, model in part.models.items()
    }


def verdict(
    metrics: Mapping[str, Estimate],
    events: int,
    non_events: int,
    settings: Evaluation,
    required: Sequence[RequiredRows] = (),
) -> GateVerdict:
    """The verdict on one model in one part, and a sentence for each reason that is not a pass.

    With fewer rows than a criterion requires nothing passes, and an interval that holds a bound is
    one of too few rows.
    """
    if min(events, non_events) < settings.minimum_events:
        reason = (
            f"{events} events and {non_events} non-events; {settings.minimum_events} of each are "
            "the least"
        )
        return GateVerdict(TOO_FEW, [reason])
    limits = bounds(settings, metrics)
    by_metric = {name: within(metrics[name], limits[name]) for name in limits}
    reasons = [
        _reason(name, metrics[name], outcome, limits[name])
        for name, outcome in by_metric.items()
        if outcome != PASS
    ]
    short = [f"{REQUIREMENTS[row.metric]} {row.rows:,}" for row in required if not row.enough]
    if short:
        reasons.append(
            f"{events + non_events:,} rows are too few for intervals as narrow as asked: "
            f"{', '.join(short)}"
        )
    outcomes = set(by_metric.values())
    if short:
        outcomes = outcomes - {CANNOT_TELL} | {TOO_FEW}
    return GateVerdict(worst(outcomes), reasons)


def _reason(name: str, estimate: Estimate, outcome: Verdict, limits: Bounds) -> str:
    low, high = limits
    wanted = f"above {low:g}" if high is None else f"between {low:g} and {high:g}"
    state = "is not" if outcome == FAIL else "is not surely"
    values = (estimate.estimate, estimate.low, estimate.high)
    numbers = [math.nan if value is None else value for value in values]
    digits = 3 if name == "net_benefit_gain" else 2  # at two an end below 0 would read as 0
    text = "{:.{d}f} ({:.{d}f} to {:.{d}f})".format(*numbers, d=digits)
    return f"{label(name)} " + f"{text} {state} {wanted}".replace("-", "−")


def findings(part: str, models: Mapping[str, GateVerdict]) -> list[Finding]:
    """One finding for each verdict but pass that a part holds, with the models it is true of."""
    raised = []
    for outcome in REMEDIES:
        names = [name for name, verdict in models.items() if verdict.verdict == outcome]
        if names:
            reasons = "; ".join(models[names[0]].reasons)
            which = "the first: " if names[1:] else ""
            message = f"{outcome} for {', '.join(names).replace('_', ' ')} ({which}{reasons})"
            severity, remedy = REMEDIES[outcome]
            raised.append(Finding(severity, "gate", part, message, remedy))
    return raised
