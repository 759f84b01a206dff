"""Stability: how much a patient's risk scatters over models developed on other samples.

How much would a risk change, had the model been developed on another sample of the same size?
Bootstrap samples of the training split's subjects stand in for other samples (Riley and Collins,
Biometrical Journal 2023;65:2200302). The baselines are made anew from each, with all steps of the
run: cross-fitting, trees to stop at, and the choice and fit of the calibrator. What is asked is
their risks for the rows of the test split, or of the development where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from risk_model import artifacts
from risk_model.config import Config
from risk_model.core.cohort import Cohort, Rows, Splits
from risk_model.core.errors import UserError
from risk_model.core.files import write_json
from risk_model.core.runs import not_evaluated
from risk_model.core.scorer import Scorer
from risk_model.data.prepare import Prepared
from risk_model.evaluation.bootstrap import draw_counts
from risk_model.evaluation.instability import StabilityRecord, instability
from risk_model.model.table import refitted as refitted_models
from risk_model.reporting.stability import write_stability
from risk_model.training.develop import develop
from risk_model.training.record import TrainingRecord

LEAST = 50  # refits: with fewer, a 95 % range hangs on the single lowest and highest
Risks = dict[str, npt.NDArray[np.float64]]


def stability(
    settings: Config, directory: Path, prepared: Prepared, refits: int = 200
) -> StabilityRecord:
    """Refits the baselines; writes stability.json, its page and a plot a model into the run.

    Args:
        settings: Those the run was trained with.
        directory: The run's.
        prepared: The data that it was trained on.
        refits: How many bootstrap samples are drawn.

    Raises:
        UserError: There are too few refits, the run is not evaluated, or its data have changed.
    """
    if refits < LEAST:
        raise UserError(
            f"evaluation.refits={refits}: must be at least {LEAST} to tell a 95 % range; 200 are "
            "advised"
        )
    training = _training_record(directory, prepared)
    names, cohort, asked = refitted_models(), prepared.cohort, _rows(prepared.splits)
    original = _original(directory, cohort.take(asked), names)
    refitted = refit(settings, prepared, names, refits)
    record = StabilityRecord(
        part="test split" if len(prepared.splits.test) else "development",
        refits=refits,
        seed=settings.seed,
        subjects=len(np.unique(cohort.subjects[prepared.splits.train])),
        threshold=training.threshold,
        champion=training.champion.name,
        models={
            n: instability(original[n], refitted[n], training.threshold, cohort.labels[asked])
            for n in names
        },
        unit="subjects" if cohort.patients_identified else cohort.row_name,
    )
    write_stability(directory, f"{cohort.schema.outcome} — {cohort.schema.name}", record, refitted)
    write_json(directory / "stability.json", record.to_json())
    return record


def _training_record(directory: Path, prepared: Prepared) -> TrainingRecord:
    if not (directory / "evaluation.json").is_file():
        raise not_evaluated("run", directory)
    return artifacts.read_training_of(directory, prepared.cohort)


def _rows(splits: Splits) -> Rows:
    """The test rows, or those of the development where there are none."""
    return splits.test if len(splits.test) else splits.train


def _original(directory: Path, asked: Cohort, names: list[str]) -> Risks:
    """The calibrated risks of the run's own models for these rows."""
    inputs = asked.model_inputs()
    graphs = {name: directory / "packages" / name / "risk.onnx" for name in names}
    return {name: Scorer(path.read_bytes())(inputs)[0] for name, path in graphs.items()}


def refit(settings: Config, prepared: Prepared, names: Sequence[str], refits: int) -> Risks:
    """The risks of the rows asked for from baselines made from bootstrap samples.

    Float64[refits, n] by name, the same for a seed. UserError when a sample holds a single class.
    """
    cohort, splits = prepared.cohort, prepared.splits
    inputs = cohort.model_inputs()
    asked = _rows(splits)
    table = {name: np.empty((refits, len(asked))) for name in names}
    samples = samples_of_subjects(splits, cohort.subjects[splits.train], refits, settings.seed)
    for k, sample in enumerate(
        tqdm(samples, total=refits, desc="stability", unit="refit", disable=None, leave=False)
    ):
        outcome, least = cohort.labels[np.unique(sample.train)], settings.split.folds
        if min(outcome.sum(), (1 - outcome).sum()) < least:
            raise UserError(
                f"train: so few events that a sample of its subjects drew fewer than {least}; "
                "enlarge split.train, or bring more subjects"
            )
        made = develop(settings, cohort, inputs, sample, rows=asked, only=names)
        for name, risk in made.risks.items():
            table[name][k] = risk
    return table


def samples_of_subjects(
    splits: Splits, subjects: npt.NDArray[Any], refits: int, seed: int
) -> Iterator[Splits]:
    """The splits with bootstrap samples in place of the training rows.

    All rows of a subject stand there as often as it is drawn. `subjects` names the subject of each
    training row.
    """
    code, names = pd.factorize(subjects)
    for chunk in draw_counts(len(names), refits, seed):
        for counts in chunk:
            yield replace(splits, train=np.repeat(splits.train, counts[code]))
