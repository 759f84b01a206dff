"""The threshold follows from harms, counts add up, and a verdict needs an interval."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_model.config import Evaluation
from risk_model.core.decision import Decision
from risk_model.core.errors import UserError
from risk_model.core.estimate import Estimate
from risk_model.evaluation import gates, utility
from risk_model.evaluation.results import OutcomesPer1000, RequiredRows
from risk_model.evaluation.utility import (
    curve_thresholds,
    operating_threshold,
    per_1000,
    per_1000_sentence,
)

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


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_counts_are_never_negative_and_add_up_to_1000(
    prevalence: float, sensitivity: float, alerts: float
) -> None:
    counts = astuple(per_1000(prevalence, sensitivity, alerts))
    assert min(counts) >= 0
    assert sum(counts) == 1000


def test_counts_survive_a_part_without_events() -> None:
    nobody = OutcomesPer1000(0, 0, false_positives=100, true_negatives=900)
    assert per_1000(0.0, float("nan"), 0.1) == nobody


def test_counts_are_told_in_words() -> None:
    counts = OutcomesPer1000(
        true_positives=80, false_negatives=20, false_positives=220, true_negatives=680
    )
    sentence = per_1000_sentence(counts, 0.2)
    assert "Of 1,000 patients like these, 100 have the event" in sentence
    assert "finds 80 of them and misses 20; 220 patients are flagged for nothing" in sentence
    assert "680 are rightly left alone" in sentence


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
