"""Is a site that tells the outcome found, and are honest hospitals left alone?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.data import load
from risk_model.data.confounding import (
    SimpleModel,
    clustered_auroc,
    cross_fitted_auroc,
    simple_models,
)
from risk_model.data.prepare import prepare

from tests.data.made_cohorts import cohort_of

SHARES = {"A": 0.4, "B": 0.3, "C": 0.2, "D": 0.08, "E": 0.02}


def hospitals(n: int, rates: dict[str, float], seed: int) -> Cohort:
    """Patients with one row or two, whose outcome depends on nothing but where they are seen."""
    rng = np.random.default_rng(seed)
    people = rng.integers(0, n, round(1.3 * n))
    site = rng.choice(list(SHARES), n, p=list(SHARES.values()))[people]
    outcome = rng.random(len(people)) < np.array([rates.get(s, 0.3) for s in site])
    index = {
        "subject_id": people.astype(str),
        "site": site,
        "age": 20.0 + people % 70,
        "sex": people % 2,
    }
    return cohort_of({"x": rng.normal(size=len(people))}, outcome, index)


def of(predictors: str, cohort: Cohort) -> SimpleModel:
    (model,) = [m for m in simple_models(cohort) if m.predictors == predictors]
    return model


def accused(n: int, rates: dict[str, float], seeds: range) -> list[int]:
    """The seeds of the cohorts in which a simple model makes a finding."""
    cohorts = ((seed, hospitals(n, rates, seed)) for seed in seeds)
    return [seed for seed, c in cohorts for a in simple_models(c) if a.findings()]


@pytest.mark.parametrize("n", [80, 400, 3000])
def test_hospitals_that_do_not_differ_are_not_accused(n: int) -> None:
    assert accused(n, {}, range(8)) == []


@pytest.mark.slow
@pytest.mark.parametrize("n", [80, 400, 3000])
def test_hospitals_that_do_not_differ_are_never_accused(n: int) -> None:
    assert accused(n, {}, range(8, 100)) == []


@pytest.mark.slow
def test_hospitals_that_differ_as_hospitals_do_are_not_accused() -> None:
    assert accused(800, {"A": 0.36, "B": 0.46}, range(60)) == []


def test_a_hospital_that_tells_the_outcome_is_found() -> None:
    found = [of("site", hospitals(500, {"A": 0.15, "B": 0.7}, seed)) for seed in range(20)]
    assert all(a.findings() for a in found)
    (finding,) = found[0].findings()
    assert (finding.severity, finding.kind, finding.where) == (
        "warning",
        "site predicts the outcome",
        "site",
    )
    assert "within each site" in finding.remedy


def test_a_device_that_tells_the_outcome_is_found_and_one_that_does_not_is_not_accused() -> None:
    for rates, found in (({"A": 0.15, "B": 0.7}, ["device predicts the outcome"]), ({}, [])):
        cohort = hospitals(500, rates, 0)
        index = cohort.index.rename(columns={"site": "device"})
        findings = of("device", replace(cohort, index=index)).findings()
        assert [finding.kind for finding in findings] == found


@pytest.mark.slow
def test_what_knows_nothing_is_near_a_half() -> None:
    found = [of("site", hospitals(1000, {}, seed)).auroc for seed in range(60)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.01)


@pytest.mark.slow
def test_the_interval_is_as_wide_as_the_figure_varies() -> None:
    found = [of("site", hospitals(1000, {"A": 0.2, "B": 0.5}, seed)) for seed in range(80)]
    assert np.mean([a.high - a.low for a in found]) == pytest.approx(
        3.92 * np.std([a.auroc for a in found]), rel=0.2
    )


def test_age_and_sex_are_shown_and_accuse_nobody() -> None:
    rng = np.random.default_rng(0)
    age = rng.uniform(20, 90, 2000)
    cohort = cohort_of(
        {"x": age},
        rng.random(2000) < (age > 55) * 0.8 + 0.1,
        {"age": age, "sex": rng.choice(2, 2000)},
    )
    found = of("age and sex", cohort)
    assert found.auroc == pytest.approx(roc_auc_score(cohort.labels, age), abs=0.02)
    assert found.findings() == []


def test_the_auroc_is_that_of_scikit_learn_and_its_error_that_of_a_bootstrap_of_subjects() -> None:
    rng = np.random.default_rng(1)
    people = np.repeat(np.arange(300), 2)
    risk = rng.normal(size=300)[people] + rng.normal(0, 0.3, 600)
    labels = (rng.random(300) < 1 / (1 + np.exp(-rng.normal(size=300))))[people].astype(np.int8)
    area, error = clustered_auroc(labels, risk, people.astype(str).astype(object))
    assert area == pytest.approx(roc_auc_score(labels, risk))
    draws = []
    for _ in range(400):
        drawn = np.concatenate([2 * (p := rng.integers(0, 300, 300)), 2 * p + 1])
        draws.append(roc_auc_score(labels[drawn], risk[drawn]))
    assert error == pytest.approx(np.std(draws), rel=0.12)


def test_repeating_every_row_makes_no_figure_surer() -> None:
    cohort = hospitals(400, {"A": 0.5}, 0)
    once, twice = (
        of("site", c) for c in (cohort, cohort.take(np.repeat(np.arange(len(cohort)), 2)))
    )
    assert twice.high - twice.low == pytest.approx(once.high - once.low, rel=0.1)


def test_a_patient_is_judged_by_others_alone() -> None:
    rng = np.random.default_rng(0)
    own = np.repeat(
        np.eye(200), 2, axis=0
    )  # a column a patient, whose two rows share their outcome
    labels = np.repeat(rng.integers(0, 2, 200), 2).astype(np.int8)
    subjects = np.repeat(np.arange(200), 2).astype(str).astype(object)
    assert cross_fitted_auroc(own, labels, subjects)[0] == pytest.approx(0.5)


def test_too_few_events_and_a_single_site_are_not_judged() -> None:
    labels = np.arange(200) < 15
    assert (
        simple_models(cohort_of({"x": np.arange(200.0)}, labels, {"age": np.arange(200.0)})) == []
    )
    cohort = cohort_of({"x": np.arange(200.0)}, np.arange(200) % 2, {"site": ["A"] * 200})
    assert simple_models(cohort) == []


def test_missing_ages_and_sites_are_no_obstacle() -> None:
    rng = np.random.default_rng(0)
    index = {
        "age": np.where(rng.random(600) < 0.5, np.nan, 50.0),
        "site": rng.choice(np.array(["A", None], dtype=object), 600),
    }
    index["age"][0] = 60.0
    found = simple_models(cohort_of({"x": rng.normal(size=600)}, rng.random(600) < 0.4, index))
    assert [m.predictors for m in found] == ["age", "site"]
    assert all(0.4 < a.auroc < 0.6 for a in found)


def test_four_heart_hospitals_are_warned_of_and_the_two_that_are_learnt_from_are_not() -> None:
    warned = {}
    for held_out in ([], ["VA Long Beach", "Switzerland"]):
        prepared = prepare(config.Config(data=config.HeartDisease(held_out_sites=held_out)))
        warned[len(held_out)] = "site predicts the outcome" in [f.kind for f in prepared.findings]
    assert warned == {0: True, 2: False}


def test_clean_and_known_cohorts_are_left_in_peace() -> None:
    for settings in (config.Synthetic(), config.Support2()):
        assert [finding for a in simple_models(load(settings)) for finding in a.findings()] == []
