"""DeLong's interval equals another package's, and with repeated patients Obuchowski's formula."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binomtest, t
from sklearn.metrics import roc_auc_score

from risk_model.core.estimate import Estimate
from risk_model.core.scores import placements
from risk_model.evaluation.delong import auroc_interval, standard_error

from tests.estimates import ends, value

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


def cohort(n: int, seed: int, digits: int | None = None) -> tuple[Whole, Floats]:
    """Outcome and risk of made-up patients, the risk rounded if digits are given."""
    rng = np.random.default_rng(seed)
    x = rng.normal(-1, 1.3, n)
    outcome = (rng.random(n) < 1 / (1 + np.exp(-x))).astype(np.int64)
    risk = 1 / (1 + np.exp(-0.3 - 1.4 * x))
    return outcome, risk if digits is None else risk.round(digits)


# Area and variance of confidenceinterval 1.0.5 (Sun and Xu's fast DeLong, float32), computed once
# elsewhere.
@pytest.mark.parametrize(
    ("n", "seed", "digits", "area", "variance"),
    [(200, 0, None, 0.7324197, 0.001465372093322369), (50, 1, 1, 0.81359655, 0.004494933451980337)],
)
def test_area_and_variance_equal_another_package(
    n: int, seed: int, digits: int | None, area: float, variance: float
) -> None:
    outcome, risk = cohort(n, seed, digits)
    assert auroc_interval(outcome, risk, np.arange(n)).estimate == pytest.approx(area, abs=1e-6)
    assert standard_error(outcome, placements(outcome, risk), np.arange(n)) ** 2 == pytest.approx(
        variance, rel=1e-6
    )


def obuchowski(outcome: Whole, risk: Floats, subject: Whole) -> float:
    """The variance in Obuchowski 1997, equations 3 and 4, subject by subject."""
    events, others = np.flatnonzero(outcome == 1), np.flatnonzero(outcome == 0)

    def wins(i: np.integer, j: np.integer) -> float:
        return 1.0 if risk[i] > risk[j] else 0.5 * float(risk[i] == risk[j])

    of_event = {i: np.mean([wins(i, j) for j in others]) for i in events}
    of_other = {j: np.mean([wins(i, j) for i in events]) for j in others}
    area = np.mean(list(of_event.values()))
    people = np.unique(subject)
    x = [sum(of_event[i] - area for i in events if subject[i] == who) for who in people]
    y = [sum(of_other[j] - area for j in others if subject[j] == who) for who in people]
    with_event, without = len(np.unique(subject[events])), len(np.unique(subject[others]))
    s10 = with_event / ((with_event - 1) * len(events)) * np.sum(np.square(x))
    s01 = without / ((without - 1) * len(others)) * np.sum(np.square(y))
    s11 = len(people) / (len(people) - 1) * np.dot(x, y)
    return float(s10 / len(events) + s01 / len(others) + 2 * s11 / (len(events) * len(others)))


@pytest.mark.parametrize("digits", [None, 1])
def test_the_clustered_variance_equals_obuchowskis_formula(digits: int | None) -> None:
    outcome, risk = cohort(120, 3, digits)
    subject = np.random.default_rng(4).integers(0, 40, 120)
    error = standard_error(outcome, placements(outcome, risk), subject)
    assert error**2 == pytest.approx(obuchowski(outcome, risk, subject), rel=1e-12)


def test_the_mean_placement_is_scikit_learns_area_in_either_class() -> None:
    outcome, risk = cohort(300, 5, 1)
    placement, area = placements(outcome, risk), roc_auc_score(outcome, risk)
    for event in (0, 1):
        assert placement[outcome == event].mean() == pytest.approx(area, abs=1e-12)


def test_copies_of_a_row_add_no_certainty() -> None:
    outcome, risk = cohort(200, 6)
    once = standard_error(outcome, placements(outcome, risk), np.arange(200))
    two, risks, subject = np.tile(outcome, 2), np.tile(risk, 2), np.tile(np.arange(200), 2)
    assert standard_error(two, placements(two, risks), subject) == pytest.approx(once, rel=0.01)
    assert standard_error(two, placements(two, risks), np.arange(400)) < 0.75 * once


@pytest.mark.parametrize("outcome", [[0, 0, 0], [1, 1, 1], []])
def test_one_class_has_no_interval(outcome: list[int]) -> None:
    risk, subject = np.linspace(0.1, 0.9, len(outcome)), np.arange(len(outcome))
    assert auroc_interval(np.array(outcome, int), risk, subject) == Estimate(None)


def test_a_single_event_has_an_area_and_no_interval() -> None:
    outcome, risk = np.array([1, 0, 0]), np.array([0.9, 0.1, 0.2])
    assert auroc_interval(outcome, risk, np.arange(3)) == Estimate(1.0)
    assert auroc_interval(outcome, np.array([0.2, 0.1, 0.3]), np.arange(3)) == Estimate(0.5)


# Pepe 2003, section 5.2.4, from the area and variance of the other package above.
def test_the_interval_is_symmetric_on_the_logit_scale_about_the_published_variance() -> None:
    outcome, risk = cohort(200, 0)
    area, error = 0.7324197, np.sqrt(0.001465372093322369)
    rarer = min(outcome.sum(), 200 - outcome.sum())
    reach = t.ppf(0.975, rarer - 1) * error / (area * (1 - area))
    expected = 1 / (1 + np.exp(-np.log(area / (1 - area)) - np.array([-reach, reach])))
    assert ends(auroc_interval(outcome, risk, np.arange(200))) == pytest.approx(
        tuple(expected), abs=1e-6
    )


def test_near_one_the_interval_is_skewed_and_stays_below_one() -> None:
    rng = np.random.default_rng(1)
    outcome = np.repeat([0, 1], 20)
    risk = 1 / (1 + np.exp(-rng.normal(2.6 * outcome, 1)))
    estimate = auroc_interval(outcome, risk, np.arange(40))
    low, high = ends(estimate)
    assert 0.95 < value(estimate) < 1
    assert high < 1
    assert value(estimate) - low > 2 * (high - value(estimate))


@pytest.mark.parametrize(("events", "others", "pairs"), [(11, 109, 11), (40, 5, 5), (2, 2, 2)])
def test_a_perfect_area_has_the_exact_bound_of_pairs_that_share_no_patient(
    events: int, others: int, pairs: int
) -> None:
    outcome = np.repeat([1, 0], [events, others])
    risk = np.where(outcome == 1, 0.9, 0.1)
    expected = binomtest(pairs, pairs).proportion_ci(method="exact").low
    subject = np.arange(events + others)
    assert ends(auroc_interval(outcome, risk, subject)) == pytest.approx((expected, 1.0))
    assert ends(auroc_interval(outcome, 1 - risk, subject)) == pytest.approx((0.0, 1 - expected))


def test_a_perfect_area_counts_repeated_patients_once() -> None:
    outcome, subject = np.tile([1, 0], 20), np.repeat(np.arange(5), 8)
    risk = np.where(outcome == 1, 0.9, 0.1)
    # of five patients with rows of both classes two pairs can be formed that share none
    assert ends(auroc_interval(outcome, risk, subject))[0] == pytest.approx(0.025**0.5)
    assert auroc_interval(outcome, risk, np.zeros(40, int)) == Estimate(1.0)


def test_few_patients_with_many_rows_get_a_wide_interval_and_one_gets_none() -> None:
    outcome, risk = cohort(300, 9)
    wide, narrow = (
        auroc_interval(outcome, risk, np.arange(300) % subjects) for subjects in (10, 300)
    )
    area = value(wide)
    error = standard_error(outcome, placements(outcome, risk), np.arange(300) % 10)
    on_logit = np.log(np.array(ends(wide)) / (1 - np.array(ends(wide))))
    normal = 2 * 1.96 * error / (area * (1 - area))
    assert np.diff(on_logit)[0] > 1.1 * normal  # ten patients: a t reference with fewer than 9
    assert value(narrow) == area
    assert auroc_interval(outcome, risk, np.zeros(300, int)) == Estimate(area)
