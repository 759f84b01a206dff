"""A group beside its complement: the formula's standard error is that of the bootstrap."""

from __future__ import annotations

import math

import numpy as np
import pytest

from risk_model.config import Evaluation
from risk_model.core.estimate import NORMAL
from risk_model.core.scores import auroc, placements
from risk_model.evaluation.delong import standard_error
from risk_model.evaluation.group_differences import group_differences
from risk_model.evaluation.metrics import calibration_in_the_large
from risk_model.evaluation.resampled_metrics import (
    EvaluationSettings,
    Key,
    ScoredRows,
    resample_metrics,
)

from tests.estimates import value, width


def cohort(seed: int, subjects: int, rows_each: int) -> tuple[ScoredRows, np.ndarray]:
    """Rows of subjects with a risk of their own, a third of whose rows are in the group."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(subjects), rows_each)
    z = np.repeat(rng.normal(-1, 1, subjects), rows_each)
    own = np.repeat(rng.normal(0, 1.0, subjects), rows_each)
    outcome = (rng.random(len(z)) < 1 / (1 + np.exp(-z - own))).astype(np.int8)
    return ScoredRows(outcome, 1 / (1 + np.exp(-z)), subject), rng.random(len(z)) < 1 / 3


@pytest.mark.parametrize(("subjects", "rows_each"), [(900, 1), (150, 6)])
def test_the_interval_is_as_wide_as_the_bootstraps_that_draws_subjects(
    subjects: int, rows_each: int
) -> None:
    rows, inside = cohort(3, subjects, rows_each)
    group, others = rows.take(inside), rows.take(~inside)
    settings = EvaluationSettings(0.2, np.empty(0), Evaluation(resamples=1000), 0)
    keys: dict[Key, ScoredRows] = {("m", "by", "group"): group, ("m", "by", "others"): others}
    one, other = resample_metrics(keys, settings).values()
    for name, difference in group_differences(group, others).items():
        estimate, draws = one.difference(other, name)
        assert value(difference) == pytest.approx(estimate)
        assert width(difference) / (2 * NORMAL) == pytest.approx(float(np.std(draws)), rel=0.08)


def test_the_estimates_are_those_of_the_two_sides() -> None:
    rows, inside = cohort(4, 400, 1)
    group, others = rows.take(inside), rows.take(~inside)
    differences = group_differences(group, others)
    for name, metric in (("auroc", auroc), ("citl", calibration_in_the_large)):
        expected = metric(group.outcome, group.risk) - metric(others.outcome, others.risk)
        assert value(differences[name]) == pytest.approx(expected)


def test_aurocs_of_strangers_differ_as_delong_says() -> None:
    rows, inside = cohort(5, 600, 1)
    sides = rows.take(inside), rows.take(~inside)
    errors = [standard_error(s.outcome, placements(s.outcome, s.risk), s.subject) for s in sides]
    difference = group_differences(*sides)["auroc"]
    assert width(difference) == pytest.approx(2 * NORMAL * math.hypot(*errors), rel=0.01)


def test_one_patient_alone_or_one_class_has_no_interval() -> None:
    rows, _ = cohort(6, 20, 10)
    first = rows.subject == np.flatnonzero(np.bincount(rows.subject, rows.outcome) % 10)[0]
    alone = group_differences(rows.take(first), rows.take(~first))
    assert alone["citl"].estimate is not None
    assert alone["citl"].interval is None
    events = rows.outcome == 1
    assert group_differences(rows.take(events), rows.take(~events))["citl"].estimate is None
