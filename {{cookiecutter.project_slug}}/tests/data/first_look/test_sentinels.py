"""Are codes for "not recorded" told from measurements, and measurements left alone?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_model.data.first_look.sentinels import Floats, is_code, suspect_codes

RNG = np.random.default_rng(0)
AGE = RNG.integers(18, 91, 500).astype(float)
CREATININE = np.round(RNG.lognormal(0, 0.4, 500), 2)
CRP = np.round(RNG.lognormal(1.5, 1.3, 500), 1)
FERRITIN = np.round(RNG.lognormal(5, 1.2, 2000), 0)
GRADE = RNG.integers(0, 4, 500).astype(float)


def codes(values: Floats, *added: float, rows: int = 20) -> list[float]:
    mixed = np.concatenate([values, np.repeat(added, rows), [np.nan] * 5])
    return [code.value for code in suspect_codes(mixed)]


@pytest.mark.parametrize("code", [999.0, 9999.0, 888.0, 777.0, -1.0, -9.0, -99.0, -88.0, -6666.0])
@pytest.mark.parametrize("values", [AGE, CREATININE, CRP], ids=["age", "creatinine", "crp"])
def test_a_repeated_far_code_is_suspect(values: Floats, code: float) -> None:
    assert codes(values, code) == [code]


@pytest.mark.parametrize(
    "code", [1e30, float(np.finfo(np.float32).max), -1e9, 2147483647.0, -32768]
)
def test_a_fill_value_is_suspect(code: float) -> None:
    assert codes(CRP, code) == [code]


@pytest.mark.parametrize("code", [9.0, 99.0, 88.0, 77.0])
def test_a_code_above_a_short_scale_is_suspect(code: float) -> None:
    assert codes(GRADE[GRADE < 2], code) == [code]
    assert codes(GRADE + 1, code) == [code]


def test_99_9_and_9_99_are_codes_where_values_are_small() -> None:
    assert codes(np.round(RNG.normal(37, 0.5, 300), 1), 99.9) == [99.9]
    assert codes(np.round(RNG.normal(7.4, 0.05, 300), 2), 9.99) == [9.99]


def test_codes_of_one_family_and_of_both_ends_are_found_together() -> None:
    assert codes(AGE, 997, 998, 999) == [997, 998, 999]
    assert codes(GRADE, 77, 88, 99) == [77, 88, 99]
    assert codes(CRP, -9, 9999) == [-9, 9999]
    assert codes(GRADE, -8, -9) == [-9, -8]


def test_99_is_a_code_only_where_no_age_is_near() -> None:
    assert codes(AGE[AGE < 86], 99) == [99]
    assert codes(np.concatenate([AGE, np.arange(86.0, 99.0)]), 99) == []


def test_a_single_slip_beyond_a_code_does_not_hide_it() -> None:
    assert codes(np.append(CREATININE, 1250.0), 999) == [999]


def test_two_rows_are_no_code() -> None:
    assert codes(AGE, 999, rows=2) == []


HONEST = {
    "crp": CRP,
    "bilirubin": np.round(RNG.lognormal(0, 1.2, 3000), 1),
    "ferritin": FERRITIN,
    "troponin": np.round(RNG.pareto(1.2, 3000) * 10, 0),
    "dollars": np.round(RNG.lognormal(8, 1, 3000), 2),
    "prices of 99.99": np.concatenate([RNG.integers(1, 120, 900) + 0.99, np.full(40, 99.99)]),
    "score with a ceiling": np.minimum(RNG.normal(85, 20, 1000).round(), 100.0),
    "SpO2": np.minimum(RNG.normal(97, 3, 1000).round(), 100.0),
    "percent to 99": np.minimum(RNG.normal(90, 8, 1000).round(), 99.0),
    "GCS": RNG.choice([3.0, 8.0, 13.0, 14.0, 15.0], 1000),
    "counts to 9": RNG.poisson(4, 5000).clip(0, 9).astype(float),
    "base excess": RNG.normal(0, 3, 1000).round(),
    "z-scores": RNG.normal(0, 1, 1000).round(1),
    "logarithms": np.log10(RNG.lognormal(0, 1, 1000)).round(1),
    "years": RNG.integers(1980, 2000, 1000).astype(float),
    "two-digit years": RNG.integers(60, 100, 1000).astype(float),
    "1 to 9": RNG.integers(1, 10, 1000).astype(float),
    "odd numbers": RNG.choice([1.0, 3.0, 5.0, 7.0, 9.0], 1000),
    "change": RNG.choice([-1.0, 0.0, 1.0], 1000),
    "change of a score": RNG.choice([-1.0, 0.0, 1.0, 2.0, 3.0], 1000),
    "labels": RNG.choice([-1.0, 1.0], 1000),
    "zeros": RNG.choice([0.0, 0.0, 40.0, 55.5, 61.2, 70.3], 1000),
    "age": np.clip(RNG.normal(70, 14, 5000).round(), 18, 99),
    "infinite": np.append(CRP, [np.inf] * 20),
    "one value": np.full(50, 999.0),
    "nothing": np.full(50, np.nan),
}


@pytest.mark.parametrize("values", HONEST.values(), ids=HONEST.keys())
def test_honest_columns_hold_no_code(values: Floats) -> None:
    assert suspect_codes(values) == []


@given(st.integers(0, 10_000), st.floats(0.1, 1.5), st.integers(0, 2))
def test_a_lognormal_sample_holds_no_code(seed: int, sigma: float, decimals: int) -> None:
    values = np.random.default_rng(seed).lognormal(3, sigma, 400).round(decimals)
    assert suspect_codes(values) == []


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_sign_of_a_code_does_not_matter(value: float) -> None:
    assert is_code(value) == is_code(-value)
