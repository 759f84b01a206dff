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


@pytest.mark.parametrize("twice", [0, 1, 49, 50])
def test_too_few_repeated_records_are_called_too_few_and_not_none(twice: int) -> None:
    values = np.append(np.arange(200.0), np.arange(float(twice)))
    cohort = cohort_of({"x": values, "y": values**2}, np.arange(len(values)) % 3 == 0)
    said = noise.label_noise(cohort, np.arange(len(values)))
    assert (f"not assessable, records that stand there twice: {twice};" in said) == (twice < 50)


@pytest.mark.parametrize("slips", [0, 1, 3])
def test_a_number_that_is_not_whole_hides_no_digit_preference(slips: int) -> None:
    rng = np.random.default_rng(0)
    rounded = rng.integers(6, 20, 500) * 10.0
    rounded[:slips] = 67.5
    cohort = cohort_of({"rounded": rounded}, np.arange(500) % 3 == 0)
    assert noise.digit_preference(cohort) == ["rounded"]


@pytest.mark.parametrize("constant", [1, 2, 3])
def test_a_number_that_never_varies_does_not_stand_among_the_least_alike(constant: int) -> None:
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(100), 2)
    columns = {f"same{i}": np.full(200, 7.0) for i in range(constant)}
    columns |= {"x": rng.normal(size=200), "y": rng.normal(size=200) + 3 * (who % 2)}
    agreement = noise.repeatability(cohort_of(columns, who % 2, {"subject_id": who.astype(str)}))
    assert [row["column"] for row in agreement[:2]] == ["x", "y"]
    assert "nan" not in noise._least_alike(agreement)
