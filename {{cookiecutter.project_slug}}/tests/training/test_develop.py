"""Is every row judged by models that never saw it, and is each model then made from all rows?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from risk_model.config import Config, Synthetic
from risk_model.core.cohort import Cohort, Rows, Splits
from risk_model.core.scores import auroc
from risk_model.data.prepare import Prepared, prepare
from risk_model.model import RiskModel
from risk_model.model.table import refitted
from risk_model.training import develop as development
from risk_model.training.batches import automatic_batch_size
from risk_model.training.develop import _epoch_length, develop
from risk_model.training.fit import fit_models
from risk_model.training.folds import Turn, turns
from risk_model.training.monitor import Monitor
from risk_model.training.out_of_fold import out_of_fold

BASELINES = refitted()
FOLDS = 5
Fit = Callable[..., dict[str, RiskModel]]


def made(subjects: int = 1_200, **split: Any) -> tuple[Config, Prepared]:
    settings = Config(data=Synthetic(subjects=subjects))
    settings.model.xgboost.trees, settings.model.xgboost.patience = 30, 5
    settings.model.logistic_regression.c = 0.1
    settings.split = replace(settings.split, test_events=10, **split)
    return settings, prepare(settings)


@pytest.fixture(scope="module")
def cohort() -> tuple[Config, Prepared]:
    """Settings and a made-up cohort with several rows a subject."""
    return made()


@dataclass
class Calls:
    """What `fit_models` was given, call by call."""

    train: list[Rows] = field(default_factory=list)
    validation: list[Rows] = field(default_factory=list)
    rounds: list[dict[str, int] | None] = field(default_factory=list)
    monitors: list[Monitor] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    seen = Calls()

    def recorded(
        inputs: Any, labels: Any, subjects: Any, train: Rows, validation: Rows, *rest: Any
    ) -> dict[str, RiskModel]:
        seen.train.append(train)
        seen.validation.append(validation)
        seen.rounds.append(rest[4] if len(rest) > 4 else None)
        seen.monitors.append(rest[2])
        seen.batches.append(rest[1].training.batch_size)
        return fit_models(inputs, labels, subjects, train, validation, *rest)

    monkeypatch.setattr(development, "fit_models", recorded)
    return seen


def test_each_row_is_held_out_once_from_models_that_saw_nothing_of_its_subject(
    cohort: tuple[Config, Prepared],
) -> None:
    splits, own = cohort[1].splits, cohort[1].cohort
    each = turns(splits, own.subjects, own.labels, 0, FOLDS)
    assert sorted(np.concatenate([turn.held_out for turn in each])) == sorted(splits.learning)
    for turn in each:
        parts = [set(own.subjects[rows]) for rows in turn]
        assert sum(map(len, parts)) == len(set.union(*parts))
        assert set(np.concatenate(turn)) == set(splits.learning)
        assert 0.05 < len(turn.validation) / len(splits.learning) < 0.12
        events = [own.labels[rows].mean() for rows in turn]
        assert np.ptp(events) < 0.05


def test_the_copies_of_a_bootstrap_sample_stand_on_one_side(
    cohort: tuple[Config, Prepared],
) -> None:
    splits, own = cohort[1].splits, cohort[1].cohort
    doubled = replace(splits, train=np.repeat(splits.train, 2))
    for turn in turns(doubled, own.subjects, own.labels, 0, FOLDS):
        parts = [set(own.subjects[rows]) for rows in turn]
        assert sum(map(len, parts)) == len(set.union(*parts))
        assert all(len(rows) == 2 * len(set(rows)) for rows in turn)


def test_models_are_compared_out_of_fold_and_then_made_from_all_development_rows(
    cohort: tuple[Config, Prepared], calls: Calls
) -> None:
    settings, prepared = cohort
    own, splits = prepared.cohort, prepared.splits
    asked = develop(settings, own, own.model_inputs(), splits, rows=splits.test, only=BASELINES)
    assert len(calls.train) == FOLDS + 1
    assert (calls.train[-1] == splits.learning).all()
    assert len(calls.validation[-1]) == 0
    stopped = [monitor.best_epoch("xgboost") for monitor in calls.monitors[:FOLDS]]
    assert calls.rounds[-1] == asked.rounds == {"xgboost": round(np.mean(stopped))}  # type: ignore[arg-type]
    seen = set(np.concatenate([*calls.train, *calls.validation]))
    assert not seen & set(np.concatenate([splits.test, *splits.external.values()]))
    assert sorted(asked.held_out) == sorted(splits.learning)
    assert asked.champion.compared_on == "the development rows, out of fold"
    assert asked.logits["xgboost"].shape == splits.test.shape


def test_the_model_of_all_rows_takes_batches_of_the_size_that_those_of_the_folds_took(
    cohort: tuple[Config, Prepared], calls: Calls
) -> None:
    """Larger batches would be fewer steps in as many epochs, and a network that learnt less."""
    settings, prepared = cohort
    own, nobody = prepared.cohort, prepared.splits.test[:0]
    rows = np.arange(1_100)
    splits = Splits(rows, nobody, nobody, nobody)
    develop(settings, own, own.model_inputs(), splits, rows=rows[:10], only=BASELINES)
    sizes = [automatic_batch_size(len(each)) for each in calls.train]
    assert sizes == [32] * FOLDS + [64]
    assert calls.batches == [32] * (FOLDS + 1)


def test_without_cross_fitting_each_part_does_its_work_once(calls: Calls) -> None:
    settings, prepared = made(folds=1)
    own, splits = prepared.cohort, prepared.splits
    once = develop(settings, own, own.model_inputs(), splits, rows=splits.test, only=BASELINES)
    assert len(calls.train) == 1
    assert (calls.train[0] == splits.train).all()
    assert (calls.validation[0] == splits.validation).all()
    assert (once.held_out == splits.calibration).all()
    assert once.champion.compared_on == "the calibration split"
    assert once.rounds == {}


def test_a_model_that_is_asked_for_but_not_made_leaves_the_choice_to_the_data(
    cohort: tuple[Config, Prepared],
) -> None:
    """Sites are left out with the baselines alone, whatever model.champion says."""
    settings, prepared = cohort
    forced = replace(settings, model=replace(settings.model, champion="network"))
    own, splits = prepared.cohort, prepared.splits
    chosen = develop(forced, own, own.model_inputs(), splits, rows=splits.test, only=BASELINES)
    assert chosen.champion.name in BASELINES


def noise(cohort: Cohort) -> Cohort:
    """The same patients with an outcome that nothing predicts, the same for a subject's rows."""
    names, code = np.unique(cohort.subjects, return_inverse=True)
    drawn = np.random.default_rng(0).random(len(names)) < 0.3
    return replace(cohort, outcome=drawn[code].astype(np.int8))


def test_out_of_fold_an_outcome_that_nothing_predicts_is_not_predicted() -> None:
    settings, prepared = made(400, repeats=2)
    settings.model.network.width, settings.training.epochs = 8, 2
    cohort = noise(prepared.cohort.take(np.arange(300)))
    rows = np.arange(20, 300)
    table, chosen = out_of_fold(settings, cohort, rows, "xgboost")
    assert sum(chosen.values()) == 2 * FOLDS
    assert set(table["split"]) == {"out of fold"}
    for _, own in table.groupby("model"):
        assert sorted(own["subject_id"]) == sorted(np.repeat(cohort.subjects[rows], 2))
        risk = own["predicted_boolean_probability"].to_numpy()
        assert auroc(own["boolean_value"].to_numpy(), risk) < 0.6
    nobody = rows[:0]
    splits = Splits(rows, nobody, nobody, nobody)
    fitted = develop(settings, cohort, cohort.model_inputs(), splits, rows=rows, only=["xgboost"])
    assert auroc(cohort.labels[rows], fitted.risks["xgboost"]) > 0.7  # seen, it looks predicted


def test_the_champions_rows_are_those_of_what_was_chosen_without_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from risk_model.training import out_of_fold as module

    settings, prepared = made(400, repeats=1)
    settings.model.network.width, settings.training.epochs = 8, 1

    def simplest(*arguments: Any, **words: Any) -> development.Developed:
        result = develop(*arguments, **words)
        return replace(result, champion=replace(result.champion, name="logistic_regression"))

    monkeypatch.setattr(module, "develop", simplest)
    cohort, rows = prepared.cohort, prepared.splits.learning[:300]
    table, chosen = module.out_of_fold(settings, cohort, rows, "xgboost")
    assert chosen == {"logistic_regression": FOLDS}
    risks = {
        name: own["predicted_boolean_probability"].to_numpy()
        for name, own in table.groupby("model")
    }
    np.testing.assert_array_equal(risks["xgboost"], risks["logistic_regression"])
    assert not np.array_equal(risks["xgboost"], risks["network"])


def test_an_epoch_of_a_fold_is_so_much_of_one_over_all_rows_as_it_has_fewer_steps() -> None:
    halves = np.arange(0, 1_000), np.arange(1_000, 2_000)
    each = [Turn(train=half, validation=half[:0], held_out=half) for half in halves]
    settings = Config()
    assert _epoch_length("network", each[0], each, settings) == 0.5
    assert _epoch_length("xgboost", each[0], each, settings) == 1.0
    settings.model.network = SimpleNamespace(rows_per_epoch=lambda rows: min(rows, 900))
    assert _epoch_length("network", each[0], each, settings) == 1.0
