"""Are real shifts between sites and over time found, and trifles left alone?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from risk_model import config
from risk_model.data import load
from risk_model.data.quality import assess
from risk_model.data.shift import Contrast, contrasts, missing_by_site
from risk_model.data.split import split

from tests.data.made_cohorts import cohort_of, serious


def test_hospitals_that_measure_other_things_stand_out() -> None:
    settings = config.HeartDisease()
    cohort = load(settings)
    found = serious(assess(cohort, split(cohort, config.Split(), settings, 0)).findings)
    (switzerland,) = [f for f in found if f.where == "Switzerland"]
    assert "chol more often missing" in switzerland.message


def test_what_is_missing_at_one_hospital_alone_is_told_with_how_much() -> None:
    cohort = load(config.HeartDisease())
    found = missing_by_site(cohort)
    cleveland = (cohort.index["site"] == "Cleveland").to_numpy()
    absent = cohort.inputs["ca"].isna().to_numpy()
    difference = absent[cleveland].mean() - absent[~cleveland].mean()
    assert found["Cleveland"]["ca"] == pytest.approx(difference)
    assert found["Cleveland"]["ca"] < -0.9
    assert found["Switzerland"]["chol"] > 0.9
    assert "chol" not in found["VA Long Beach"]  # a third is missing there, as at the others


def test_nothing_is_said_of_missing_values_where_sites_lack_the_same() -> None:
    rng = np.random.default_rng(0)
    x = np.where(rng.random(4000) < 0.3, np.nan, rng.normal(size=4000))
    outcome, site = rng.random(4000) < 0.3, rng.choice(["A", "B"], 4000)
    assert missing_by_site(cohort_of({"x": x}, outcome, {"site": site})) == {}
    assert missing_by_site(cohort_of({"x": x}, outcome, {})) == {}


def test_a_trifle_is_no_finding_however_many_rows_show_it() -> None:
    rng = np.random.default_rng(0)
    site = rng.choice(["A", "B"], 200_000)
    cohort = cohort_of(
        {"x": rng.normal(size=200_000) + 0.1 * (site == "A")},
        rng.random(200_000) < 0.2,
        {"site": site},
    )
    (missing, value, *_) = sorted(contrasts(cohort, np.arange(200_000), "site"), key=lambda c: c.p)[
        :2
    ]
    assert value.p < 1e-6 or missing.p < 1e-6
    assert not any(c.large for c in contrasts(cohort, np.arange(200_000), "site"))


def test_repeated_rows_of_one_patient_are_no_evidence_of_a_shift() -> None:
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(60), 50)
    site = np.where(patient < 24, "A", "B")
    value = rng.normal(size=60)[patient] + (site == "A") * 1.0
    cohort = cohort_of(
        {"x": value}, rng.random(3000) < 0.3, {"site": site, "subject_id": patient.astype(str)}
    )
    (contrast,) = [
        c for c in contrasts(cohort, np.arange(3000), "site") if c.column == "x" and c.group == "A"
    ]
    assert contrast.effect > 0.14
    assert not contrast.large


def events_at(rate: float, stratum: str, group: int) -> list[Contrast]:
    """The contrasts in events of 800 patients of four groups, one of which has its own rate."""
    rng = np.random.default_rng(0)
    of = np.arange(800) // 200
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(800), unit="D")
    index = {"site": np.array(list("ABCD"))[of]} if stratum == "site" else {"prediction_time": days}
    outcome = rng.random(800) < np.where(of == group, rate, 0.2)
    found = contrasts(
        cohort_of({"x": rng.normal(size=800)}, outcome, index), np.arange(800), stratum
    )
    return [c for c in found if c.respect == "events" and c.large]


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.03, 0.97, 0.99, 1.0])
def test_a_site_without_any_event_or_with_nothing_else_stands_out_as_one_with_a_few(
    rate: float,
) -> None:
    assert "A" in [c.group for c in events_at(rate, "site", 0)]


@pytest.mark.parametrize("group", [0, 1, 3])
@pytest.mark.parametrize("rate", [0.0, 0.01, 1.0])
def test_a_period_without_any_event_is_a_drift_as_one_with_a_few(group: int, rate: float) -> None:
    assert events_at(rate, "period", group)


@pytest.mark.parametrize("absent", [0.5, 0.99, 1.0])
def test_a_field_that_one_site_never_records_is_told_as_one_recorded_by_halves(
    absent: float,
) -> None:
    rng = np.random.default_rng(0)
    site = np.where(np.arange(600) < 100, "A", rng.choice(list("BCD"), 600))
    for there in (site == "A", site != "A"):
        value = np.where(there & (rng.random(600) < absent), np.nan, rng.normal(size=600))
        cohort = cohort_of({"x": value}, rng.random(600) < 0.2, {"site": site})
        large = [c for c in contrasts(cohort, np.arange(600), "site") if c.large]
        assert ("A", "missing") in [(c.group, c.respect) for c in large]


def test_sites_that_record_the_outcome_alike_are_left_alone() -> None:
    large = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        site = rng.choice(list("ABCDEFGH"), 600, p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05])
        cohort = cohort_of({"x": rng.normal(size=600)}, rng.random(600) < 0.04, {"site": site})
        large += [c for c in contrasts(cohort, np.arange(600), "site") if c.large]
    assert large == []
