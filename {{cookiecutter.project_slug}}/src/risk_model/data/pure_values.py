"""Pure values: values that never have the outcome although the values beside them do.

An honest measurement thins out towards its ends: where a tumour's radius is largest, every tumour
is malignant, and a little below nearly every one. What is bound to the outcome's definition, or
ends where the event is, breaks off: past day 30 nobody died within 30 days, and just before
everybody did. So a run of values without the outcome counts only where the rows beside it do have
it. Values without an order have no neighbours; there the run is the value.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, poisson

Counts = npt.NDArray[np.int64]

EXPECTED_EVENTS = 20.0  # of a value that never has one: e^-20 by chance
CARRIED = 0.05  # share of the rows, or of the class it always has, that carry such a value
BESIDE = 0.02  # share of the rows that stand beside a run of values, and at least ...
FEWEST_BESIDE = 20
EVENTS_BESIDE = 10  # of them with the outcome, as often as half of all rows have it, and ...
LEVEL = 0.7  # ... as often as this share of those as many rows farther off
BY_CHANCE = 1e-6
# Chance of so few events beside, were they as frequent as in WIDER times as many rows
SLOPE, WIDER = 1e-4, 8
SLIPS = 0.02  # of the events to be expected: slips of the pen among the rows with any value
MOST_BESIDE = 0.1  # share of the rows that still are beside, were they not of one value
# A pile at the highest value, of at least so many values
VALUES, PILED, ISOLATED, BELOW, RARER, SURE = 25, 0.02, 5.0, 0.1, 10.0, 1e-4


def never(table: Counts, ordered: bool) -> float:
    """Share of rows with values that never have the outcome, though events were to be expected.

    Args:
        table: int[2, values + 1], rows without and with the outcome by value; the last is for
            missing values.
        ordered: Whether the order of the values means something.
    """
    others, events = table
    size, n = others + events, max(int(table.sum()), 1)
    base = events.sum() / n
    start = np.arange(len(size))
    if ordered:  # neighbouring values without events are one run; missing values are none's
        silent = events == 0
        joins = silent[1:] & silent[:-1]
        joins[-1:] = False
        start = np.concatenate([[0], np.cumsum(~joins)])
    rows = np.bincount(start, weights=size)
    seen = np.bincount(start, weights=events)
    carried = (rows >= CARRIED * n) | (rows >= 4 * CARRIED * others.sum())
    runs = np.flatnonzero((seen == 0) & (rows * base >= EXPECTED_EVENTS) & carried)
    if ordered:
        runs = np.array([r for r in runs if _breaks_off(table, start == r, base)], dtype=np.int64)
    return max(float(rows[runs].sum() / n), _any_value(table, base))


def _any_value(table: Counts, base: float) -> float:
    """The share of rows with any value at all, when those rows hardly ever have the outcome."""
    others, events = table[:, :-1].sum(axis=1)
    rows, n = others + events, int(table.sum())
    carried = rows >= CARRIED * n or rows >= 4 * CARRIED * table[0].sum()
    expected = max(EXPECTED_EVENTS, events / SLIPS)
    return float(rows / n) if carried and rows < n and rows * base >= expected else 0.0


def _breaks_off(table: Counts, run: npt.NDArray[np.bool_], base: float) -> bool:
    """Whether the rows beside a run of values without the outcome do have it."""
    if run[-1]:
        return True  # missing values have no neighbours
    first, last = np.flatnonzero(run)[[0, -1]]
    within = int(table[:, run].sum())
    sides = [table[:, :first][:, ::-1], table[:, last + 1 : -1]]
    return any(_has_it(side, within, int(table.sum()), base) for side in sides)


def _has_it(side: Counts, within: int, n: int, base: float) -> bool:
    """Whether the nearest values of one side have the outcome, more than `within` rows without.

    And nearly as often as those farther off, near and far: on the way to them there is no slope.
    """
    rows = np.cumsum(side.sum(axis=0))
    if not len(rows):
        return False
    beside = max(FEWEST_BESIDE, BESIDE * n)
    reach, far = np.searchsorted(rows, [beside, 2 * beside]) + 1
    nearest, beyond = side[:, :reach], side[:, reach : max(far, reach + 1)]
    events, size = int(nearest[1].sum()), int(nearest.sum())
    if reach > 1 and size > MOST_BESIDE * n:
        return False
    wider = side[:, reach : int(np.searchsorted(rows, WIDER * beside)) + 1]
    level = float(wider[1].sum()) / max(int(wider.sum()), 1)
    if float(binom.cdf(events, size, level)) < SLOPE:
        return False
    usual = max(0.5 * base, LEVEL * float(beyond[1].sum()) / max(int(beyond.sum()), 1))
    surprise = float(binom.sf(events - 1, size, min(3 / within, 1.0)))
    return events >= max(EVENTS_BESIDE, usual * size) and surprise < BY_CHANCE


def piled_at_the_end(table: Counts) -> float:
    """Share of the rows without the outcome at a highest value that hardly any row with it has.

    So does a follow-up pile up that ends for everybody on one day. A scale has such a pile too, but
    the outcome is rare a little below as well; here it is at least RARER times as frequent.

    Args:
        table: int[2, values], rows without and with the outcome by value, in order.
    """
    others, events = table
    size = others + events
    if len(size) < VALUES or not events.sum():
        return 0.0
    n = int(size.sum())
    share, base = float(others[-1] / max(others.sum(), 1)), events.sum() / n
    isolated = size[-1] >= ISOLATED * size[-6:-1].mean()
    if share < PILED or not isolated or size[-1] * base < EXPECTED_EVENTS:
        return 0.0
    below = size[-2::-1].cumsum()
    reach = int(np.searchsorted(below, BELOW * n)) + 1
    rate = events[-2::-1][:reach].sum() / size[-2::-1][:reach].sum()
    expected = float(rate * size[-1])
    rarer = events[-1] <= expected / RARER and events[-1] <= base * size[-1] / RARER
    return share if rarer and poisson.cdf(events[-1], expected) < SURE else 0.0
