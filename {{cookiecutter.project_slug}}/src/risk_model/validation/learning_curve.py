"""The learning curve of a run: what would more patients bring?

In each turn of the cross-fitting of the development rows the baselines are fitted on a quarter, a
half, three quarters and all of the subjects that teach in it, and asked for the rows held out; the
rows that stop the training stay the same. The test split is not looked at. The network would take
too long.

Each quarter of the subjects leads once, so that each is left out once from three quarters: which
quarter is left out decides as much as how many patients there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import NoReturn

import numpy as np
from tqdm import tqdm

from risk_model import artifacts
from risk_model.config import Config
from risk_model.core.cohort import Cohort, Outcome, Rows
from risk_model.core.errors import UserError
from risk_model.core.files import write_json
from risk_model.core.inputs import Inputs
from risk_model.core.subject_folds import subject_folds
from risk_model.data.prepare import Prepared
from risk_model.evaluation.learning_curve import (
    FILE,
    LearningCurve,
    TeachingSize,
    share_performances,
)
from risk_model.model import Floats
from risk_model.model.table import refitted
from risk_model.training.fit import fit_models
from risk_model.training.folds import Subjects, Turn, null_log_loss, turns
from risk_model.training.monitor import Monitor

QUARTERS = 4
Teaching = list[list[Rows]]  # for each share, ascending, the rows of each of its fits


def learning_curve(settings: Config, directory: Path, prepared: Prepared) -> LearningCurve:
    """Judges a run's baselines made from shares of its patients; writes learning_curve.json.

    Args:
        settings: those the run was trained with.
        directory: the run's.
        prepared: the data that it was trained on.

    Raises:
        UserError: the data have changed, or a quarter of the patients has too few events.
    """
    training = artifacts.read_training_of(directory, prepared.cohort)
    cohort, seed, names = prepared.cohort, settings.seed, refitted()
    labels, subjects = cohort.labels, cohort.subjects
    each = turns(prepared.splits, subjects, labels, seed, settings.split.folds)
    teaching = [
        nested_shares(turn.train, subjects, labels, seed + number)
        for number, turn in enumerate(each)
    ]
    _check_events(teaching, labels, settings.evaluation.minimum_events)
    asked = np.concatenate([turn.held_out for turn in each])
    logits = _logits(settings, cohort, each, teaching)
    record = LearningCurve(
        seed=seed,
        turns=len(each),
        rows=len(asked),
        margin=settings.training.margin * null_log_loss(labels[asked]),
        sizes=_sizes(teaching, cohort),
        models={
            name: share_performances(logits[name], labels[asked], subjects[asked], seed)
            for name in names
        },
        not_made_anew=[row.model for row in training.champion.table if row.model not in names],
        row_name=cohort.row_name,
    )
    write_json(directory / FILE, record.to_json())
    return record


def nested_shares(train: Rows, subjects: Subjects, labels: Outcome, seed: int) -> Teaching:
    """A quarter, a half, three quarters and all of these rows, by whole subjects.

    The subjects are dealt into quarters, those with an event first. Each quarter leads once, and
    the ones after it are added: of the fits that begin with the same quarter, the smaller share's
    rows are among the larger one's. All rows are one fit. `subjects` and `labels` are of all rows
    of the cohort.
    """
    quarter = subject_folds(subjects[train], labels[train], seed, QUARTERS)
    shares = [
        [train[(quarter - leads) % QUARTERS < count] for leads in range(QUARTERS)]
        for count in range(1, QUARTERS)
    ]
    return [*shares, [train]]


def _check_events(teaching: Sequence[Teaching], labels: Outcome, least: int) -> None:
    quarters = [labels[rows] for shares in teaching for rows in shares[0]]
    if min(min(own.sum(), len(own) - own.sum()) for own in quarters) < least:
        raise UserError(
            f"learning_curve: a quarter of the patients has fewer than {least} events or "
            "non-events, which is too few to make a model from"
        )


def _logits(
    settings: Config, cohort: Cohort, each: Sequence[Turn], teaching: Sequence[Teaching]
) -> dict[str, list[Floats]]:
    """What is said of all rows held out, turn by turn: for each share float64[fits, n], by name."""
    inputs = cohort.model_inputs()
    said: dict[str, list[Floats]] = defaultdict(list)
    fits = len(each) * sum(map(len, teaching[0]))
    with tqdm(total=fits, desc="learning curve", unit="fit", disable=None, leave=False) as bar:
        for share in zip(*teaching, strict=True):
            pooled = [
                _pooled(settings, cohort, inputs, each, rows, bar)
                for rows in zip(*share, strict=True)
            ]
            for name in pooled[0]:
                said[name].append(np.array([logits[name] for logits in pooled]))
    return said


def _pooled(
    settings: Config,
    cohort: Cohort,
    inputs: Inputs,
    each: Sequence[Turn],
    teaching: Sequence[Rows],
    bar: tqdm[NoReturn],
) -> dict[str, Floats]:
    """What models made from these rows say of those held out, turn by turn: float64[n] by name."""
    said: dict[str, list[Floats]] = defaultdict(list)
    for turn, rows in zip(each, teaching, strict=True):
        parts = cohort.labels, cohort.subjects, rows, turn.validation
        models = fit_models(inputs, *parts, cohort.schema, settings, Monitor(), refitted())
        for name, model in models.items():
            said[name].append(inputs.take(turn.held_out).map(model.logit))
        bar.update()
    return {name: np.concatenate(parts) for name, parts in said.items()}


def _sizes(teaching: Sequence[Teaching], cohort: Cohort) -> list[TeachingSize]:
    """How many teach at each share, on average over its fits in all turns."""
    sizes = []
    for number, share in enumerate(zip(*teaching, strict=True), start=1):
        fits = [rows for turn in share for rows in turn]
        people = mean(len(set(cohort.subjects[rows])) for rows in fits)
        sizes.append(
            TeachingSize(
                share=number / QUARTERS,
                subjects=round(people) if cohort.patients_identified else None,
                rows=round(mean(len(rows) for rows in fits)),
                events=round(mean(int(cohort.labels[rows].sum()) for rows in fits)),
            )
        )
    return sizes
