"""Is it good enough, not good enough, or can these data not tell? Three verdicts, from intervals
and stated bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from risk_model.core.findings import Finding

if TYPE_CHECKING:
    from risk_model.config import Evaluation

PASS, FAIL, UNCLEAR = "pass", "fail", "too few to judge"
INFINITE = float("inf")
NAMES = {
    "auroc": "AUROC",
    "slope": "calibration slope",
    "citl": "calibration-in-the-large",
    "ratio": "observed / expected events",
    "net_benefit": "standardised net benefit",
}


def bounds(settings: Evaluation) -> dict[str, tuple[float, float]]:
    """What each judged figure must lie between."""
    return {
        "auroc": (settings.minimum_auroc, INFINITE),
        "slope": (settings.slope_low, settings.slope_high),
        "citl": (-settings.intercept_bound, settings.intercept_bound),
    }


def judge(figure: dict[str, float], low: float, high: float) -> str:
    """Pass when the whole interval lies within the bounds, fail when all of it lies outside, else
    too few to judge.

    >>> judge({"estimate": 0.71, "low": 0.65, "high": 0.77}, low=0.6, high=float("inf"))
    'pass'
    """
    if low < figure["low"] and figure["high"] < high:
        return PASS
    return FAIL if figure["high"] <= low or high <= figure["low"] else UNCLEAR


def verdict(
    metrics: dict[str, dict[str, float]],
    events: int,
    others: int,
    settings: Evaluation,
    needs: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The verdict on one model in one part, and a sentence for each reason that is not a pass.

    `needs` is what `precision.needed` found: with fewer rows than a criterion needs, nothing
    passes.
    """
    if min(events, others) < settings.minimum_events:
        why = (
            f"{events} events and {others} non-events; {settings.minimum_events} of each are the "
            "least"
        )
        return {"verdict": UNCLEAR, "reasons": [why]}
    limits = bounds(settings)
    judged = {name: judge(metrics[name], *limits[name]) for name in limits}
    reasons = [
        _reason(name, metrics[name], v, *limits[name]) for name, v in judged.items() if v != PASS
    ]
    short = [f"{NAMES[need['figure']]} {need['needed']:,}" for need in needs if not need["enough"]]
    if short:
        reasons.append(
            f"{events + others:,} rows are too few for intervals as narrow as asked: "
            f"{', '.join(short)}"
        )
    worst = next(
        v for v in (FAIL, UNCLEAR, PASS) if v in judged.values() or (v == UNCLEAR and short)
    )
    return {"verdict": worst, "reasons": reasons}


def _reason(name: str, figure: dict[str, float], verdict: str, low: float, high: float) -> str:
    wanted = f"above {low:g}" if high == INFINITE else f"between {low:g} and {high:g}"
    state = "is not" if verdict == FAIL else "is not surely"
    shown = "{estimate:.2f} ({low:.2f} to {high:.2f})".format(**figure)
    return f"{NAMES[name]} " + f"{shown} {state} {wanted}".replace("-", "−")


def findings(part: str, models: dict[str, Any]) -> list[Finding]:
    """One finding for each verdict but pass that a part holds, with the models it is true of."""
    found = []
    for outcome in (FAIL, UNCLEAR):
        names = [name for name, judged in models.items() if judged["verdict"]["verdict"] == outcome]
        if names:
            told = "; ".join(models[names[0]]["verdict"]["reasons"])
            which = "the first: " if names[1:] else ""
            message = f"{outcome} for {', '.join(names).replace('_', ' ')} ({which}{told})"
            remedy = (
                "do not use it there; recalibrate on local patients first"
                if outcome == FAIL
                else "collect more"
            )
            found.append(
                Finding("warning" if outcome == FAIL else "note", "gate", part, message, remedy)
            )
    return found
