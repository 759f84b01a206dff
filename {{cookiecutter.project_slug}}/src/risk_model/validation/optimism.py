"""The optimism-corrected bootstrap of all steps of development.

How much better does a model look on the rows it was made from than it is? Bootstrap samples of the
subjects stand in for other samples. On each the whole way is gone anew, and what is made there is
judged on the sample itself and on the original rows: the mean difference is the optimism, and it is
taken off what the original model shows on its own rows (Harrell, Lee and Mark, Stat Med
1996;15:361-387; Steyerberg et al., J Clin Epidemiol 2001;54:774-781). A sample holds about two
thirds of the original subjects, so the correction is too small for a model that nearly repeats the
rows it has seen; what it shows on the rows that the samples left out tells whether it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from risk_model import artifacts
from risk_model.config import Config
from risk_model.core.cohort import Cohort, Outcome, Rows, Splits
from risk_model.core.errors import UserError
from risk_model.core.estimate import NORMAL
from risk_model.core.files import write_json
from risk_model.core.json_record import JsonRecord
from risk_model.core.parts import PARTS
from risk_model.core.scores import Floats, auroc, log_loss, logit
from risk_model.data.prepare import Prepared
from risk_model.evaluation.bootstrap import draw_counts
from risk_model.evaluation.metrics import brier, calibration_in_the_large
from risk_model.evaluation.recalibration import recalibration
from risk_model.model.table import refitted
from risk_model.training.develop import develop

# Of AUROC, from the corrected figure to the rows left out. On made-up cohorts the corrected AUROC
# was .003 too high where it mostly fell by less (logistic regression, 5 predictors, 150 rows), .01
# and .1 where by more (15 predictors; XGBoost, 400 rows); on the rows left out it was .02 to .04
# too low.
FALL = 0.02
METRICS = ("auroc", "brier", "log_loss", "slope", "intercept", "citl")
Learn = Callable[[Rows], Floats]


@dataclass(frozen=True)
class CorrectedMetric(JsonRecord):
    """One metric of a way to make models; None where it is not defined in every sample.

    `apparent` is that of the original model on its own rows. Means over the samples' models:
    `training` on the sample, `test` on the original rows, `left_out` on those of them whose subject
    was not drawn. `optimism` is training - test, `error` its Monte Carlo standard error, and
    `corrected` is apparent - optimism.
    """

    apparent: float | None
    training: float | None
    test: float | None
    left_out: float | None
    optimism: float | None
    error: float | None
    corrected: float | None


@dataclass(frozen=True)
class OptimismRecord(JsonRecord):
    """What the samples showed, by metric (see METRICS).

    `intercept` and `slope` are of the calibration line, `citl` the intercept at a slope of 1.
    `too_small`: from corrected to the rows left out AUROC surely falls by more than FALL, so that
    the correction may be too small.
    """

    resamples: int
    seed: int
    rows: int
    events: int
    metrics: dict[str, CorrectedMetric]
    too_small: bool


@dataclass(frozen=True)
class RunOptimism(JsonRecord):
    """The content of optimism.json.

    `champion` is the run's, `models` are those that were made anew and chosen from, `not_made_anew`
    the other candidates of the run, and `forced` says that model.champion names the choice.
    `subjects` is None where nothing tells whose row each is.
    """

    champion: str
    forced: bool
    models: list[str]
    not_made_anew: list[str]
    subjects: int | None
    optimism: OptimismRecord


def optimism_corrected(
    learn: Learn, outcome: Outcome, subjects: npt.NDArray[np.object_], resamples: int, seed: int
) -> OptimismRecord:
    """Metrics of the models that `learn` makes, corrected for optimism.

    Args:
        learn: makes a model anew, with all its steps, from these positions (int64, ascending; one
            may stand there several times) and gives its risk of every row, float64[n].
        outcome: int8[n].
        subjects: whose rows they are, [n]; all rows of a subject are drawn together.
        resamples: how many bootstrap samples are drawn.
        seed: of the samples.

    Raises:
        UserError: a sample holds a single class.
    """
    code, names = pd.factorize(subjects)
    draws = chain.from_iterable(draw_counts(len(names), resamples, seed))
    figures = [
        _judge(learn, outcome, counts[code])
        for counts in tqdm(
            draws, total=resamples, desc="optimism", unit="sample", disable=None, leave=False
        )
    ]
    training, test, left_out = np.moveaxis(np.array(figures), 1, 0)
    apparent = _metrics(outcome, learn(np.arange(len(outcome))))
    optimism = training - test
    fall = apparent - optimism - left_out  # float64[resamples, 6]
    columns = zip(
        apparent,
        training.mean(axis=0),
        test.mean(axis=0),
        left_out.mean(axis=0),
        optimism.mean(axis=0),
        _error(optimism),
        apparent - optimism.mean(axis=0),
        strict=True,
    )
    return OptimismRecord(
        resamples=resamples,
        seed=seed,
        rows=len(outcome),
        events=int(outcome.sum()),
        metrics={
            name: CorrectedMetric(*(float(v) if np.isfinite(v) else None for v in column))
            for name, column in zip(METRICS, columns, strict=True)
        },
        too_small=bool((fall.mean(axis=0) - NORMAL * _error(fall))[METRICS.index("auroc")] > FALL),
    )


def _judge(learn: Learn, outcome: Outcome, counts: npt.NDArray[np.uint8]) -> list[Floats]:
    """The metrics of one sample's model: on the sample, on every row, on the rows left out."""
    sample = np.repeat(np.arange(len(outcome)), counts)
    if len(np.unique(outcome[sample])) < 2:
        raise UserError(
            "optimism: so few events that a sample of the subjects holds one class; use more rows"
        )
    risk, unseen = learn(sample), counts == 0
    return [
        _metrics(outcome[sample], risk[sample]),
        _metrics(outcome, risk),
        _metrics(outcome[unseen], risk[unseen]),
    ]


def _metrics(outcome: Outcome, risk: Floats) -> Floats:
    """METRICS in their order; NaN for what is not defined."""
    rows = np.ones((1, len(risk)))
    intercept, slope = recalibration(rows * outcome, rows, logit(risk), slope=True)[0]
    plain = (measure(outcome, risk) for measure in (auroc, brier, log_loss))
    return np.array([*plain, slope, intercept, calibration_in_the_large(outcome, risk)])


def _error(values: Floats) -> Floats:
    """Monte Carlo standard error of the mean over the first axis."""
    return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))


def optimism(
    settings: Config, directory: Path, prepared: Prepared, resamples: int = 200
) -> RunOptimism:
    """Corrects the figures of a run's way of making models; writes optimism.json into the run.

    The rows are those that shaped the models: neither the test split nor an external part is
    looked at. The models that are refitted (see `model/table.py`) are made anew.

    Args:
        settings: those the run was trained with.
        directory: the run's.
        prepared: the data that it was trained on.
        resamples: how many bootstrap samples are drawn.

    Raises:
        UserError: the data have changed, or a sample or a part of it holds a single class.
    """
    training = artifacts.read_training_of(directory, prepared.cohort)
    cohort, rows, models = prepared.cohort, prepared.splits.learning, refitted()
    record = RunOptimism(
        champion=training.champion.name,
        forced=settings.model.champion in models,
        models=models,
        not_made_anew=[r.model for r in training.champion.table if r.model not in models],
        subjects=len(set(cohort.subjects[rows])) if cohort.patients_identified else None,
        optimism=optimism_corrected(
            _strategy(settings, cohort, prepared.splits),
            cohort.labels[rows],
            cohort.subjects[rows],
            resamples,
            settings.seed,
        ),
    )
    write_json(directory / "optimism.json", record.to_json())
    return record


def _strategy(settings: Config, cohort: Cohort, splits: Splits) -> Learn:
    """All steps of development for positions in `splits.learning`: fit, calibrate and choose.

    A row keeps the part that it has in the run. The champion is chosen among the models that are
    made anew, unless the run's settings name one of them.
    """
    rows, models = splits.learning, refitted()
    inputs = cohort.model_inputs()
    belongs = {name: np.isin(rows, getattr(splits, name)) for name in PARTS if name != "test"}

    def learn(positions: Rows) -> Floats:
        drawn = {name: rows[positions][inside[positions]] for name, inside in belongs.items()}
        sample = Splits(**drawn, test=splits.test, external=splits.external)
        made = develop(settings, cohort, inputs, sample, rows=rows, only=models)
        return made.risks[made.champion.name]

    return learn
