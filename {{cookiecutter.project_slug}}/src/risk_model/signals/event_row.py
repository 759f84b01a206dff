"""One request's row from its events, and what was used and left out of them by reason.

numpy only: the server needs neither a database nor pandas. The rules are those of the tables, and
a patient outside the population is told by which rule.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from risk_model.core.schema import Features
from risk_model.signals.event_grid import grid
from risk_model.signals.event_plan import Plan, bounds, grid_plan, rule_plan, window_plan
from risk_model.signals.event_spec import BIRTH, DEATH, Index, Spec, matches, micros
from risk_model.signals.events import Event
from risk_model.signals.events_windows import STATIC, Block

BEFORE = "outcome before or at the moment"
DEAD = "died before or at the moment"
ENDED = "stay ended before or at the moment"
NOT_ELIGIBLE = "not eligible: "


@dataclass
class Used:
    """How many events entered the row, and how many did not, by reason."""

    used: int = 0
    later: int = 0  # happened or known after the moment
    unknown_code: int = 0
    unit: int = 0  # not the stated one, and no factor is stated
    no_number: int = 0
    out_of_range: int = 0
    older: int = 0  # than every window
    population: int = 0  # named where the page says who is eligible, and not measured


class Row(NamedTuple):
    """One moment's row float32[1, columns] and grid float32[1, fields, steps], which may be None.

    `refusals` say why the moment lies outside the population; none where it lies within.
    """

    values: Features
    grid: Features | None
    refusals: tuple[str, ...]
    used: Used


def rows_of(spec: Spec, events: Sequence[Event], moment: int) -> Row:
    """The row of one moment, microseconds since 1970 in UTC, from one subject's events.

    Raises:
        ValueError: the events are of more than one subject.
    """
    if len({event.subject_id for event in events}) > 1:
        raise ValueError("events of more than one subject")
    start = start_of(spec.index, events, moment) if spec.index else None
    since = np.array([0 if start is None else moment - start])
    usable = [event for event in events if usable_at(event, moment)]
    plan, used = window_plan(spec), Used(later=len(events) - len(usable))
    block = _block(plan, usable, moment, start, used, _codes(usable, _named(spec)))
    values = plan.kernel(since, block)
    refusals = []
    if spec.index and start is None:
        refusals.append(_no_index(spec.index))
    if start is not None:
        refusals += _over(spec, usable, start)
    if spec.eligible:
        rules = rule_plan(spec)
        found = rules.kernel(since, _block(rules, usable, moment, start))[0]
        for rule, value in zip(spec.eligible, found, strict=True):
            low, high = bounds(rule)
            if not low <= value <= high:
                refusals.append(f"{NOT_ELIGIBLE}{rule.name}")
    cells = None
    if spec.sequence:
        cells = grid(spec, since, _block(grid_plan(spec), usable, moment, start))
    return Row(values, cells, tuple(refusals), used)


def _over(spec: Spec, usable: Sequence[Event], start: int) -> list[str]:
    """Why the time at risk is over, by what is known at the moment; as `event_moments.fates`."""
    if spec.outcome is None or spec.index is None:
        return []
    pages = spec.index.event, spec.outcome.event, spec.outcome.until
    index, outcome, until = (_codes(usable, patterns) for patterns in pages)
    ends = [
        (event.code, event.time)
        for event in usable
        if event.time is not None and (event.code in outcome or event.code in until)
    ]
    reasons = {
        BEFORE: any(
            code in outcome and time >= start and not (time == start and code in index)
            for code, time in ends
        ),
        DEAD: any(event.code == DEATH and event.time is not None for event in usable),
        ENDED: any(code in until and time > start for code, time in ends),
    }
    return [reason for reason, holds in reasons.items() if holds]


def _named(spec: Spec) -> tuple[str, ...]:
    """The codes of moment, eligibility and outcome; all codes name none."""
    codes = [*(spec.index.event if spec.index else ())]
    if spec.outcome:
        codes += [*spec.outcome.event, *spec.outcome.until]
    for rule in spec.eligible:
        codes += [*rule.some_of, *rule.none_of, *([BIRTH] if rule.age else [])]
    return tuple(code for code in codes if code != "*")


def _codes(events: Sequence[Event], patterns: tuple[str, ...]) -> set[str]:
    """The codes of these events that are one of the patterns."""
    return {code for code in {event.code for event in events} if matches(code, patterns)}


def usable_at(event: Event, moment: int) -> bool:
    """Whether an event had happened and was known at the moment; both ends included."""
    known = event.time if event.known is None else event.known
    return (known is None or known <= moment) and (event.time is None or event.time <= moment)


def start_of(index: Index, events: Sequence[Event], moment: int) -> int | None:
    """The time of the index event whose moment has come: the first, or else the latest."""
    codes = _codes(events, index.event)
    times = [
        event.time
        for event in events
        if event.time is not None
        and event.code in codes
        and usable_at(event, moment)
        and event.time + micros(index.plus) <= moment
    ]
    return (min if index.which == "first" else max)(times, default=None)


def _no_index(index: Index) -> str:
    names = " or ".join(index.event)
    return f"no {names} at least {index.plus} before the moment that was known by then"


@np.errstate(over="ignore")  # what does not fit into 32 bits is beyond every range
def _block(
    plan: Plan,
    events: Sequence[Event],
    moment: int,
    start: int | None,
    used: Used | None = None,
    named: Collection[str] = (),
) -> Block:
    """The plan's events in the kernel's order; counts them in `used`.

    Codes that are `named` elsewhere on the page than among the measurements are not unknown.
    """
    since, longest = 0 if start is None else moment - start, plan.longest
    rows: list[tuple[int, int, float, int]] = []
    for event in events:
        ago = STATIC if event.time is None else moment - event.time
        uses, before = plan.uses(event.code, event.unit), len(rows)
        number = None if event.numeric_value is None else float(np.float32(event.numeric_value))
        for use in uses:
            if ago == STATIC and not use.static:
                continue
            if not use.number:
                rows.append((use.field, ago, 0.0, event.row))
            elif number is not None and use.low <= number * use.factor <= use.high:
                rows.append((use.field, ago, number * use.factor, event.row))
        if used is None:
            continue
        old = longest is not None and STATIC > ago >= longest
        if old and not (plan.from_start and ago <= since):
            used.older += 1
        elif len(rows) > before:
            used.used += 1
        else:
            known = plan.known(event.code)
            used.no_number += bool(uses) and number is None
            used.out_of_range += bool(uses) and number is not None
            used.unit += known and not uses
            used.population += not known and event.code in named
            used.unknown_code += not known and event.code not in named
    field, ago_, value, row = (list(part) for part in zip(*rows, strict=True)) if rows else [[]] * 4
    block = Block(
        np.zeros(len(rows), np.int64),
        np.array(field, np.int64),
        np.array(ago_, np.int64),
        np.array(value, np.float64),
        np.array(row, np.int64),
    )
    return block.at(np.lexsort((block.row, -block.ago, block.field)))
