"""The rows that an evaluation needs are those of the published software."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from risk_model.config import Evaluation, Widths
from risk_model.evaluation.delong import auroc_interval
from risk_model.evaluation.validation_sample_size import (
    required_rows,
    rows_for_auroc,
    rows_for_net_benefit,
    rows_for_ratio,
    rows_for_slope,
)

from tests.estimates import width

# pmvalsampsize 0.1.0 (Ensor, Whittle and Riley), computed once in an environment of its own:
# prevalence, AUROC, the distribution of the log odds, and the rows for the ratio, the slope and
# AUROC with intervals .2, .2 and .1 wide. The first is for the standard error .051 that the
# software rounds to, an interval of .20025.
NORMAL, BETA = (0.018, 0.8, 20975, 4544, 4252), (0.43, 0.8, 510, 2136, 308)


@pytest.mark.parametrize("case", [NORMAL, BETA])
def test_rows_for_ratio_slope_and_auroc_equal_the_published_software(
    case: tuple[float, float, int, int, int],
) -> None:
    prevalence, auroc, ratio, slope, area = case
    rng = np.random.default_rng(0)
    risk = rng.beta(1.33, 1.75, 2_000_000)
    log_odds = np.log(risk / (1 - risk)) if case is BETA else rng.normal(-5, 2.5, 2_000_000)
    assert rows_for_ratio(prevalence, 0.20025309986649076) == ratio
    # both simulate the log odds
    assert rows_for_slope(log_odds, 0.2) == pytest.approx(slope, rel=0.005)
    assert rows_for_auroc(auroc, prevalence, 0.1) == area


def test_rows_for_net_benefit_make_its_interval_as_wide_as_asked() -> None:
    prevalence, sensitivity, specificity, threshold = 0.2, 0.8, 0.7, 0.15
    n = rows_for_net_benefit(sensitivity, specificity, prevalence, threshold, 0.2)
    rng, benefits = np.random.default_rng(1), []
    for _ in range(4000):
        events = rng.binomial(n, prevalence)
        hits, false = rng.binomial(events, sensitivity), rng.binomial(n - events, 1 - specificity)
        benefits.append((hits - false * threshold / (1 - threshold)) / events)
    assert 2 * 1.96 * np.std(benefits) == pytest.approx(0.2, rel=0.05)


def test_rows_for_auroc_make_delongs_interval_as_wide_as_asked() -> None:
    rng = np.random.default_rng(2)
    n = rows_for_auroc(0.76, 0.3, 0.1)  # binormal events one standard deviation higher: AUROC .76
    outcome = (np.arange(n) < 0.3 * n).astype(np.int8)
    widths = []
    for _ in range(200):
        score = rng.normal(outcome.astype(float), 1)
        widths.append(width(auroc_interval(outcome, score, np.arange(n))))
    assert np.mean(widths) == pytest.approx(0.1, rel=0.05)


def test_narrower_intervals_need_more_rows() -> None:
    rng = np.random.default_rng(3)
    risk = rng.beta(2, 5, 500)
    outcome = (rng.random(500) < risk).astype(np.int8)
    wide, narrow = (
        required_rows(outcome, risk, 0.2, Evaluation(widths=Widths(*[interval] * 4)))
        for interval in (0.4, 0.1)
    )
    assert [row.metric for row in wide] == ["ratio", "slope", "auroc", "net_benefit"]
    assert {row.width for row in wide} == {0.4}
    assert all(few.rows < many.rows for few, many in zip(wide, narrow, strict=True))
    assert all(row.enough == (row.rows <= 500) for row in [*wide, *narrow])


@pytest.mark.parametrize(
    "outcome", [np.zeros(20, np.int8), np.ones(20, np.int8), np.empty(0, np.int8)]
)
def test_one_class_needs_no_formula(outcome: npt.NDArray[np.int8]) -> None:
    assert required_rows(outcome, np.full(len(outcome), 0.2), 0.2, Evaluation()) == []


def test_one_distinct_risk_can_never_tell_a_slope() -> None:
    assert rows_for_slope(np.full(50, -1.0), 0.4) == 10**9
