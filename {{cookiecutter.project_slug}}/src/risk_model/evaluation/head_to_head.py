"""Head to head: an existing score, or a clinician's estimate, beside a model on the same patients.

Is the model better than what is there already? Only the rows on which the score is recorded count,
for both, and draw k of the bootstrap takes the same subjects for both.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from risk_model.core.predictions import SCORE
from risk_model.evaluation.bootstrap import interval
from risk_model.evaluation.metric_table import METRICS
from risk_model.evaluation.resampled_metrics import (
    EvaluationSettings,
    Key,
    ScoredRows,
    resample_metrics,
)
from risk_model.evaluation.results import HeadToHead

COMPARED = ("auroc", "citl", "slope", "net_benefit", "brier", "log_loss")


def head_to_head(
    frames: Mapping[str, pd.DataFrame], settings: EvaluationSettings
) -> dict[str, list[HeadToHead]]:
    """Each model beside each existing score, by model; empty lists where no score is named.

    `frames` holds the rows of one part by model: the same prediction moments for each, the scores
    in the columns that begin with SCORE, the subject's number in `_subject`.
    """
    first = next(iter(frames.values()))
    columns = [str(column) for column in first if str(column).startswith(SCORE)]
    made: dict[str, list[HeadToHead]] = {model: [] for model in frames}
    for column in columns:
        for model, result in _beside(column, frames, settings).items():
            made[model].append(result)
    return made


def _beside(
    column: str, frames: Mapping[str, pd.DataFrame], settings: EvaluationSettings
) -> dict[str, HeadToHead]:
    recorded = {model: frame[frame[column].notna()] for model, frame in frames.items()}
    first, score = next(iter(recorded.values())), column.removeprefix(SCORE)
    scored = _scored(first, column)
    counts = HeadToHead(score, scored.n, first["subject_id"].nunique(), scored.events)
    if min(scored.events, scored.non_events) < settings.config.minimum_events:
        return dict.fromkeys(frames, counts)
    rows: dict[Key, ScoredRows] = {("score",): scored}
    for model, frame in recorded.items():
        rows["model", model] = _scored(frame, "predicted_boolean_probability")
    resampled = resample_metrics(rows, settings)
    names = [n for n in settings.names(METRICS) if n in COMPARED]
    theirs = resampled["score",]
    results = {}
    for model in frames:
        own = resampled["model", model]
        results[model] = HeadToHead(
            score,
            counts.n,
            counts.subjects,
            counts.events,
            theirs.metrics(names),
            own.metrics(names),
            {name: interval(*own.difference(theirs, name)) for name in names},
        )
    return results


def _scored(frame: pd.DataFrame, column: str) -> ScoredRows:
    outcome = frame["boolean_value"].to_numpy().astype(np.int8)
    risk, subject = frame[column].to_numpy(np.float64), frame["_subject"].to_numpy()
    return ScoredRows(outcome, risk, subject, max(frame["repeat"].nunique(), 1))
