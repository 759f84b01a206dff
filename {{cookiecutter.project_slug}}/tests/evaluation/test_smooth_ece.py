"""The smooth calibration error equals its definition, and what its authors' package finds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_model.evaluation.smooth_ece import smooth_calibration_error

Floats = npt.NDArray[np.float64]


def cohort(n: int, offset: float, factor: float, seed: int) -> tuple[npt.NDArray[np.int64], Floats]:
    """Outcome and risk of made-up patients; offset and factor distort the log odds."""
    rng = np.random.default_rng(seed)
    x = rng.normal(-1, 1.3, n)
    outcome = (rng.random(n) < 1 / (1 + np.exp(-x))).astype(np.int64)
    return outcome, 1 / (1 + np.exp(-offset - factor * x))


def by_definition(outcome: npt.NDArray[np.int64], risk: Floats, width: float) -> float:
    """The integral over [0, 1] of the residuals' absolute value, by a Gaussian and its mirrors."""
    at = (np.arange(4000) + 0.5) / 4000
    images = [sign * risk + 2 * turn for turn in (-1, 0, 1) for sign in (1, -1)]
    kernel = sum(np.exp(-(((at[:, None] - image) / width) ** 2) / 2) for image in images)
    density = np.asarray(kernel) / (width * np.sqrt(2 * np.pi))
    return float(np.abs(density @ (outcome - risk)).mean() / len(risk))


CASES = [(4000, 0.0, 1.0, 0), (4000, 0.3, 1.4, 1), (400, 1.0, 0.5, 2), (4000, -2.0, 2.0, 3)]


@pytest.mark.parametrize("case", CASES)
def test_the_width_equals_the_error_that_the_definition_gives_at_it(
    case: tuple[int, float, float, int],
) -> None:
    outcome, risk = cohort(*case)
    error = smooth_calibration_error(outcome, risk)
    assert error == pytest.approx(by_definition(outcome, risk, error), rel=0.005)


# smECE of relplot 1.0.3, the package of Blasiok and Nakkiran, which searches the width more
# coarsely, in steps of .001, and so is up to 4 % off the definition; computed once in an
# environment of its own for the same patients.
PUBLISHED = [0.01726187258767473, 0.049464423682026575, 0.3079517633809215, 0.22554454974548516]


@pytest.mark.parametrize(("case", "published"), list(zip(CASES, PUBLISHED, strict=True)))
def test_the_error_is_near_that_of_its_authors_package(
    case: tuple[int, float, float, int], published: float
) -> None:
    assert smooth_calibration_error(*cohort(*case)) == pytest.approx(published, rel=0.04)


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
@settings(max_examples=100)
def test_the_error_lies_between_0_and_1_and_above_the_mean_residual(
    rows: list[tuple[int, float]],
) -> None:
    outcome, risk = np.array([y for y, _ in rows]), np.array([p for _, p in rows])
    error = smooth_calibration_error(outcome, risk)
    assert abs(float(np.mean(outcome - risk))) - 1e-4 <= error <= 1


def test_certain_risks_that_come_true_have_no_error_and_those_that_do_not_have_all() -> None:
    outcome = np.array([0, 1, 1, 0])
    assert smooth_calibration_error(outcome, outcome.astype(float)) == pytest.approx(0, abs=1e-4)
    assert smooth_calibration_error(np.ones(50, int), np.zeros(50)) == pytest.approx(1, abs=1e-4)


def test_no_rows_have_no_error() -> None:
    assert np.isnan(smooth_calibration_error(np.empty(0, int), np.empty(0)))
