"""Is noise in labels and measurements estimated as published?"""

from __future__ import annotations

import numpy as np
import pytest

from risk_model.data import noise

from tests.data.made_cohorts import cohort_of


def test_the_intraclass_correlation_is_that_of_an_analysis_of_variance() -> None:
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(2000), 2)
    value = rng.normal(size=2000)[patient] + rng.normal(0, 0.5, 4000)
    cohort = cohort_of({"x": value}, patient % 2, {"subject_id": patient.astype(str)})
    (row,) = noise.repeatability(cohort)
    assert row["icc"] == pytest.approx(1 / 1.25, abs=0.02)


def test_identical_records_with_different_outcomes_are_counted_as_label_noise() -> None:
    cohort = cohort_of({"x": np.repeat(np.arange(100.0), 2)}, (np.arange(200) % 4) == 1)
    assert "of 100 groups of identical records 50.0% differ" in noise.label_noise(
        cohort, np.arange(200)
    )


def test_whole_numbers_that_end_in_0_too_often_show_digit_preference() -> None:
    rng = np.random.default_rng(0)
    columns = {
        "rounded": rng.normal(13, 3, 400).round() * 10.0,
        "read": rng.normal(size=400),
        "counted": rng.poisson(1, 400) + 0.0,
    }
    assert noise.digit_preference(cohort_of(columns, np.arange(400) % 3 == 0)) == ["rounded"]
