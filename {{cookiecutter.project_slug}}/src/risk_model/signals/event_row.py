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
from risk_model.signals.event_plan import Plan, Use, bounds, grid_plan, rule_plan, window_plan
from risk_model.signals.event_spec import BIRTH, DEATH, Index, Spec, matches, micros
from risk_model.signals.events import Event
from risk_model.signals.events_windows import STATIC, Block, Integers, Values

BEFORE = "outcome before or at the moment"
DEAD = "died before or at the moment"
ENDED = "stay ended before or at the moment"
NOT_ELIGIBLE = "not eligible: "
# gives the arrays of a subject without any event that is taken their types
NOTHING = Use(0, 1.0, 0.0, 0.0, number=False, static=False)


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
    columns, long = _columns(usable, moment), int(since[0])
    codes = {code for code, _ in columns.kinds}
    values = plan.kernel(since, _block(plan, columns, long, used, _codes(codes, _named(spec))))
    refusals = []
    if spec.index and start is None:
        refusals.append(_no_index(spec.index))
    if start is not None:
        refusals += _over(spec, usable, codes, start)
    if spec.eligible:
        rules = rule_plan(spec)
        found = rules.kernel(since, _block(rules, columns, long))[0]
        for rule, value in zip(spec.eligible, found, strict=True):
            low, high = bounds(rule)
            if not low <= value <= high:
                refusals.append(f"{NOT_ELIGIBLE}{rule.name}")
    cells = None
    if spec.sequence:
        cells = grid(spec, since, _block(grid_plan(spec), columns, long))
    return Row(values, cells, tuple(refusals), used)


def _over(spec: Spec, usable: Sequence[Event], codes: Collection[str], start: int) -> list[str]:
    """Why the time at risk is over, by what is known at the moment; as `event_moments.fates`."""
    if spec.outcome is None or spec.index is None:
        return []
    pages = spec.index.event, spec.outcome.event, spec.outcome.until
    index, outcome, until = (_codes(codes, patterns) for patterns in pages)
    last = outcome | until | {DEATH}
    ends = [
        (event.code, event.time)
        for event in usable
        if event.code in last and event.time is not None
    ]
    reasons = {
        BEFORE: any(
            code in outcome and time >= start and not (time == start and code in index)
            for code, time in ends
        ),
        DEAD: any(code == DEATH for code, _ in ends),
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


def _codes(codes: Collection[str], patterns: tuple[str, ...]) -> set[str]:
    """Those of the codes that are one of the patterns."""
    return {code for code in codes if matches(code, patterns)}


def usable_at(event: Event, moment: int) -> bool:
    """Whether an event had happened and was known at the moment; both ends included."""
    known = event.time if event.known is None else event.known
    return (known is None or known <= moment) and (event.time is None or event.time <= moment)


def start_of(index: Index, events: Sequence[Event], moment: int) -> int | None:
    """The time of the index event whose moment has come: the first, or else the latest."""
    codes = _codes({event.code for event in events}, index.event)
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


class _Columns(NamedTuple):
    """A subject's usable events as arrays [k]; `kind` is the place of code and unit in `kinds`.

    `ago` and `row` as in Block; `number` is rounded to 32 bits, NaN where there is none.
    """

    kinds: list[tuple[str, str]]
    kind: Integers
    ago: Integers
    number: Values
    row: Integers


@np.errstate(over="ignore")  # what does not fit into 32 bits is beyond every range
def _columns(events: Sequence[Event], moment: int) -> _Columns:
    kinds: dict[tuple[str, str], int] = {}
    kind = [kinds.setdefault((event.code, event.unit), len(kinds)) for event in events]
    ago = [STATIC if event.time is None else moment - event.time for event in events]
    # None becomes NaN
    number = np.array([event.numeric_value for event in events], np.float64)
    return _Columns(
        list(kinds),
        np.array(kind, np.int64),
        np.array(ago, np.int64),
        number.astype(np.float32).astype(np.float64),
        np.array([event.row for event in events], np.int64),
    )


def _block(
    plan: Plan,
    columns: _Columns,
    since: int,
    used: Used | None = None,
    named: Collection[str] = (),
) -> Block:
    """The plan's events in the kernel's order; counts them in `used`.

    Codes that are `named` elsewhere on the page than among the measurements are not unknown.
    """
    uses_of = [plan.uses(code, unit) for code, unit in columns.kinds]
    uses = [use for each in uses_of for use in each] or [NOTHING]
    count = np.array([len(each) for each in uses_of], np.int64)
    field, factor, low, high, numbered, static = (
        np.array(each) for each in zip(*uses, strict=True)
    )
    # an event stands once for each of its uses
    times = count[columns.kind]
    event = np.repeat(np.arange(len(times)), times)
    within = np.arange(len(event)) - np.repeat(np.cumsum(times) - times, times)
    use = (np.cumsum(count) - count)[columns.kind][event] + within
    ago = columns.ago[event]
    value = np.where(numbered[use], columns.number[event] * factor[use], 0.0)
    fits = ~numbered[use] | ((value >= low[use]) & (value <= high[use]))
    fits &= static[use] | (ago != STATIC)
    entered, to = event[fits], field[use[fits]]
    if used is not None:
        _count(used, plan, columns, since, uses_of, entered, named)
    row, ago = columns.row[entered], ago[fits]
    moment = np.zeros(len(entered), np.int64)
    block = Block(moment, to.astype(np.int64), ago, value[fits], row)
    return block.at(np.lexsort((entered, row, -ago, block.field)))


def _count(
    used: Used,
    plan: Plan,
    columns: _Columns,
    since: int,
    used_by: Sequence[tuple[Use, ...]],
    entered: Integers,
    named: Collection[str],
) -> None:
    """Counts the events that entered, by their places, and all others; `used_by` is of kinds."""
    old = np.zeros(len(columns.kind), dtype=bool)
    if plan.longest is not None:
        old = (columns.ago != STATIC) & (columns.ago >= plan.longest)
        if plan.from_start:
            old &= columns.ago > since
    inside = np.zeros(len(columns.kind), dtype=bool)
    inside[entered] = True
    rest, number = ~old & ~inside, ~np.isnan(columns.number)
    codes = [code for code, _ in columns.kinds]
    of_kind = [bool(uses) or plan.known(code) for uses, code in zip(used_by, codes, strict=True)]
    taken = np.array([bool(uses) for uses in used_by], dtype=bool)[columns.kind]
    known = np.array(of_kind, dtype=bool)[columns.kind]
    elsewhere = np.array([code in named for code in codes], dtype=bool)[columns.kind]
    used.older += int(old.sum())
    used.used += int((~old & inside).sum())
    used.no_number += int((rest & taken & ~number).sum())
    used.out_of_range += int((rest & taken & number).sum())
    used.unit += int((rest & known & ~taken).sum())
    used.population += int((rest & ~known & elsewhere).sum())
    used.unknown_code += int((rest & ~known & ~elsewhere).sum())
