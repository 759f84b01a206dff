"""How much rows that share a value agree in another column, beside rows that do not.

Is a column constant within the values of another, and is that more than chance or a trend?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Verdict = Literal["agrees", "varies", "unclear"]

PAIRS = 4000  # at most, of rows of one value
FEWEST = 20  # pairs with both values recorded
EQUAL = 0.95  # of the pairs
BEYOND_CHANCE = 0.8  # of what chance leaves to agree
SURE = 14.0  # log of the odds against so many equal pairs by chance: about one in a million
NEAR = 0.02  # of a number's range
VARIES = 0.6  # of what chance leaves: sex agrees in less than that within a site
SMOOTH = 0.35  # mean step between neighbouring values beside that of any two: a function of it


@dataclass(frozen=True)
class Values:
    """A column as numbers: measurements, or the codes of its texts in sorted order."""

    codes: Floats  # float64[n], NaN where missing
    numeric: bool
    near: float = 0.0  # numbers no further apart count as equal


@dataclass(frozen=True)
class Grouping:
    """Pairs of row positions: within one value, of neighbouring values, of any two rows."""

    within: tuple[Ints, Ints]
    adjacent: tuple[Ints, Ints]
    anyhow: tuple[Ints, Ints]
    sizes: Ints  # rows of each value
    first: Ints  # a row of each value, in sorted order
    rows: int

    @property
    def subjects(self) -> int:
        """Different values."""
        return len(self.sizes)


def values_of(column: pd.Series) -> Values:
    """A column of any type as `Values`; text is numbered in its sorted order."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        numbers = np.where(np.isfinite(numbers), numbers, np.nan)
        return Values(numbers, True, _near(numbers))
    text = column.astype("category").cat
    codes = text.codes.to_numpy().astype(np.float64)
    order = np.argsort(np.argsort(text.categories.astype(str).to_numpy(dtype=object)))
    ranked = np.append(order.astype(np.float64), np.nan)
    return Values(ranked[codes.astype(np.int64)], False)


def grouping(codes: Floats) -> Grouping:
    """Pairs of rows by the values of a column, at most `PAIRS` of each kind, the same each time."""
    rng = np.random.default_rng(0)
    present = np.flatnonzero(~np.isnan(codes))
    present = present[np.argsort(codes[present] + 0.0, kind="stable")]
    _, starts, sizes = np.unique(codes[present], return_index=True, return_counts=True)
    inner = np.ones(len(present), dtype=bool)
    inner[starts] = False
    inner &= np.repeat(sizes <= _largest(sizes), sizes)
    second = _some(np.flatnonzero(inner), rng)
    last = np.repeat(np.append(starts[1:], len(present)), sizes)[second]
    first = np.repeat(starts, sizes)[second]
    beside = np.where(last < len(present), last, first - 1)
    random = rng.integers(len(present), size=(2, PAIRS))
    return Grouping(
        (present[second - 1], present[second]),
        (present[second], present[beside]),
        (present[random[0]], present[random[1]]),
        sizes.astype(np.int64),
        present[starts],
        len(present),
    )


def _largest(sizes: Ints) -> int:
    """The most rows that a person may have: a value beyond all others is "unknown"."""
    top = np.sort(sizes)[-2:]
    return int(top[0] if len(top) == 2 and top[1] > max(20, 3 * top[0]) else top[-1])


def _some(positions: Ints, rng: np.random.Generator) -> Ints:
    return positions if len(positions) <= PAIRS else rng.choice(positions, PAIRS, replace=False)


def agreement(
    people: Grouping, other: Values, tolerance: float = 0.0, ordered: bool = False
) -> Verdict:
    """Whether a column hardly varies ("agrees") or clearly does ("varies") within a grouping.

    "agrees" needs 95 % equal pairs, 80 % of what chance leaves, odds of a million to one against
    chance, and no smooth dependence on the grouping's order (a band of age, the year of a date);
    with `ordered`, that order may be the column's (a table sorted by sex and numbered then).
    """
    equal = _equal(other, people.within, tolerance)
    if len(equal) < FEWEST:
        return "unclear"
    share = float(equal.mean())
    chance = max(
        float(_equal(other, pairs, tolerance).mean() if len(pairs[0]) else 0.0)
        for pairs in ((people.anyhow,) if ordered else (people.anyhow, people.adjacent))
    )
    if not chance < 1:  # constant, or never recorded twice
        return "unclear"
    beyond = (share - chance) / (1 - chance)
    if share >= EQUAL and beyond >= BEYOND_CHANCE and _surely(share, chance, len(equal)):
        return "unclear" if not ordered and _smooth(people, other) else "agrees"
    return "varies" if beyond < VARIES and _apart(people, other) else "unclear"


def _equal(values: Values, pairs: tuple[Ints, Ints], tolerance: float) -> npt.NDArray[np.bool_]:
    one, other = values.codes[pairs[0]], values.codes[pairs[1]]
    both = ~(np.isnan(one) | np.isnan(other))
    return np.abs(one - other)[both] <= max(tolerance, values.near) + 1e-9


def _near(numbers: Floats) -> float:
    """2 % of the range that 98 % of the numbers span."""
    some = numbers[:: max(1, len(numbers) // 20000)]
    some = some[np.isfinite(some)]
    return float(NEAR * np.subtract(*np.quantile(some, [0.99, 0.01]))) if len(some) else 0.0


def _surely(share: float, chance: float, pairs: int) -> bool:
    """Whether the odds against chance are a million to one (Chernoff's bound)."""
    chance = min(max(chance, 1e-3), 1 - 1e-9)
    parts = [p * np.log(p / q) for p, q in ((share, chance), (1 - share, 1 - chance)) if p > 0]
    return bool(pairs * sum(parts) >= SURE)


def _smooth(people: Grouping, other: Values) -> bool:
    """Whether neighbouring values of the grouping differ far less in the column than any two."""
    return _step(other, people.adjacent) <= SMOOTH * _step(other, people.anyhow)


def _apart(people: Grouping, other: Values) -> bool:
    """Whether numbers of one value are far apart: not so the age at visits years apart."""
    if not other.numeric:
        return True
    return _step(other, people.within) > (1 - VARIES) * _step(other, people.anyhow)


def _step(values: Values, pairs: tuple[Ints, Ints]) -> float:
    steps = np.abs(values.codes[pairs[0]] - values.codes[pairs[1]])
    steps = steps[np.isfinite(steps)]
    return float(steps.mean()) if len(steps) else 0.0
