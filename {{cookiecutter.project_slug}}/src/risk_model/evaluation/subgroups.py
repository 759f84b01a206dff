"""Subgroups: the same metrics by age, sex, ethnicity, their pairs, and site.

Does the model serve every patient alike? Groups with fewer events or non-events than
`evaluation.minimum_events` are counted and not evaluated. AUPRC is left out: it rises with the
prevalence, so it must not be compared between groups (McDermott et al., NeurIPS 2024).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from risk_model.core.age_bands import AGE_BANDS, age_band
from risk_model.core.estimate import numbers
from risk_model.core.findings import Finding
from risk_model.core.scores import Floats, holm
from risk_model.evaluation.metric_table import metrics_in
from risk_model.evaluation.resampled_metrics import EvaluationSettings, ResampledMetrics
from risk_model.evaluation.results import ModelEvaluation, SubgroupEvaluation

if TYPE_CHECKING:
    import pandas as pd

CROSSED = ("age band", "sex", "ethnicity")  # partitions whose intersections are evaluated as well
PARTITIONS = {"age band": "age", "sex": "sex", "ethnicity": "ethnicity", "site": "site"}
LARGEST = 20  # groups of one partition that keep their name; the rest are pooled
COMPARED = ("auroc", "citl")
ALPHA = 0.01  # chance of any false alarm in one part of one model
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


def p_value(difference: float, draws: Floats) -> float:
    """Two-sided p of a difference, from the spread of its bootstrap draws [r]; NaN if undefined."""
    finite = draws[np.isfinite(draws)]
    if len(finite) * 2 <= len(draws) or not np.isfinite(difference):
        return float("nan")
    error = float(np.std(finite))
    if error == 0:
        return float(difference == 0)
    return math.erfc(abs(difference) / error / math.sqrt(2))


def evaluate(
    empty: SubgroupEvaluation,
    group: ResampledMetrics,
    everybody: ResampledMetrics,
    settings: EvaluationSettings,
) -> SubgroupEvaluation:
    """A group that is large enough: its counts, metrics and raw p of each difference to all.

    `everybody` holds the group too; paired draws account for that.
    """
    return replace(
        empty,
        evaluated=True,
        events=group.rows.events,
        prevalence=group.rows.prevalence,
        metrics=group.metrics(settings.names(metrics_in("subgroups"))),
        p_values={name: p_value(*group.difference(everybody, name)) for name in COMPARED},
    )


def adjust(table: list[SubgroupEvaluation]) -> list[SubgroupEvaluation]:
    """The rows with Holm's p in place of the raw ones, over all groups and metrics of one model."""
    cells = [(i, name) for i, row in enumerate(table) for name in row.p_values]
    raw = [table[i].p_values[name] for i, name in cells]
    adjusted = holm(np.array([np.nan if p is None else p for p in raw]))
    by_row: list[dict[str, float | None]] = [{} for _ in table]
    for (i, name), p in zip(cells, numbers(adjusted), strict=True):
        by_row[i][name] = p
    return [replace(row, p_values=p) for row, p in zip(table, by_row, strict=True)]


def differs(row: SubgroupEvaluation, metric: str) -> bool:
    """Whether a group differs from all patients together in a metric, beyond chance."""
    p = row.p_values.get(metric)
    return p is not None and p < ALPHA


def findings(part: str, models: Mapping[str, ModelEvaluation]) -> list[Finding]:
    """The groups whose risks are too high or too low beyond chance.

    Models that err in the same direction share a finding. AUROC raises none: it differs between
    groups with the mix of their patients, however fair the model is.
    """
    concerned: dict[tuple[str, str, str], list[str]] = {}
    for model, evaluation in models.items():
        for row in evaluation.subgroups:
            if differs(row, "citl"):
                at = row.partition, row.group, _direction(row, evaluation)
                concerned.setdefault(at, []).append(model)
    return [_finding(part, *at, names, models[names[0]]) for at, names in concerned.items()]


def _direction(row: SubgroupEvaluation, model: ModelEvaluation) -> str:
    group, everybody = row.metrics["citl"].estimate, model.metrics["citl"].estimate
    return "low" if (group or 0.0) > (everybody or 0.0) else "high"


def _finding(
    part: str, partition: str, group: str, direction: str, names: list[str], first: ModelEvaluation
) -> Finding:
    row = next(r for r in first.subgroups if (r.partition, r.group) == (partition, group))
    citl = row.metrics["citl"].estimate, first.metrics["citl"].estimate
    sensitivity = row.metrics["sensitivity"].estimate, first.metrics["sensitivity"].estimate
    labels = [name.replace("_", " ") for name in names]
    whose = f"figures of {labels[0]}: " if len(labels) > 1 else ""
    message = (
        f"on {part}, {', '.join(labels)}: risks are too {direction} here beside all patients "
        f"together ({whose}calibration-in-the-large {citl[0]:.2f} and {citl[1]:.2f}, "
        f"sensitivity {sensitivity[0]:.0%} and {sensitivity[1]:.0%})"
    )
    remedy = (
        "look at how outcome and inputs are recorded in this group before using the model there"
    )
    return Finding("warning", "subgroup", f"{partition} {group}", message, remedy)
