"""Who became the cohort, and who was left out and why: moments, subjects and outcomes.

The flow adds up to the possible moments, or it raises: nobody is lost in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from risk_model.core.findings import FLOW, Finding
from risk_model.core.schema import Features
from risk_model.data.sources.event_features import rule_values
from risk_model.data.sources.event_moments import (
    Fates,
    Flags,
    Moments,
    fates,
    possible_moments,
)
from risk_model.signals.event_plan import bounds
from risk_model.signals.event_row import BEFORE, DEAD, ENDED, NOT_ELIGIBLE
from risk_model.signals.event_spec import Spec

LATE_INDEX = "index event known only after the moment"
GAP = "outcome within the gap"
LOST = "not followed"


@dataclass(frozen=True)
class Step:
    """Moments left out for one reason, or the cohort.

    A subject counts once: in the cohort where a moment of theirs is, else where the last of them
    was left out. An outcome counts where it came after the gap and before its end.
    """

    reason: str
    moments: int
    subjects: int
    outcomes: int

    def counts(self) -> str:
        """The counts in words."""
        return f"{self.moments:,} moments, {self.subjects:,} subjects, {self.outcomes:,} outcomes"


@dataclass(frozen=True)
class Flow:
    """From the possible moments to the cohort.

    `lost` moments were not followed, whether left out or kept; `died` in the cohort without the
    outcome.
    """

    possible: Step
    left_out: tuple[Step, ...]
    cohort: Step
    lost: int
    died: int

    def check(self) -> None:
        """Raises ValueError where the parts do not add up to the possible moments."""
        for name in ("moments", "subjects", "outcomes"):
            total = sum(getattr(step, name) for step in (*self.left_out, self.cohort))
            whole = getattr(self.possible, name)
            if total != whole:
                raise ValueError(f"the flow does not add up: {whole} {name}, {total} in its parts")

    @property
    def prevalence(self) -> float:
        """Share of outcomes in the cohort; NaN without one."""
        return _share(self.cohort.outcomes, self.cohort.moments)

    @property
    def prevalence_bounds(self) -> tuple[float, float]:
        """Prevalence if none of the lost had the outcome, and if all had."""
        left_out = any(step.reason == LOST for step in self.left_out)
        n = self.cohort.moments + (self.lost if left_out else 0)
        outcomes = self.cohort.outcomes
        return _share(outcomes, n), _share(outcomes + self.lost, n)

    @property
    def steps(self) -> tuple[Step, ...]:
        """From the possible moments over what was left out to the cohort."""
        return self.possible, *self.left_out, self.cohort

    def findings(self) -> list[Finding]:
        """The flow as notes, a line a step, and what the outcome's share could be."""
        told = [Finding("note", FLOW, step.reason, step.counts()) for step in self.steps]
        if self.lost:
            low, high = self.prevalence_bounds
            text = (
                f"{self.lost:,} moments; the outcome's share is {self.prevalence:.1%}, and would "
                f"be {low:.1%} if none of them had it and {high:.1%} if all had"
            )
            told.append(Finding("note", FLOW, "nobody followed", text))
        return told

    def sentence(self) -> str:
        """The flow in one line."""
        left = ", ".join(f"{step.moments:,} {step.reason}" for step in self.left_out)
        return (
            f"{self.possible.moments:,} possible moments; left out: {left or 'none'}; cohort "
            f"{self.cohort.moments:,}, {self.cohort.outcomes:,} "
            f"outcome{'' if self.cohort.outcomes == 1 else 's'}"
        )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


@dataclass(frozen=True)
class Cohort:
    """The moments that teach or are judged, their outcomes bool[n], and the flow to them."""

    moments: Moments
    outcome: Flags
    flow: Flow


def cohort_of(con: duckdb.DuckDBPyConnection, spec: Spec) -> Cohort:
    """The cohort of the view `events`.

    Raises:
        ValueError: the flow does not add up.
    """
    if spec.index is None or spec.outcome is None:
        raise ValueError("a specification with labels has no moments of its own")
    moments = possible_moments(con, spec.index)
    fate = fates(con, spec)
    values = rule_values(con, spec, moments)
    reasons = _reasons(spec, fate, values)
    kept, flow = _flow(moments, fate, reasons)
    flow.check()
    return Cohort(moments.take(kept), fate.outcome[kept], flow)


def known_reasons(
    spec: Spec, fate: Fates, chosen: Flags, values: Features
) -> list[tuple[str, Flags]]:
    """The reasons that are known at the moment, and the chosen moments that each holds for.

    `values` float32[chosen moments, rules] are those of the rules of eligibility.
    """
    rules = []
    for rule, value in zip(spec.eligible, values.T, strict=True):
        low, high = bounds(rule)
        rules.append((f"{NOT_ELIGIBLE}{rule.name}", ~((value >= low) & (value <= high))))
    return [
        (LATE_INDEX, fate.late_index[chosen]),
        (BEFORE, fate.before[chosen]),
        (DEAD, fate.dead[chosen]),
        (ENDED, fate.ended[chosen]),
        *rules,
    ]


def _reasons(spec: Spec, fate: Fates, values: Features) -> list[tuple[str, Flags]]:
    """Each reason and the moments it holds for; the first that holds is the one that counts.

    What is known at the moment comes before what is known only later.
    """
    assert spec.outcome is not None  # noqa: S101 checked by the caller
    exclude = spec.outcome.not_followed == "exclude"
    return [
        *known_reasons(spec, fate, np.ones(len(fate.gap), dtype=bool), values),
        (GAP, fate.gap),
        (LOST, ~fate.followed & exclude),
    ]


def _flow(
    moments: Moments, fate: Fates, reasons: Sequence[tuple[str, Flags]]
) -> tuple[Flags, Flow]:
    """Which moments stay, and the flow to them."""
    n = len(moments.at)
    step = np.full(n, len(reasons))
    for position, (_, holds) in reversed(list(enumerate(reasons))):
        step[holds] = position
    _, subject = np.unique(moments.subject.astype(str), return_inverse=True)
    furthest = np.full(int(subject.max(initial=-1)) + 1, -1)
    np.maximum.at(furthest, subject, step)

    def count(reason: str, at: int) -> Step:
        here = step == at
        return Step(
            reason,
            int(here.sum()),
            int((furthest == at).sum()),
            int((here & fate.outcome).sum()),
        )

    counted = [count(reason, at) for at, (reason, _) in enumerate(reasons)]
    kept = step == len(reasons)
    reached = kept | (step == len(reasons) - 1)  # LOST is the last reason
    possible = Step("possible moments", n, len(furthest), int(fate.outcome.sum()))
    flow = Flow(
        possible,
        tuple(each for each in counted if each.moments),
        count("cohort", len(reasons)),
        int((reached & ~fate.followed).sum()),
        int((kept & fate.died).sum()),
    )
    return kept, flow
