"""Which events a column takes: the specification's codes and units, looked up once for each.

The same lookup serves tables and requests. A unit that is neither the stated one nor has a stated
factor is not convertible, and never guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from risk_model.core.schema import FLOAT32_MAX
from risk_model.signals.event_spec import (
    BIRTH,
    HOUR,
    START,
    YEAR,
    Measured,
    Rule,
    Spec,
    Take,
    matches,
    micros,
)
from risk_model.signals.events_windows import EVER, Column, Kernel

REMEMBERED = 10_000  # codes with their units whose uses are kept
LONGEST_REMEMBERED = 200  # characters of both


class Use(NamedTuple):
    """How the events of a code in a unit enter a field: times `factor`, from `low` to `high`.

    Without `number` an event need not have one; without `static` what never changes is left out.
    """

    field: int
    factor: float
    low: float
    high: float
    number: bool
    static: bool


class Source(NamedTuple):
    """The events of a field: their codes and what their numbers must be."""

    codes: tuple[str, ...]
    unit: str = ""
    factors: tuple[tuple[str, float], ...] = ()
    low: float = -FLOAT32_MAX
    high: float = FLOAT32_MAX
    number: bool = False
    static: bool = True


@dataclass
class Plan:
    """Fields, columns over them and their names and units; `uses` says where an event goes.

    `longest` is the microseconds of the longest window but `since start`, None where one has no
    end; `from_start` says that a window begins at the index event.
    """

    sources: Sequence[Source]
    columns: Sequence[Column]
    names: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    _uses: dict[tuple[str, str], tuple[Use, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kernel = Kernel(self.columns, len(self.sources))
        windows = {column.window for column in self.columns}
        self.from_start = START in windows
        self.longest = (
            None if EVER in windows else max((micros(w) for w in windows - {START}), default=0)
        )

    def uses(self, code: str, unit: str) -> tuple[Use, ...]:
        """The fields that take events of this code in this unit, and how."""
        key = code, unit
        if (remembered := self._uses.get(key)) is not None:
            return remembered
        every = (_use(i, source, code, unit) for i, source in enumerate(self.sources))
        uses = tuple(use for use in every if use)
        # whoever sends codes that nobody uses, or very long ones, fills no memory
        if len(self._uses) < REMEMBERED and len(code) + len(unit) < LONGEST_REMEMBERED:
            self._uses[key] = uses
        return uses

    def known(self, code: str) -> bool:
        """Whether any field takes this code, in whatever unit."""
        return any(matches(code, source.codes) for source in self.sources)


def _use(number: int, source: Source, code: str, unit: str) -> Use | None:
    if not matches(code, source.codes):
        return None
    factors = {source.unit: 1.0, **dict(source.factors)} if source.number else {unit: 1.0}
    if unit not in factors:
        return None
    return Use(number, factors[unit], source.low, source.high, source.number, source.static)


UNITS: dict[Take, str] = {"count": "1", "hours_since": "h"}


def _source(each: Measured) -> Source:
    low = -FLOAT32_MAX if each.low is None else each.low
    high = FLOAT32_MAX if each.high is None else each.high
    return Source(each.code, each.unit, each.factors, low, high, each.number)


@lru_cache(maxsize=8)
def window_plan(spec: Spec) -> Plan:
    """The columns of the measurements, such as "heart_rate last 48h", in the page's order."""
    columns, names, units = [], [], []
    for i, each in enumerate(spec.measured):
        for window in each.windows:
            for take in each.take:
                columns.append(Column(i, take, window))
                names.append(f"{each.name} {take} {window}")
                slope = f"{each.unit}/h" if each.unit else "/h"
                units.append(slope if take == "slope" else UNITS.get(take, each.unit))
    sources = [_source(each) for each in spec.measured]
    return Plan(sources, columns, tuple(names), tuple(units))


def _rule_column(number: int, rule: Rule) -> tuple[Source, Column]:
    codes = (BIRTH,) if rule.age else rule.some_of or rule.none_of
    # within a window only what happened in it: a sex has no time
    source = Source(codes, static=not rule.within and not rule.age)
    return source, Column(number, "hours_since" if rule.age else "count", rule.within or EVER)


@lru_cache(maxsize=8)
def rule_plan(spec: Spec) -> Plan:
    """One column for each rule of eligibility: a count, or hours since birth."""
    parts = [_rule_column(i, rule) for i, rule in enumerate(spec.eligible)]
    return Plan([source for source, _ in parts], [column for _, column in parts])


def bounds(rule: Rule) -> tuple[float, float]:
    """The lowest and highest value of a rule's column that is eligible."""
    if rule.age:
        low, high = (years * YEAR / HOUR for years in rule.age)
        return low, high
    return (0, 0) if rule.none_of else (rule.at_least, float("inf"))


@lru_cache(maxsize=8)
def grid_plan(spec: Spec) -> Plan:
    """A cell for each step of each measurement with a number: field times steps plus step.

    Oldest step first; see `event_grid`.
    """
    if spec.sequence is None:
        raise ValueError("this specification has no sequence")
    steps, take = spec.sequence.steps, spec.sequence.take
    measured = [each for each in spec.measured if each.number]
    sources = [_source(each)._replace(static=False) for each in measured]
    columns = [Column(i, take, spec.sequence.length) for i in range(len(sources))]
    plan = Plan(sources, columns, tuple(each.name for each in measured))
    cells = len(sources) * steps
    plan.kernel = Kernel([Column(i, take, spec.sequence.length) for i in range(cells)], cells)
    return plan
