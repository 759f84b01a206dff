"""The threshold follows from harms, counts add up, and a verdict needs an interval, not an
estimate.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_model.config import Evaluation
from risk_model.core.decision import Decision
from risk_model.core.errors import UserError
from risk_model.evaluation import gates, utility
from risk_model.evaluation.utility import curve_thresholds, in_words, operating_threshold, per_1000

GOOD = {
    "auroc": {"estimate": 0.8, "low": 0.77, "high": 0.83},
    "slope": {"estimate": 1.0, "low": 0.85, "high": 1.15},
    "citl": {"estimate": 0.0, "low": -0.1, "high": 0.1},
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
    counts = per_1000(prevalence, sensitivity, alerts)
    assert min(counts.values()) >= 0
    assert sum(counts.values()) == 1000


def test_counts_survive_a_part_without_events() -> None:
    assert per_1000(0.0, float("nan"), 0.1) == {
        "found": 0,
        "missed": 0,
        "false_alerts": 100,
        "left_alone": 900,
    }


def test_counts_are_told_in_words() -> None:
    told = in_words({"found": 80, "missed": 20, "false_alerts": 220, "left_alone": 680}, 0.2)
    assert "finds 80 of them and misses 20; 220 patients are flagged for nothing" in told


@pytest.mark.parametrize(
    ("figure", "changed", "verdict"),
    [
        ("auroc", {"low": 0.61, "high": 0.99}, "pass"),
        ("auroc", {"low": 0.55, "high": 0.75}, "too few to judge"),
        ("auroc", {"low": 0.48, "high": 0.52}, "fail"),
        ("slope", {"low": 0.3, "high": 0.6}, "fail"),
        ("slope", {"low": 0.5, "high": 1.1}, "too few to judge"),
        ("citl", {"low": 0.5, "high": 0.9}, "fail"),
        ("citl", {"low": -0.4, "high": 0.1}, "too few to judge"),
        ("slope", {"low": float("nan"), "high": float("nan")}, "too few to judge"),
    ],
)
def test_a_verdict_follows_from_where_the_interval_lies(
    figure: str, changed: dict[str, float], verdict: str
) -> None:
    found = gates.verdict({**GOOD, figure: {**GOOD[figure], **changed}}, 100, 100, Evaluation())
    assert found.verdict == verdict
    assert bool(found.reasons) == (verdict != "pass")


def test_good_figures_on_eight_non_events_are_too_few_to_judge() -> None:
    found = gates.verdict(GOOD, 115, 8, Evaluation())
    assert found.verdict == "too few to judge"
    assert "8 non-events" in found.reasons[0]


def test_with_fewer_rows_than_a_stated_interval_needs_nothing_passes() -> None:
    needs = [
        {"figure": "auroc", "width": 0.1, "needed": 450, "enough": False},
        {"figure": "slope", "width": 0.4, "needed": 150, "enough": True},
    ]
    found = gates.verdict(GOOD, 100, 100, Evaluation(), needs)
    assert found.verdict == "too few to judge"
    assert found.reasons == ["200 rows are too few for intervals as narrow as asked: AUROC 450"]
    broken = {**GOOD, "slope": {"estimate": 0.4, "low": 0.3, "high": 0.5}}
    assert (
        gates.verdict(broken, 100, 100, Evaluation(), needs).verdict == "fail"
    )  # more rows would not mend it


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
