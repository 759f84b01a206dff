"""The optimism-corrected figures equal R's, and are of all steps, on development rows alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from risk_model.app.commands.optimism import lines
from risk_model.config import Config, Synthetic
from risk_model.core.cohort import Outcome, Rows
from risk_model.core.errors import UserError
from risk_model.core.estimate import NORMAL, Estimate
from risk_model.core.files import read_json, write_json
from risk_model.core.scores import auroc, placements, sigmoid
from risk_model.data.prepare import Prepared, prepare
from risk_model.data.sources.heart_disease import FILE
from risk_model.evaluation.delong import standard_error
from risk_model.model.table import refitted
from risk_model.training.champion import choose_champion
from risk_model.training.develop import develop
from risk_model.training.record import ChampionChoice, ModelComparison
from risk_model.validation.optimism import (
    METRICS,
    CorrectedMetric,
    Learn,
    OptimismRecord,
    RunOptimism,
    optimism,
    optimism_corrected,
)

from tests.made_record import made_record

Floats = npt.NDArray[np.float64]
COLUMNS = ["age", "sex", "cp", "exang", "oldpeak"]  # recorded for nearly everybody
# What `evidence/optimism.R` of the template printed, with R 4.2.2, rms 6.5-0 and pROC 1.18.0
# (Debian 12), for plain logistic regression on the heart disease data's rows with all of COLUMNS.
ROWS, EVENTS, SAMPLES = 857, 468, 10_000
# index.orig, optimism and index.corrected: of rms::validate(method="boot"), whose Dxy is
# 2 AUROC - 1; log loss and calibration-in-the-large of a loop over R's glm.
CORRECTED = {
    "auroc": ((1 + 0.75962912) / 2, 0.0082545456 / 2, (1 + 0.75137457) / 2),
    "intercept": (0.0, -0.0071498595, 0.0071498595),
    "slope": (1.0, 0.027413117, 0.97258688),
    "brier": (0.13807939, -0.0033919127, 0.1414713),
    "log_loss": (0.43090252, -0.0098494937, 0.44075202),
    "citl": (0.0, -0.0016807828, 0.0016807826),
}
# the means on the rows that the samples left out, of rms::validate(method=".632")
LEFT_OUT = {
    "auroc": (1 + 0.74787544) / 2,
    "intercept": 0.01332533,
    "slope": 0.95930236,
    "brier": 0.14320293,
}
# how far one sample's figure lies from their mean, as a standard deviation
SPREAD = {"auroc": 0.0152, "intercept": 0.207, "slope": 0.133, "brier": 0.0098}
# however many samples: an optimism further from R's than this is another method's
FAR = {
    "auroc": 0.0025,
    "intercept": 0.03,
    "slope": 0.015,
    "brier": 0.0015,
    "log_loss": 0.004,
    "citl": 0.03,
}
AUROC_LOW, AUROC_HIGH = 0.85706106, 0.90256805  # pROC's ci.auc, DeLong


def heart_disease() -> tuple[Outcome, Floats]:
    """Outcome int8[n] and design matrix float64[n, 8] of the rows with all of COLUMNS recorded."""
    frame = pd.read_csv(FILE).dropna(subset=COLUMNS)
    columns = pd.get_dummies(frame[COLUMNS], columns=["sex", "cp", "exang"], drop_first=True)
    design = columns.to_numpy(dtype=np.float64)
    scaled = (design - design.mean(axis=0)) / design.std(axis=0)
    return (frame["num"] > 0).to_numpy().astype(np.int8), np.column_stack([np.ones(ROWS), scaled])


def plain_logistic_regression(outcome: Outcome, design: Floats) -> Learn:
    """Maximum likelihood by iteratively reweighted least squares, without a penalty."""

    def learn(rows: Rows) -> Floats:
        x, y, beta = design[rows], outcome[rows], np.zeros(design.shape[1])
        for _ in range(25):
            p = sigmoid(x @ beta)
            step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x, x.T @ (y - p))
            beta = beta + step
            if np.abs(step).max() < 1e-9:
                break
        return sigmoid(design @ beta)

    return learn


def equals_r(resamples: int) -> None:
    """Asserts that each figure is R's: within FAR and four standard errors of the difference."""
    outcome, design = heart_disease()
    learn = plain_logistic_regression(outcome, design)
    people = np.arange(ROWS).astype(object)
    record = optimism_corrected(learn, outcome, people, resamples, seed=0)
    assert (record.rows, record.events, record.too_small) == (ROWS, EVENTS, False)
    assert set(record.metrics) == set(CORRECTED)
    both = np.sqrt(1 / resamples + 1 / SAMPLES)
    for name, (original, optimistic, corrected) in CORRECTED.items():
        own = record.metrics[name]
        assert own.error is not None
        within = min(4 * own.error * np.sqrt(resamples) * both, FAR[name])
        assert own.apparent == pytest.approx(original, abs=2e-8), name
        assert own.optimism == pytest.approx(optimistic, abs=within), name
        assert own.corrected == pytest.approx(corrected, abs=within), name
    for name, mean in LEFT_OUT.items():
        within = 4 * SPREAD[name] * both
        assert record.metrics[name].left_out == pytest.approx(mean, abs=within), name


def test_the_figures_of_plain_logistic_regression_equal_those_of_rms() -> None:
    equals_r(250)


@pytest.mark.slow
def test_the_figures_equal_those_of_rms_with_many_samples() -> None:
    equals_r(4_000)


def test_area_and_standard_error_equal_those_of_proc() -> None:
    outcome, design = heart_disease()
    risk = plain_logistic_regression(outcome, design)(np.arange(ROWS))
    error = standard_error(outcome, placements(outcome, risk), np.arange(ROWS))
    assert auroc(outcome, risk) == pytest.approx((AUROC_LOW + AUROC_HIGH) / 2, abs=2e-8)
    assert 2 * NORMAL * error == pytest.approx(AUROC_HIGH - AUROC_LOW, abs=2e-8)


def test_all_rows_of_a_subject_are_drawn_together_and_every_row_is_judged() -> None:
    subjects = np.array([*"aabbcccddee"], dtype=object)
    outcome = np.array([0, 1, 0, 1, 0, 1, 1, 0, 1, 1, 0], dtype=np.int8)
    seen: list[list[int]] = []

    def learn(rows: Rows) -> Floats:
        seen.append(rows.tolist())
        return np.linspace(0.1, 0.9, 11)

    record = optimism_corrected(learn, outcome, subjects, 40, seed=0)
    *samples, original = seen
    assert original == list(range(11))
    assert len(samples) == 40
    for rows in samples:
        assert rows == sorted(rows)
        times = np.bincount(rows, minlength=11)
        drawn = [np.unique(times[subjects == name]) for name in "abcde"]
        assert all(len(counts) == 1 for counts in drawn)
        assert np.sum(drawn) == 5
    assert record.metrics["auroc"].apparent == pytest.approx(record.metrics["auroc"].test)
    again = optimism_corrected(learn, outcome, subjects, 40, seed=0)
    other = optimism_corrected(learn, outcome, subjects, 40, seed=1)
    assert again == record
    assert other.metrics["brier"] != record.metrics["brier"]
    assert OptimismRecord.from_json(record.to_json()) == record


def by_heart(outcome: Outcome) -> Learn:
    """A learner that knows the rows it has seen and guesses the others at random."""
    guess = np.random.default_rng(0).uniform(0.4, 0.6, len(outcome))

    def learn(rows: Rows) -> Floats:
        risk = guess.copy()
        risk[rows] = np.where(outcome[rows] == 1, 0.9, 0.1)
        return risk

    return learn


def test_a_learner_by_heart_is_told_to_be_corrected_too_little() -> None:
    outcome = np.random.default_rng(1).integers(0, 2, 400).astype(np.int8)
    people = np.arange(400).astype(object)
    record = optimism_corrected(by_heart(outcome), outcome, people, 50, seed=0)
    own = record.metrics["auroc"]
    assert record.too_small
    assert own.apparent == 1
    assert own.corrected is not None
    assert own.corrected > 0.8  # though half of the guesses are wrong
    assert own.left_out == pytest.approx(0.5, abs=0.05)
    # events and non-events are told apart without an error: there is no finite slope
    slope = record.metrics["slope"]
    assert (slope.apparent, slope.training, slope.optimism, slope.corrected) == (None,) * 4


def test_a_sample_of_one_class_is_refused() -> None:
    outcome = np.array([1, *[0] * 30], dtype=np.int8)
    with pytest.raises(UserError, match="so few events that a sample"):
        optimism_corrected(
            lambda rows: np.full(31, 0.1), outcome, np.arange(31).astype(object), 50, seed=0
        )


@pytest.fixture(scope="module")
def cohort() -> tuple[Config, Prepared]:
    """Settings and a made-up cohort with several rows a subject."""
    settings = Config(data=Synthetic(subjects=1_500))
    settings.model.xgboost.trees, settings.model.logistic_regression.c = 15, 0.1
    settings.split.folds, settings.split.test_events = 2, 0
    return settings, prepare(settings)


def write_run(directory: Path, prepared: Prepared, champion: str) -> None:
    """What `optimism` reads of a trained run of this cohort."""
    table = [ModelComparison(name, 0.3, Estimate(0.0)) for name in (*refitted(), "network")]
    record = made_record(prepared.cohort, champion, table)
    write_json(directory / "training.json", record.to_json())


def test_the_original_is_the_runs_own_strategy_on_the_rows_that_shaped_it(
    cohort: tuple[Config, Prepared], tmp_path: Path
) -> None:
    settings, prepared = cohort
    own, splits, rows = prepared.cohort, prepared.splits, prepared.splits.learning
    write_run(tmp_path, prepared, "xgboost")
    record = optimism(settings, tmp_path, prepared, 3)
    assert RunOptimism.from_json(read_json(tmp_path / "optimism.json")) == record
    made = develop(settings, own, own.model_inputs(), splits, only=refitted())
    expected = auroc(own.labels[rows], made.risks[made.champion.name][rows])
    metrics = record.optimism.metrics
    assert metrics["auroc"].apparent == pytest.approx(expected, abs=1e-12)
    assert record.subjects == len(set(own.subjects[rows]))
    assert (record.optimism.rows, record.optimism.events) == (len(rows), own.labels[rows].sum())
    assert metrics["log_loss"].optimism is not None
    assert metrics["log_loss"].optimism < 0

    # other outcomes of the rows that were held out change nothing
    labels = own.labels.copy()
    held_out = np.setdiff1d(np.arange(len(own)), rows)
    labels[held_out] = 1 - labels[held_out]
    turned = replace(prepared, cohort=replace(own, outcome=labels))
    write_run(tmp_path, turned, "xgboost")
    assert optimism(settings, tmp_path, turned, 3) == record
    with pytest.raises(UserError, match="trained on other data"):
        optimism(settings, tmp_path, prepared, 3)


def test_the_choice_of_the_champion_is_made_anew_on_each_sample(
    cohort: tuple[Config, Prepared], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, prepared = cohort
    chosen: list[tuple[str, int]] = []

    def choose(*inputs: object) -> ChampionChoice:
        choice = choose_champion(*inputs)  # type: ignore[arg-type]
        chosen.append((inputs[4].model.champion, len(choice.table)))  # type: ignore[attr-defined]
        return choice

    monkeypatch.setattr("risk_model.training.develop.choose_champion", choose)
    for asked in ("auto", "network", "xgboost"):
        own = replace(settings, model=replace(settings.model, champion=asked))
        write_run(tmp_path, prepared, "network" if asked == "network" else "xgboost")
        record = optimism(own, tmp_path, prepared, 2)
        assert chosen == [(asked, 2)] * 3
        assert record.forced == (asked == "xgboost")
        chosen.clear()


def told(
    champion: str = "xgboost",
    *,
    others: tuple[str, ...] = ("network",),
    forced: bool = False,
    subjects: int | None = 412,
    too_small: bool = False,
) -> str:
    """What is printed of a record with these facts."""
    metric = CorrectedMetric(0.9, 0.91, 0.89, 0.85, 0.02, 0.001, 0.88)
    metrics = dict.fromkeys(METRICS, metric)
    metrics["slope"] = CorrectedMetric(1.2, *[None] * 6)
    own = OptimismRecord(1_000, 0, 597, 270, metrics, too_small)
    return "\n".join(lines(RunOptimism(champion, forced, refitted(), [*others], subjects, own)))


def test_the_lines_say_what_was_corrected_and_by_how_much() -> None:
    text = told()
    assert (
        "of all steps: fit, calibration, choice of the champion between logistic regression and "
        "XGBoost; 1,000 samples of the 412 subjects of development"
    ) in text
    assert (
        "AUROC: 0.9000 apparent, optimism 0.0200 (Monte Carlo error 0.0010), 0.8800 corrected; on "
        "rows that the samples left out 0.8500"
    ) in text
    assert "calibration slope: 1.2000 apparent; not defined in every sample" in text
    assert "calibration intercept: 0.9000" in text


def test_a_sentence_stands_only_where_it_is_true() -> None:
    of_baselines = "the figures are of the baselines' strategy, not of it"
    assert "the champion of this run, network, is not made anew" in told("network")
    assert of_baselines in told("network")
    assert of_baselines not in told("xgboost")
    against = "network is not made anew, so the choice against it is not corrected for"
    assert against in told("xgboost")
    assert against not in told("xgboost", others=())
    assert against not in told("network")
    choice = "choice of the champion"
    forced = told("xgboost", forced=True)
    assert "fit and calibration of XGBoost, which model.champion names" in forced
    assert choice not in forced
    assert against not in forced
    assert "subjects" not in told(subjects=None)
    assert "samples of the 597 rows" in told(subjects=None)
    outside = "the correction may be too small for models that fit their own rows this closely"
    assert outside in told(too_small=True)
    assert "AUROC is lower by more than 0.02" in told(too_small=True)
    assert outside not in told()
