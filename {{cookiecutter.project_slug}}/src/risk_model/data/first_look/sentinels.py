"""Codes for "not recorded" among measurements: 999, -9, 99.9, a fill value.

Does a value that nobody measured stand among the numbers? Such a code repeats, lies apart from
every other value, and is written with one digit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ROWS = 3  # a code repeats
REST = 10  # rows of real values, without which nothing can be called far away
STEPS = 3  # a code lies this many ordinary steps from its neighbour: 9 beside 8 is a value
EMPTY = 5.0  # rows that a ceiling of a heavy tail would have left in the gap below it
FAR = 1000.0  # times the largest other value: a fill value, whatever its digits
SCALE = 10  # the top of a scale that does not go below 0 by a step
STRAY = 0.1  # values beyond the code, as a share of its rows: a slip of the pen does not hide it
FILLS = {32767, 32768, 65535, 65536, 2147483647, 2147483648, 4294967295}


@dataclass(frozen=True)
class SuspectCode:
    """A value that looks like a code for "not recorded" among measurements."""

    value: float
    rows: int


def suspect_codes(values: Floats) -> list[SuspectCode]:
    """Isolated, repeated, extreme values of one digit; lowest first.

    `values`: float64[n], NaN where missing; infinite ones are not looked at. A code has at least 3
    rows and is either the lowest or highest value of the column, far from the next one, or the only
    negative value (-1, -9, -99) of a column that is otherwise not negative. Several codes (997,
    998, 999) are found together.

    "Far" for c rows at v above the largest other value M and the median m: at least three steps,
    and either v - M >= M - m or c (v - M) / (M - m) >= 5, the rows that even a Pareto tail of
    index 1 cut off at v would have left between M and v.

    >>> suspect_codes(np.array([*range(60, 90), 999.0, 999.0, 999.0]))
    [SuspectCode(value=999.0, rows=3)]
    """
    unique, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    high = _top_codes(unique, counts)
    low = _only_negatives(unique, counts) or _top_codes(-unique[::-1], counts[::-1])
    positions = sorted({*(len(unique) - 1 - i for i in high), *low})
    return [SuspectCode(float(unique[i]), int(counts[i])) for i in positions if counts[i] >= ROWS]


def _top_codes(unique: Floats, counts: npt.NDArray[np.int64]) -> list[int]:
    """Positions from the top (0 is the highest value) of the codes at the upper end."""
    start = _strays(unique, counts)
    last = start
    while last < len(unique) - 2 and _may_be_code(unique, last):
        last += 1
    for size in range(last, start, -1):  # as many codes as stand together, first
        rest = unique[: len(unique) - size]
        if counts[::-1][start:size].max() >= ROWS and _far(
            unique[::-1][start:size], int(counts[::-1][start:size].sum()), rest, counts[: len(rest)]
        ):
            return list(range(start, size))
    return []


def _strays(unique: Floats, counts: npt.NDArray[np.int64]) -> int:
    """How many values at the top are single slips beyond a code."""
    for start in range(min(3, len(unique))):
        if _may_be_code(unique, start):
            code_rows = counts[-1 - start]
            beyond = counts[len(counts) - start :].sum()
            return start if beyond <= STRAY * code_rows else 0
    return 0


def _far(codes: Floats, rows: int, rest: Floats, rest_counts: npt.NDArray[np.int64]) -> bool:
    """Whether the lowest of the codes (descending) lies apart from the rest."""
    if rest_counts.sum() < REST or len(rest) < 2:
        return False
    top, gap = rest[-1], codes[-1] - rest[-1]
    middle = rest[np.searchsorted(np.cumsum(rest_counts), rest_counts.sum() / 2)]
    step = np.median(np.diff(rest[-6:]))
    width = max(top - middle, step)
    return bool(gap >= STEPS * step and (gap >= width or rows * gap / width >= EMPTY))


def _may_be_code(unique: Floats, position: int) -> bool:
    """Whether the value at a position from the top is one that people write for "not recorded"."""
    value = unique[-1 - position]
    if value <= 0:
        return False
    if value in (7, 8, 9) and (unique[: len(unique) - 1 - position] % 1 != 0).any():
        return False  # 9 among 7.2 and 8.1 is a value
    others = np.abs(unique[: len(unique) - 1 - position])
    beyond_all = len(others) > 1 and value >= 1e6 and value >= FAR * others.max()
    return bool(beyond_all or is_code(value))


def is_code(value: float) -> bool:
    """Whether the digits of a number are those of a code: 9, 99, 99.9, 888, 997, -999, 32767."""
    size = abs(value)
    text = f"{size:.7g}"
    if size < 7 or not np.isclose(float(text), size, rtol=1e-6):
        return size in FILLS
    if size in FILLS:
        return True
    digits = text.replace(".", "")
    if not digits.isdigit():
        return False
    return (set(digits) <= {digits[0]} and digits[0] in "789") or (
        len(digits) > 1 and set(digits[:-1]) == {"9"} and digits[-1] in "678" and "." not in text
    )


def _only_negatives(unique: Floats, counts: npt.NDArray[np.int64]) -> list[int]:
    """The positions of the negative values where all of them are codes.

    -1 beside 0 and a few small whole numbers is a step down, no code.
    """
    negative = unique[unique < 0]
    rest, rest_counts = unique[len(negative) :], counts[len(negative) :]
    if not len(negative) or len(rest) < 2 or rest_counts.sum() < REST:
        return []
    if not all(is_code(v) or v == -1 or _sixes(v) for v in negative):
        return []
    below = len(negative) == 1 and negative[0] == -1 and rest[0] == 0 and rest[1] >= 1
    if below and not _code_below_zero(rest, rest_counts, int(counts[0])):
        return []
    return list(range(len(negative)))


def _sixes(value: float) -> bool:
    return value in (-6, -66, -666, -6666, -66666)


def _code_below_zero(rest: Floats, rest_counts: npt.NDArray[np.int64], rows: int) -> bool:
    """Whether -1 beside 0, 1, 2 is a code and no step down: rare beside yes and no, or on a long
    scale and in 1 % of the rows.
    """
    if len(rest) == 2:
        return 10 * rows < int(rest_counts.min())
    return bool(rest[-1] >= SCALE and rows >= 0.01 * rest_counts.sum())
