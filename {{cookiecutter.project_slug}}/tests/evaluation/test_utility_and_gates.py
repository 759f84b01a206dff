"""The threshold follows from harms, counts add up, and a verdict needs an interval."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from risk_model.config import Evaluation
from risk_model.core.decision import Decision
from risk_model.core.errors import UserError
from risk_model.core.estimate import Estimate
from risk_model.evaluation import gates, utility
from risk_model.evaluation.metric_table import ThresholdCounts, count_by_subject
from risk_model.evaluation.results import RequiredRows
from risk_model.evaluation.utility import (
    curve_thresholds,
    operating_threshold,
    per_1000,
    per_1000_sentence,
)

from tests.estimates import ends, value

GOOD = {
    "auroc": Estimate(0.8, 0.77, 0.83),
    "slope": Estimate(1.0, 0.85, 1.15),
    "citl": Estimate(0.0, -0.1, 0.1),
}


def test_threshold_is_where_the_expected_harms_are_equal() -> None:
    threshold, why = operating_threshold(
        Decision(harm_ratio=4.0, reason="a talk costs little"), 0.3
    )
    assert threshold == pytest.approx(0.2)
    assert threshold * 4.0 == pytest.approx(1 - threshold)
    assert "4 false alerts" in why
    assert "a talk costs little" in why


def test_without_a_harm_ratio_the_event_rate_stands_in_and_says_so() -> None:
    threshold, why = operating_threshold(Decision(), 0.12)
    assert threshold == 0.12
    assert "harm_ratio" in why


@pytest.mark.parametrize(
    ("ratio", "prevalence"), [(-1.0, 0.2), (float("inf"), 0.2), (float("nan"), 0.2), (0.0, 0.0)]
)
def test_a_threshold_that_cannot_be_derived_is_refused(ratio: float, prevalence: float) -> None:
    with pytest.raises(UserError, match="harm_ratio"):
        operating_threshold(Decision(harm_ratio=ratio), prevalence)


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.5), (0.5, 0.5), (0.2, 1.0), (0.6, 0.3)])
def test_a_threshold_range_that_does_not_ascend_between_0_and_1_is_refused(
    low: float, high: float
) -> None:
    with pytest.raises(UserError, match="threshold_low"):
        curve_thresholds(Decision(threshold_low=low, threshold_high=high))


def counts_of(rows: int, events: int, flagged: int, hits: int) -> ThresholdCounts:
    """Counts of patients with one row each."""
    outcome = np.arange(rows) < events
    alert = np.arange(rows) < hits
    alert |= (np.arange(rows) >= events) & (np.arange(rows) < events + flagged - hits)
    return count_by_subject(outcome, np.where(alert, 0.9, 0.1), np.arange(rows), 0.5)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 9)), min_size=1))
def test_counts_are_whole_never_negative_add_up_to_1000_and_lie_in_their_intervals(
    rows: list[tuple[bool, bool, int]],
) -> None:
    outcome, flagged, subject = map(np.array, zip(*rows, strict=True))
    subject = np.unique(subject, return_inverse=True)[1]
    counts = per_1000(count_by_subject(outcome, np.where(flagged, 0.9, 0.1), subject, 0.5))
    estimates = [getattr(counts, field.name) for field in fields(counts)]
    assert sum(value(count) for count in estimates) == 1000
    for count in estimates:
        low, high = count.interval or (value(count), value(count))
        assert 0 <= low <= value(count) <= high <= 1000
        assert all(number.is_integer() for number in (low, value(count), high))


def test_counts_survive_a_part_without_events() -> None:
    counts = per_1000(counts_of(1000, events=0, flagged=100, hits=0))
    assert (counts.true_positives.estimate, counts.false_negatives.estimate) == (0, 0)
    assert (counts.false_positives.estimate, counts.true_negatives.estimate) == (100, 900)


def test_an_interval_of_the_counts_is_wilsons_of_the_share_of_all_patients() -> None:
    counts = per_1000(counts_of(250, events=25, flagged=75, hits=20))
    expected = binomtest(20, 250).proportion_ci(method="wilson")
    assert ends(counts.true_positives) == (round(1000 * expected.low), round(1000 * expected.high))


def test_counts_are_told_in_words() -> None:
    sentence = per_1000_sentence(per_1000(counts_of(250, 25, flagged=75, hits=20)), 0.2)
    assert "Of 1,000 like these, 100 have the event" in sentence
    assert "patient" not in sentence  # a row may be one of several moments of a patient
    assert "finds 80 (52 to 120) of them and misses 20 (9 to 46); 220 (" in sentence
    assert "are flagged for nothing and 680 (" in sentence


def test_a_threshold_is_told_as_it_is_and_not_rounded_to_another() -> None:
    counts = per_1000(counts_of(250, 25, flagged=75, hits=20))
    assert "Flagging a risk of 2.44% or more" in per_1000_sentence(counts, 1 / 41)
    assert "at a risk of 2.44% or more" in operating_threshold(Decision(harm_ratio=40.0), 0.3)[1]


def test_counts_of_a_single_patient_have_no_interval_in_words() -> None:
    sentence = per_1000_sentence(per_1000(counts_of(1, 1, flagged=1, hits=1)), 0.2)
    assert "finds 1000 of them" in sentence
    assert "interval" not in sentence


@pytest.mark.parametrize(
    ("metric", "low", "high", "verdict"),
    [
        ("auroc", 0.61, 0.99, "pass"),
        ("auroc", 0.55, 0.75, "cannot tell"),
        ("auroc", 0.48, 0.52, "fail"),
        ("slope", 0.3, 0.6, "fail"),
        ("slope", 0.5, 1.1, "cannot tell"),
        ("citl", 0.5, 0.9, "fail"),
        ("citl", -0.4, 0.1, "cannot tell"),
        ("slope", None, None, "too few to judge"),
        ("net_benefit_gain", 0.01, 0.05, "pass"),
        ("net_benefit_gain", 0.0, 0.0, "fail"),
        ("net_benefit_gain", -0.02, -0.01, "fail"),
        ("net_benefit_gain", -0.01, 0.02, "cannot tell"),
    ],
)
def test_a_verdict_follows_from_where_the_interval_lies(
    metric: str, low: float | None, high: float | None, verdict: str
) -> None:
    estimates = {**GOOD, metric: Estimate(0.5, low, high)}
    gate = gates.verdict(estimates, 100, 100, Evaluation())
    assert gate.verdict == verdict
    assert bool(gate.reasons) == (verdict != "pass")


def test_good_figures_on_eight_non_events_are_too_few_to_judge() -> None:
    gate = gates.verdict(GOOD, 115, 8, Evaluation())
    assert gate.verdict == "too few to judge"
    assert "8 non-events" in gate.reasons[0]


def test_with_fewer_rows_than_a_stated_interval_needs_nothing_passes() -> None:
    required = [
        RequiredRows("auroc", width=0.1, rows=450, enough=False),
        RequiredRows("slope", width=0.4, rows=150, enough=True),
    ]
    gate = gates.verdict(GOOD, 100, 100, Evaluation(), required)
    assert gate.verdict == "too few to judge"
    assert gate.reasons == ["200 rows are too few for intervals as narrow as asked: AUROC 450"]
    wide = {**GOOD, "slope": Estimate(1.0, 0.5, 1.5)}
    assert gates.verdict(wide, 100, 100, Evaluation(), required).verdict == "too few to judge"
    broken = {**GOOD, "slope": Estimate(0.4, 0.3, 0.5)}
    gate = gates.verdict(broken, 100, 100, Evaluation(), required)
    assert gate.verdict == "fail"  # more rows would not mend it


def test_without_a_stated_range_there_is_no_curve_and_a_warning() -> None:
    assert len(curve_thresholds(Decision(harm_ratio=4.0))) == 0
    (warning,) = utility.findings(Decision(harm_ratio=4.0))
    assert (warning.severity, "threshold_low" in warning.remedy) == ("warning", True)


def test_a_range_without_its_clinical_reason_is_refused() -> None:
    with pytest.raises(UserError, match=r"data\.decision\.reason"):
        curve_thresholds(Decision(threshold_low=0.1, threshold_high=0.3))
    stated = Decision(threshold_low=0.1, threshold_high=0.3, reason="a call costs little")
    assert curve_thresholds(stated)[[0, -1]].tolist() == [0.1, 0.3]
    assert utility.findings(stated) == []


def test_an_end_just_below_0_does_not_read_as_0() -> None:
    metrics = {**GOOD, "net_benefit_gain": Estimate(-0.029, -0.062, -0.001)}
    (reason,) = gates.verdict(metrics, 100, 100, Evaluation()).reasons
    assert reason == "net benefit beyond all or none −0.029 (−0.062 to −0.001) is not above 0"
