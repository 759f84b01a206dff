"""What a mistake does to a figure: how much, with its interval, and in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from risk_model.core.estimate import Estimate
from risk_model.core.scores import NAN
from risk_model.evaluation.intervals import reference
from risk_model.lesson.traps.lesson import Pair, Row

DAMAGE = ("wrong", "right", "damage")  # columns: the figure each way, and the difference
OPTIMISM = ("reported", "elsewhere", "too good by")  # the same, where the wrong way reports


def damage(pairs: Sequence[Sequence[float]], names: tuple[str, str, str] = DAMAGE) -> Row:
    """The means of a figure over repeats, [r, 2]: the wrong and the right way; and the difference.

    `low` and `high` are the 95 % interval of the mean difference by t, each repeat counted as one:
    where all repeats share a cohort, it is of the way and not of the patients. NaN of one repeat.
    """
    wrong, right = np.array(pairs, dtype=np.float64).T
    difference, repeats = wrong - right, len(pairs)
    mean = float(difference.mean())
    error = difference.std(ddof=1) / np.sqrt(repeats) if repeats > 1 else NAN
    reach = float(reference(repeats) * error)
    means = dict(zip(names, (float(wrong.mean()), float(right.mean()), mean), strict=True))
    return {**means, "low": mean - reach, "high": mean + reach}


def damage_formats(digits: int = 3, names: tuple[str, str, str] = DAMAGE) -> dict[str, str]:
    """The columns of `damage`, to be shown with so many digits."""
    signed = dict.fromkeys((names[2], "low", "high"), f"+z.{digits}f")
    return {**dict.fromkeys(names[:2], f".{digits}f"), **signed}


def pair(label: str, row: Row) -> Pair:
    """The two figures in a row of `damage`, to be drawn."""
    names = OPTIMISM if OPTIMISM[0] in row else DAMAGE
    return Pair(label, *(Estimate(float(row[name])) for name in names[:2]))


def beyond_chance(row: Row) -> bool:
    """Whether the interval of a row excludes 0; without one it does not."""
    return float(row["low"]) > 0 or float(row["high"]) < 0


def told(row: Row, name: str = "damage", digits: int = 3) -> str:
    """The difference in a row in words: with its interval, and whether it can be told from none.

    >>> told({"damage": 0.0481, "low": 0.0411, "high": 0.0552})
    '+0.048 (+0.041 to +0.055)'
    >>> told({"damage": 0.0004, "low": -0.001, "high": 0.002})
    '+0.000 (-0.001 to +0.002), which cannot be told from none'
    """
    value, low, high = (f"{row[key]:+z.{digits}f}" for key in (name, "low", "high"))
    said = f"{value} ({low} to {high})"
    return said if beyond_chance(row) else f"{said}, which cannot be told from none"
