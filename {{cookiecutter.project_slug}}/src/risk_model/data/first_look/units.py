"""One quantity in two units: creatinine in mg/dL from one laboratory, in µmol/L from another.

Do the numbers of a column fall into two clusters of one shape, a known factor apart?
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ROWS, SHARE = 10, 0.01  # the smaller cluster has at least
STRAYS = 0.02  # of the smaller cluster, which its tail and the other's may leave in the gap
DISTINCT = 6  # values in each cluster: a few round doses are no measurements
GAP = 0.5  # of the wider cluster's 10th to 90th percentile, in logarithms
INNER = 2.0  # times the widest gap within either cluster's middle
WITHIN = 0.2  # of the known factor
SMALL, WITHIN_SMALL = 5.0, 0.08  # a small factor is met by chance: more is asked of it
ROUND = 0.05  # a round factor must fit better by this (of a logarithm) than a laboratory's
NARROW, NARROW_NOT = 0.4, (80.0, 95.0)  # so narrow are heights (100), no creatinine (88.4)
SHAPES = 3.0  # times as wide (in logarithms) one cluster may be as the other

# factor, what the two units are (lower numbers first), where the lower cluster's median may lie
FACTORS: tuple[tuple[float, str, float, float], ...] = (
    (88.42, "mg/dL and µmol/L of creatinine, or mmol/L and mg/dL of triglycerides", 0.3, 6),
    (18.016, "mmol/L and mg/dL of glucose", 2.5, 20),
    (17.104, "mg/dL and µmol/L of bilirubin", 0.1, 20),
    (38.67, "mmol/L and mg/dL of cholesterol", 0.5, 9),
    (59.48, "mg/dL and µmol/L of urate", 1.5, 15),
    (4.008, "mmol/L and mg/dL of calcium", 0.9, 3),
    (2.801, "mmol/L and mg/dL of urea nitrogen", 1.5, 40),
    (6.006, "mmol/L and mg/dL of urea", 1.5, 40),
    (9.01, "mmol/L and mg/dL of lactate", 0.4, 10),
    (7.5006, "kPa and mmHg", 3, 30),
    (5.585, "µmol/L and µg/dL of iron", 5, 40),
    (27.59, "µg/dL and nmol/L of cortisol", 2, 50),
    (12.87, "ng/dL and pmol/L of thyroxine", 0.5, 4),
    (2.2046, "kg and lb", 1, 300),
    (2.54, "in and cm", 15, 80),
    (30.48, "ft and cm", 1, 8),
    (4.184, "kcal and kJ", 100, 6000),
    (10.0, "two units a factor of 10 apart, such as g/dL and g/L or mg/dL and mg/L", 0, np.inf),
    (100.0, "two units a factor of 100 apart, such as m and cm, or a fraction and %", 0, np.inf),
    (1000.0, "two units a factor of 1,000 apart, such as g and mg, or /nL and /µL", 0, np.inf),
    (1e6, "two units a factor of 1,000,000 apart, such as /pL and /µL", 0, np.inf),
    (7.0, "weeks and days", 20, 45),
    (12.0, "years and months", 15, 90),
    (365.25, "years and days", 15, 90),
)


@dataclass(frozen=True)
class MixedUnits:
    """Two clusters of one quantity that differ by a known factor."""

    low_median: float
    high_median: float
    factor: float
    units: str
    rows: int  # in the smaller cluster


def mixed_units(values: Floats) -> MixedUnits | None:
    """The two units in which a column of numbers seems to be written, or None.

    `values`: float64[n], NaN where missing; only values above 0 are looked at, which must be nearly
    all. Two clusters count, each with at least 1 % of the rows, 10 rows and 6 distinct values,
    of like shape in logarithms, with next to nothing between them over half the width of the wider
    one, whose medians' ratio is within 20 % of a conversion factor (8 % of one below 5); or degrees
    Celsius and Fahrenheit.

    >>> metres = np.linspace(1.5, 2.0, 40)
    >>> found = mixed_units(np.concatenate([metres, 100 * metres[:20]]))
    >>> (found.factor, found.rows)
    (100.0, 20)
    """
    present = values[np.isfinite(values)]
    positive = np.sort(present[present > 0])
    if len(positive) < 2 * ROWS or len(positive) < 0.95 * np.count_nonzero(present):
        return None
    logs = np.log(positive)
    found = _widest_gap(logs)
    if found is None or not _two_clusters(logs, *found):
        return None
    low, high = positive[: found[0]], positive[found[0] :]
    return _celsius(low, high) or _known_factor(low, high)


def _widest_gap(logs: Floats) -> tuple[int, float] | None:
    """Where the widest gap between two clusters that are large enough lies, and its width.

    A few extreme values of either cluster (2 % of the smaller one) may stand in the gap.
    """
    size = len(logs)
    fewest = max(ROWS, int(np.ceil(SHARE * size)))
    splits = np.arange(fewest, size - fewest + 1)
    if not len(splits):
        return None
    strays = (STRAYS * np.minimum(splits, size - splits)).astype(int)
    gaps = logs[splits + strays] - logs[splits - 1 - strays]
    best = int(np.argmax(gaps))
    start, end = splits[best] - 1 - strays[best], splits[best] + strays[best]
    widest = int(np.argmax(np.diff(logs[start : end + 1])))  # between the strays of either
    return int(start) + widest + 1, float(gaps[best])


def _two_clusters(logs: Floats, split: int, gap: float) -> bool:
    parts = (logs[:split], logs[split:])
    if min(len(np.unique(part)) for part in parts) < DISTINCT:
        return False
    widths = [float(np.subtract(*np.quantile(part, [0.9, 0.1]))) for part in parts]
    inner = max(_inner_gap(part) for part in parts)
    return bool(
        gap >= GAP * max(widths)
        and gap >= INNER * inner
        and max(widths) <= SHAPES * max(min(widths), 1e-9)
    )


def _inner_gap(part: Floats) -> float:
    """The widest gap among the middle 90 % of a cluster."""
    edge = int(0.05 * len(part))
    gaps = np.diff(part[edge : len(part) - edge])
    return float(gaps.max(initial=0.0))


def _celsius(low: Floats, high: Floats) -> MixedUnits | None:
    below, above = float(np.median(low)), float(np.median(high))
    wide = np.subtract(*np.quantile(high, [0.75, 0.25])) + 1e-9
    alike = 0.3 < 1.8 * np.subtract(*np.quantile(low, [0.75, 0.25])) / wide < 3
    if 30 < below < 45 and abs(1.8 * below + 32 - above) < 0.03 * above and alike:
        return MixedUnits(below, above, 1.8, "°C and °F", min(len(low), len(high)))
    return None


def _known_factor(low: Floats, high: Floats) -> MixedUnits | None:
    below, above = float(np.median(low)), float(np.median(high))
    narrow = np.subtract(*np.quantile(np.log(low), [0.9, 0.1])) < NARROW
    apart = {
        (factor, units): abs(np.log(above / below / factor)) + ROUND * (most == np.inf)
        for factor, units, least, most in FACTORS
        if least <= below <= most and not (NARROW_NOT[0] < factor < NARROW_NOT[1] and narrow)
    }
    (factor, units), away = min(apart.items(), key=lambda item: item[1])
    within = WITHIN if factor >= SMALL else WITHIN_SMALL
    if away > np.log(1 + within) or not _same_shape(low * factor, high):
        return None
    if factor < SMALL and not _alike(np.log(low), np.log(high)):
        return None
    return MixedUnits(below, above, factor, units, min(len(low), len(high)))


def _alike(low: Floats, high: Floats) -> bool:
    """Whether two clusters in logarithms are nearly equally wide, and the gap wider than both."""
    widths = [np.subtract(*np.quantile(part, [0.9, 0.1])) for part in (low, high)]
    return bool(max(widths) <= 1.6 * min(widths) and high[0] - low[-1] >= max(widths))


def _same_shape(converted: Floats, high: Floats) -> bool:
    """Whether each cluster's median lies in the middle half of the other, or nearly."""
    for one, other in ((converted, high), (high, converted)):
        lower, upper = np.quantile(other, [0.25, 0.75])
        if not 0.95 * lower <= np.median(one) <= 1.05 * upper:
            return False
    return True
