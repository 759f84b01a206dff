"""Paired differences of two models on the same rows: is one better than the other?

Or was one of them tried on easier patients? Only the same rows can tell. Draw k of the bootstrap
takes the same subjects for both models, so what makes a patient hard for both cancels out of the
difference. Without the same rows there is no difference to compute, however alike the metrics look.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from risk_model.config import Evaluation
from risk_model.evaluation.bootstrap import interval
from risk_model.evaluation.metric_table import metrics_in
from risk_model.evaluation.resampled_metrics import (
    EvaluationSettings,
    Key,
    ScoredRows,
    resample_metrics,
)
from risk_model.evaluation.results import Metrics

RISK, OUTCOME, SUBJECT = "predicted_boolean_probability", "boolean_value", "subject_id"


def why_not(first: pd.DataFrame, second: pd.DataFrame) -> str:
    """Why the rows of two prediction tables, one model each, cannot be paired; "" when they can.

    They can when both hold the same subjects, each with the same outcomes.
    """
    counts = [Counter(zip(rows[SUBJECT], rows[OUTCOME], strict=True)) for rows in (first, second)]
    if counts[0] == counts[1]:
        return ""
    ours, theirs = (set(rows[SUBJECT]) for rows in (first, second))
    if ours != theirs:
        shared = len(ours & theirs)
        return (
            f"the rows are not the same, {shared:,} of {len(ours):,} and {len(theirs):,} "
            "subjects stand in both"
        )
    return "the subjects are the same, their rows or outcomes are not"


def paired_differences(
    first: pd.DataFrame, second: pd.DataFrame, threshold: float | None, resamples: int, seed: int
) -> Metrics:
    """Second minus first: each metric of the comparison with its interval.

    The rows are those that `why_not` has nothing against. Without a `threshold`, metrics that need
    one are left out. Intervals are the middle 95 % of paired draws of subjects.
    """
    names = pd.Index(first[SUBJECT].unique())
    curve = np.empty(0) if threshold is None else np.array([threshold])
    settings = EvaluationSettings(threshold or 0.5, curve, Evaluation(resamples=resamples), seed)
    rows: dict[Key, ScoredRows] = {
        ("first",): _scored(first, names),
        ("second",): _scored(second, names),
    }
    resampled = resample_metrics(rows, settings)
    compared = [
        metric.name
        for metric in metrics_in("comparison")
        if metric.of_risks is not None or threshold is not None
    ]
    one, other = resampled["first",], resampled["second",]
    return {name: interval(*other.difference(one, name)) for name in compared}


def _scored(rows: pd.DataFrame, names: pd.Index[str]) -> ScoredRows:
    outcome = rows[OUTCOME].to_numpy().astype(np.int8)
    return ScoredRows(
        outcome, rows[RISK].to_numpy(np.float64), names.get_indexer(pd.Index(rows[SUBJECT]))
    )
