"""What was left out taught nobody, and a place that is unlike the others shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from risk_model.config import Config, Synthetic
from risk_model.core.cohort import Cohort
from risk_model.data import load
from risk_model.validation import internal_external as module
from risk_model.validation.internal_external import leave_out

from tests.estimates import ends, value


@pytest.fixture(scope="module")
def settings() -> Config:
    settings = Config(data=Synthetic(subjects=3000))
    settings.model.xgboost.trees, settings.evaluation.resamples = 20, 50
    settings.split.folds, settings.split.test_events = 2, 0
    settings.model.logistic_regression.c = 0.1
    return settings


@pytest.fixture(scope="module")
def cohort(settings: Config) -> Cohort:
    return load(settings.data)


def test_each_site_and_each_later_period_is_left_out_in_turn(
    settings: Config, cohort: Cohort
) -> None:
    rows = leave_out(settings, cohort, 0.1)
    sites = [row.name for row in rows if row.kind == "site"]
    assert sites == sorted(cohort.index["site"].unique())
    assert len([row for row in rows if row.kind == "time"]) == module.PERIODS - 1
    for row in rows:
        for metrics in row.models.values():
            low, high = ends(metrics["auroc"])
            assert 0.5 < value(metrics["auroc"]) < 0.95
            assert low < value(metrics["auroc"]) < high


def test_outcomes_of_what_is_left_out_change_no_model(
    settings: Config, cohort: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = str(cohort.index["site"].iloc[0])
    there = (cohort.index["site"] == site).to_numpy()
    turned = replace(
        cohort, outcome=np.where(there, 1 - cohort.labels, cohort.labels).astype(np.int8)
    )
    monkeypatch.setattr(module, "_periods", lambda settings, cohort: iter(()))

    def of_site(which: Cohort) -> dict[str, float]:
        (row,) = [row for row in leave_out(settings, which, 0.1) if row.name == site]
        return {name: value(metrics["auroc"]) for name, metrics in row.models.items()}

    first, second = of_site(cohort), of_site(turned)
    for name, area in first.items():
        assert second[name] == pytest.approx(
            1 - area, abs=1e-9
        )  # the same risks, against the opposite outcomes


def test_rows_of_a_later_period_come_after_those_that_taught(
    settings: Config, cohort: Cohort
) -> None:
    for turn in module._periods(settings, cohort):
        assert turn.splits is not None
        time = turn.cohort.index["prediction_time"]
        taught = np.concatenate(
            [turn.splits.train, turn.splits.validation, turn.splits.calibration]
        )
        assert time.iloc[taught].max() < time.iloc[turn.rows].min()
        assert not set(turn.cohort.subjects[taught]) & set(turn.cohort.subjects[turn.rows])


def test_a_place_with_few_events_is_counted_and_not_judged(
    settings: Config, cohort: Cohort
) -> None:
    site = str(cohort.index["site"].iloc[0])
    there = (cohort.index["site"] == site).to_numpy()
    kept = np.flatnonzero(
        ~there | (cohort.labels == 0) | (np.cumsum(there & (cohort.labels == 1)) <= 5)
    )
    (row,) = [row for row in leave_out(settings, cohort.take(kept), 0.1) if row.name == site]
    assert row.events == 5
    assert row.models == {}
    assert "fewer than 10" in row.reason


def test_without_site_and_date_there_is_nothing_to_leave_out(
    settings: Config, cohort: Cohort
) -> None:
    bare = replace(cohort, index=cohort.index.drop(columns=["site", "prediction_time"]))
    assert leave_out(settings, bare, 0.1) == []
