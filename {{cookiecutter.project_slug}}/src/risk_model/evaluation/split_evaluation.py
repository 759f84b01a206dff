"""The evaluation of one part of the cohort: every metric of every model, with intervals.

How good is each model on patients it has not seen?
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from risk_model.core.estimate import Estimate
from risk_model.evaluation import curves, subgroups, utility, validation_sample_size
from risk_model.evaluation.bootstrap import interval
from risk_model.evaluation.head_to_head import head_to_head
from risk_model.evaluation.metric_table import METRICS, count_by_subject, metrics_in
from risk_model.evaluation.parity import parity
from risk_model.evaluation.resampled_metrics import (
    EvaluationSettings,
    Key,
    ResampledMetrics,
    ScoredRows,
    resample_metrics,
)
from risk_model.evaluation.results import (
    ModelEvaluation,
    Parity,
    PartEvaluation,
    RequiredRows,
    SubgroupEvaluation,
)

RISKS = {"calibrated": "predicted_boolean_probability", "raw": "raw_probability"}
Resampled = dict[Key, ResampledMetrics]


def evaluate_split(predictions: pd.DataFrame, settings: EvaluationSettings) -> PartEvaluation:
    """Everything about one part, model by model.

    `predictions` holds the rows of one split: for each model the same prediction moments. The
    others are compared with the first model.
    """
    codes, subjects = pd.factorize(predictions["subject_id"])
    predictions = predictions.assign(_subject=codes)
    frames = {str(name): rows for name, rows in predictions.groupby("model", sort=False)}
    rows = {k: r for name, frame in frames.items() for k, r in _rows(name, frame, settings).items()}
    resampled = resample_metrics(rows, settings)
    comparator = resampled[next(iter(frames)), "calibrated"]
    beside = head_to_head(frames, settings)
    return PartEvaluation(
        n=comparator.rows.n,
        subjects=len(subjects),
        events=comparator.rows.events,
        prevalence=comparator.rows.prevalence,
        repeats=comparator.rows.repeats,
        resamples_dropped=int(np.isnan(comparator.draws["events"]).sum()),
        models={
            name: replace(
                _evaluate_model(name, frame, resampled, comparator, settings),
                head_to_head=beside[name],
            )
            for name, frame in frames.items()
        },
    )


def _rows(name: str, frame: pd.DataFrame, settings: EvaluationSettings) -> dict[Key, ScoredRows]:
    """One model's calibrated and raw risks, and those of each group that is large enough."""
    outcome = frame["boolean_value"].to_numpy().astype(np.int8)
    subject, repeats = frame["_subject"].to_numpy(), frame["repeat"].nunique()
    rows: dict[Key, ScoredRows] = {
        (name, kind): ScoredRows(outcome, frame[column].to_numpy(np.float64), subject, repeats)
        for kind, column in RISKS.items()
    }
    for partition, labels in subgroups.partitions(frame).items():
        for group in subgroups.groups(labels, partition):
            members = rows[name, "calibrated"].take(labels == group)
            if min(members.events, members.non_events) >= settings.config.minimum_events:
                rows[name, partition, group] = members
    return rows


def _evaluate_model(
    name: str,
    frame: pd.DataFrame,
    resampled: Resampled,
    comparator: ResampledMetrics,
    settings: EvaluationSettings,
) -> ModelEvaluation:
    own = resampled[name, "calibrated"]
    rows, names = own.rows, settings.names(METRICS)
    per_1000 = utility.per_1000(
        count_by_subject(rows.outcome, rows.risk, rows.subject, settings.threshold)
    )
    enough = min(rows.events, rows.non_events) >= settings.config.minimum_events
    groups, parities = _subgroups(name, frame, resampled, settings)
    return ModelEvaluation(
        metrics=own.metrics(names),
        raw=resampled[name, "raw"].metrics(names),
        differences={} if own is comparator else _differences(own, comparator, settings),
        per_1000=per_1000,
        per_1000_sentence=utility.per_1000_sentence(per_1000, settings.threshold),
        required_rows=_required_rows(rows, settings),
        curves=curves.curves(own, comparator, settings) if enough else None,
        subgroups=groups,
        parity=parities,
    )


def _differences(
    own: ResampledMetrics, comparator: ResampledMetrics, settings: EvaluationSettings
) -> dict[str, Estimate]:
    names = settings.names(metrics_in("differences"))
    return {name: interval(*own.difference(comparator, name)) for name in names}


def _required_rows(rows: ScoredRows, settings: EvaluationSettings) -> list[RequiredRows]:
    required = validation_sample_size.required_rows(
        rows.outcome, rows.risk, settings.threshold, settings.config, rows.repeats
    )
    stated = len(settings.curve) > 0
    return [row for row in required if stated or row.metric != "net_benefit"]


def _subgroups(
    name: str, frame: pd.DataFrame, resampled: Resampled, settings: EvaluationSettings
) -> tuple[list[SubgroupEvaluation], dict[str, Parity]]:
    """The groups, each beside all other patients, and how far apart those of a partition are."""
    everybody, table, parities = resampled[name, "calibrated"].rows, [], {}
    for partition, labels in subgroups.partitions(frame).items():
        names = subgroups.groups(labels, partition)
        large = {
            g: resampled[name, partition, g] for g in names if (name, partition, g) in resampled
        }
        for group in names:
            inside = labels == group
            row = SubgroupEvaluation(partition, group, n=int(inside.sum()) // everybody.repeats)
            if group in large:
                others = everybody.take(~inside)
                row = subgroups.evaluate(row, large[group], others, settings)
            table.append(row)
        if len(large) > 1:
            parities[partition] = parity(large)
    return subgroups.judge(table, settings.config.intercept_bound, settings.parts), parities
