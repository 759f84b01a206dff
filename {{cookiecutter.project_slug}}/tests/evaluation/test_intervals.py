"""Wilson's interval equals scipy's, the calibration line's a brute-force jackknife; few rows widen.

Rows of one subject add no certainty, and where nothing can be told there is no interval.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, t

from risk_model.core.estimate import Estimate
from risk_model.core.scores import logit
from risk_model.evaluation.intervals import (
    calibration_interval,
    effective_subjects,
    inverse,
    rate_interval,
    ratio_interval,
    reference,
)

from tests.estimates import ends, value, width

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


def cohort(n: int, seed: int, subjects: int) -> tuple[Whole, Floats, Whole]:
    """Outcome, risk and subject of made-up patients, whose rows share luck."""
    rng = np.random.default_rng(seed)
    subject = np.arange(n) % subjects
    x = rng.normal(-1, 1.3, n)
    luck = rng.normal(0, 0.8, subjects)[subject]
    outcome = (rng.random(n) < 1 / (1 + np.exp(-x - luck))).astype(np.int64)
    return outcome, 1 / (1 + np.exp(-0.2 - 1.3 * x)), subject


@pytest.mark.parametrize(("hits", "rows"), [(0, 5), (1, 7), (9, 11), (11, 11), (450, 1000)])
def test_a_rate_of_patients_with_one_row_each_has_wilsons_interval(hits: int, rows: int) -> None:
    expected = binomtest(hits, rows).proportion_ci(method="wilson")
    part = (np.arange(rows) < hits).astype(np.float64)
    interval = rate_interval(part, np.ones(rows))
    assert ends(interval) == pytest.approx((expected.low, expected.high), abs=1e-12)
    # copies of the rows, by the same patients, are all hits or none: they add no certainty
    copied = rate_interval(4 * part, np.full(rows, 4.0))
    assert value(copied) == value(interval)
    assert width(copied) >= width(interval)


def test_repeated_rows_count_as_many_independent_ones_as_would_vary_as_much() -> None:
    hits = np.array([9.0, 1, 6, 2, 8, 0, 5, 3, 7, 4])
    rows = np.full(10, 10.0)
    left_out = [(hits.sum() - h) / 90 for h in hits]
    variance = 9 / 10 * np.sum(np.square(np.array(left_out) - 0.45))
    n = 0.45 * 0.55 / variance * 100 / 99
    z = norm.ppf(0.975) * t.ppf(0.975, 9) / t.ppf(0.975, 99)
    centre, reach = 0.45 + z**2 / (2 * n), z * np.sqrt(0.45 * 0.55 / n + z**2 / (4 * n * n))
    expected = (centre - reach) / (1 + z**2 / n), (centre + reach) / (1 + z**2 / n)
    assert ends(rate_interval(hits, rows)) == pytest.approx(expected, abs=1e-12)


def test_rates_that_agree_by_chance_are_no_surer_than_independent_rows() -> None:
    alike = rate_interval(np.full(10, 5.0), np.full(10, 10.0))
    independent = binomtest(50, 100).proportion_ci(method="wilson")
    assert width(alike) >= independent.high - independent.low
    assert width(rate_interval(np.zeros(10), np.full(10, 10.0))) > 0.25  # as of ten rows


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30))
def test_a_rate_lies_within_its_interval_and_both_within_0_and_1(
    counts: list[tuple[int, int]],
) -> None:
    part = np.array([min(pair) for pair in counts], float)
    whole = np.array([max(pair) for pair in counts], float)
    rate = rate_interval(part, whole)
    if rate.interval is not None:
        assert 0 <= rate.interval[0] <= value(rate) <= rate.interval[1] <= 1


def test_without_two_subjects_a_rate_has_no_interval_and_without_rows_no_value() -> None:
    assert rate_interval(np.array([3.0]), np.array([4.0])) == Estimate(0.75)
    assert rate_interval(np.array([3.0, 0]), np.array([400.0, 1])).interval is None  # as one
    assert rate_interval(np.zeros(3), np.zeros(3)) == Estimate(None)


def test_the_number_needed_to_evaluate_is_one_over_ppv_and_so_are_its_ends() -> None:
    assert inverse(Estimate(0.25, 0.2, 0.5)) == Estimate(4.0, 2.0, 5.0)
    assert inverse(Estimate(0.25)) == Estimate(4.0)
    assert inverse(Estimate(0.0, 0.0, 0.1)) == inverse(Estimate(None)) == Estimate(None)


def test_the_t_reference_counts_subjects_by_what_they_hold() -> None:
    assert effective_subjects(np.full(7, 3.0)) == pytest.approx(7)
    assert effective_subjects(np.array([100.0] + [1] * 100)) == pytest.approx(200**2 / 10_100)
    assert reference(11) == pytest.approx(t.ppf(0.975, 10))
    assert np.isnan(reference(1.9))


def steps_without_each(
    outcome: Whole, risk: Floats, subject: Whole, line: Floats, slope: bool
) -> Floats:
    """The Newton step from the line after each subject's rows are taken away: float64[subjects]."""
    x, steps = logit(risk), []
    for who in np.unique(subject):
        rows = subject != who
        design = np.column_stack([np.ones(rows.sum()), x[rows]])[:, : 2 if slope else 1]
        p = 1 / (1 + np.exp(-line[0] - line[1] * x[rows]))
        information = design.T @ (design * (p * (1 - p))[:, None])
        steps.append(np.linalg.solve(information, design.T @ (outcome[rows] - p))[-1])
    return np.array(steps)


@pytest.mark.parametrize("slope", [False, True])
@pytest.mark.parametrize("subjects", [120, 40, 8])
def test_the_interval_of_the_line_is_the_jackknifes_over_subjects(
    subjects: int, slope: bool
) -> None:
    outcome, risk, subject = cohort(120, 2, subjects)
    interval, line = calibration_interval(outcome, risk, subject, slope), np.zeros(2)
    line[1], x = 1.0, logit(risk)
    for _ in range(30):  # Newton's method on the whole
        p = 1 / (1 + np.exp(-line[0] - line[1] * x))
        design = np.column_stack([np.ones(120), x])[:, : 2 if slope else 1]
        information = design.T @ (design * (p * (1 - p))[:, None])
        line[: design.shape[1]] += np.linalg.solve(information, design.T @ (outcome - p))
    steps = steps_without_each(outcome, risk, subject, line, slope)
    error = np.sqrt((subjects - 1) / subjects * np.sum(steps**2))
    of_class = (
        [np.bincount(subject[outcome == y]) for y in (0, 1)] if slope else [np.ones(subjects)]
    )
    held = min(n.sum() ** 2 / np.sum(n**2) for n in of_class)
    assert value(interval) == pytest.approx(line[1 if slope else 0], abs=1e-8)
    assert width(interval) == pytest.approx(2 * t.ppf(0.975, held - 1) * error, rel=1e-6)


def test_where_the_slope_is_wrong_the_intercept_scatters_more_than_its_likelihood_says() -> None:
    """Of 400 cohorts whose risks are twice too extreme: the likelihood's interval covers 86 %."""
    covered, logs = 0, np.linspace(-12, 12, 4001)
    density = norm.pdf(logs, -0.2, 1.5)
    grid = np.linspace(-1, 1, 2001)
    gap = [np.sum(density * (expit(logs) - expit(a + 2 * logs))) for a in grid]
    truth = grid[int(np.argmin(np.abs(gap)))]
    for seed in range(400):
        rng = np.random.default_rng(seed)
        x = rng.normal(-0.2, 1.5, 120)
        outcome = (rng.random(120) < expit(x)).astype(int)
        low, high = ends(calibration_interval(outcome, expit(2 * x), np.arange(120), slope=False))
        covered += low <= truth <= high
    assert covered >= 0.92 * 400


def expit(x: Floats) -> Floats:
    """The risk of log odds."""
    return np.asarray(1 / (1 + np.exp(-x)))


def test_copies_of_a_row_add_no_certainty_to_the_line() -> None:
    outcome, risk, _ = cohort(150, 5, 150)
    for slope in (False, True):
        once = calibration_interval(outcome, risk, np.arange(150), slope)
        copied = calibration_interval(
            np.tile(outcome, 3), np.tile(risk, 3), np.tile(np.arange(150), 3), slope
        )
        assert ends(copied) == pytest.approx(ends(once), rel=1e-9)


@pytest.mark.parametrize("slope", [False, True])
def test_a_line_that_cannot_be_fitted_or_hangs_on_one_subject_has_no_interval(slope: bool) -> None:
    outcome, risk, subject = cohort(60, 7, 60)
    assert calibration_interval(np.zeros(60, int), risk, subject, slope) == Estimate(None)
    one = calibration_interval(outcome, risk, np.zeros(60, int), slope)
    assert one.estimate is not None
    assert one.interval is None


def test_a_single_event_gives_no_interval_of_the_slope() -> None:
    outcome = np.zeros(40, int)
    outcome[20] = 1
    line = calibration_interval(outcome, np.linspace(0.01, 0.4, 40), np.arange(40), slope=True)
    assert line.estimate is not None
    assert line.interval is None


def test_observed_over_expected_has_the_interval_of_its_jackknifed_log() -> None:
    outcome, risk, subject = cohort(90, 3, 30)
    ratio, logs = ratio_interval(outcome, risk, subject), []
    for who in range(30):
        kept = subject != who
        logs.append(np.log(outcome[kept].sum() / risk[kept].sum()))
    error = np.sqrt(29 / 30 * np.sum(np.square(np.array(logs) - np.mean(logs))))
    assert value(ratio) == pytest.approx(outcome.sum() / risk.sum())
    low, high = ends(ratio)
    assert np.log(high / low) == pytest.approx(2 * t.ppf(0.975, 29) * error)
    assert low * high == pytest.approx(value(ratio) ** 2)


def test_observed_over_expected_is_refused_where_nothing_can_be_told() -> None:
    risk = np.full(5, 0.2)
    assert ratio_interval(np.zeros(5), risk, np.arange(5)) == Estimate(0.0)
    assert ratio_interval(np.ones(5), np.zeros(5), np.arange(5)) == Estimate(None)
    assert ratio_interval(np.ones(5), risk, np.zeros(5, int)) == Estimate(5.0)
