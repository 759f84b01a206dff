"""Are real shifts between sites and over time found, and trifles left alone?"""

from __future__ import annotations

import numpy as np

from risk_model import config
from risk_model.data import load
from risk_model.data.quality import assess
from risk_model.data.shift import contrasts
from risk_model.data.split import split

from tests.data.made_cohorts import cohort_of, serious


def test_hospitals_that_measure_other_things_stand_out() -> None:
    settings = config.HeartDisease()
    cohort = load(settings)
    found = serious(assess(cohort, split(cohort, config.Split(), settings, 0)).findings)
    (switzerland,) = [f for f in found if f.where == "Switzerland"]
    assert "chol more often missing" in switzerland.message


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
