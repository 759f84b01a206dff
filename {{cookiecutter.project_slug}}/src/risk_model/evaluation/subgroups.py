"""Subgroups: the same metrics by age, sex, ethnicity, their pairs, site, and imaging device.

Does the model serve every patient alike? Groups with fewer events or non-events than
`evaluation.minimum_events` are counted and not evaluated. AUPRC is left out: it rises with the
prevalence, so it must not be compared between groups (McDermott et al., NeurIPS 2024).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from risk_model.core.age_bands import AGE_BANDS, age_band
from risk_model.core.estimate import NORMAL, Estimate, numbers
from risk_model.core.scores import NAN, holm
from risk_model.evaluation.curves import calibration_curve
from risk_model.evaluation.group_differences import group_differences
from risk_model.evaluation.metric_table import metrics_in
from risk_model.evaluation.resampled_metrics import (
    EvaluationSettings,
    ResampledMetrics,
    ScoredRows,
)
from risk_model.evaluation.results import Miscalibration, SubgroupEvaluation

if TYPE_CHECKING:
    import pandas as pd

CROSSED = ("age band", "sex", "ethnicity")  # partitions whose intersections are evaluated as well
PARTITIONS = {"age band": "age", **{n: n for n in ("sex", "ethnicity", "site", "device")}}
LARGEST = 20  # groups of one partition that keep their name; the rest are pooled
ALPHA = 0.01  # chance of any false alarm about one model, over all groups of all parts
POWER = 0.8  # with which the smallest difference that could have been found would have been
Labels = npt.NDArray[np.object_]


def partitions(rows: pd.DataFrame) -> dict[str, Labels]:
    """The group of each row in each partition of two groups or more, None where missing.

    Name of the partition to object[n]; pairs of partitions come last.
    """
    columns = {name: column for name, column in PARTITIONS.items() if column in rows}
    single = {name: _labels(rows[column], name) for name, column in columns.items()}
    single = {name: labels for name, labels in single.items() if len(groups(labels, name)) > 1}
    pairs = combinations([name for name in CROSSED if name in single], 2)
    return single | {f"{a} and {b}": _crossed(single[a], single[b]) for a, b in pairs}


def _crossed(one: Labels, other: Labels) -> Labels:
    pairs = zip(one, other, strict=True)
    labels = [None if None in pair else ", ".join(map(str, pair)) for pair in pairs]
    return np.array(labels, dtype=object)


def _labels(column: pd.Series[Any], name: str) -> Labels:
    if name == "age band":
        return age_band(column.to_numpy(np.float64, na_value=np.nan))
    text = column.astype(object).where(column.notna(), None)
    common = text.value_counts().index[:LARGEST]
    pooled = text.where(text.isin(common) | text.isna(), "all others")
    return np.array([None if label is None else str(label) for label in pooled], dtype=object)


def groups(labels: Labels, name: str) -> list[str]:
    """The groups of a partition in the order they are shown: age bands by age, the rest by name."""
    present = {label for label in labels if label is not None}
    if not name.startswith("age band"):
        return sorted(present)
    bands = list(AGE_BANDS)
    return sorted(present, key=lambda label: (bands.index(label.split(",")[0]), label))


def evaluate(
    empty: SubgroupEvaluation,
    group: ResampledMetrics,
    others: ScoredRows,
    settings: EvaluationSettings,
) -> SubgroupEvaluation:
    """A group that is large enough: its counts, its metrics, and its differences to the others.

    A group of one attribute, not of a pair, has a calibration curve as well where it has the
    events.
    """
    drawn = empty.partition in PARTITIONS and "curve" in group.once
    return replace(
        empty,
        evaluated=True,
        events=group.rows.events,
        prevalence=group.rows.prevalence,
        metrics=group.metrics(settings.names(metrics_in("subgroups"))),
        differences=group_differences(group.rows, others),
        calibration=calibration_curve(group) if drawn else None,
    )


def judge(
    table: Sequence[SubgroupEvaluation], bound: float, parts: int
) -> list[SubgroupEvaluation]:
    """The rows with adjusted p, what was found and what could have been, over a model's groups.

    Holm's adjustment for the groups of this part, times the number of parts that are searched: each
    more part is one more chance of a false alarm.
    A group's risks are too low or too high when its calibration-in-the-large differs from the
    others' (p below ALPHA) and its own interval lies beyond ± `bound`, on the same side. AUROC
    takes no part: it differs with the mix of a group's patients, however fair the model is.
    """
    raw = np.array([_p(row.differences.get("citl")) for row in table])
    compared = int(np.isfinite(raw).sum())
    return [
        replace(
            row,
            p_value=p,
            miscalibrated=_miscalibrated(row, p, bound),
            detectable=_detectable(row, compared * parts, bound),
        )
        for row, p in zip(table, numbers(np.minimum(holm(raw) * parts, 1.0)), strict=True)
    ]


def _p(difference: Estimate | None) -> float:
    """Two-sided p of a Wald interval; NaN without one."""
    if difference is None or difference.estimate is None or difference.interval is None:
        return NAN
    return math.erfc(abs(difference.estimate) / _error(difference.interval) / math.sqrt(2))


def _error(interval: tuple[float, float]) -> float:
    return (interval[1] - interval[0]) / (2 * NORMAL)


def _miscalibrated(row: SubgroupEvaluation, p: float | None, bound: float) -> Miscalibration | None:
    if p is None or p >= ALPHA or (own := row.metrics["citl"].interval) is None:
        return None
    difference = row.differences["citl"].estimate or 0.0
    if difference > 0 and own[0] > bound:
        return "too low"
    return "too high" if difference < 0 and own[1] < -bound else None


def _detectable(row: SubgroupEvaluation, compared: int, bound: float) -> float | None:
    """The smallest miss of the group alone, in log odds, that both conditions find with POWER.

    Each alone, for Holm's hardest step; together somewhat less often.
    """
    if not row.evaluated or (difference := row.differences["citl"].interval) is None:
        return None
    if (own := row.metrics["citl"].interval) is None:
        return None
    power, level = _quantile(POWER), _quantile(1 - ALPHA / (2 * compared))
    return max((level + power) * _error(difference), bound + (NORMAL + power) * _error(own))


def _quantile(share: float) -> float:
    return NormalDist().inv_cdf(share)
