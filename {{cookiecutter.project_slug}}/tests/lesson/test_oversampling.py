"""Copies made before the split make noise predictable; made after it, they do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from risk_model.core.cohort import Cohort
from risk_model.lesson.traps import oversampling
from risk_model.lesson.traps.oversampling import AFTER, BEFORE, NEVER

from tests.data.made_cohorts import cohort_of

Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def noise() -> Cohort:
    """1,500 rows of which nothing predicts the outcome; patients repeat."""
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.normal(size=1500) for i in range(5)}
    return cohort_of(
        columns, rng.random(1500) < 0.1, {"subject_id": rng.integers(0, 1000, 1500).astype(str)}
    )


def test_only_copies_made_before_the_split_make_noise_predictable(noise: Cohort) -> None:
    figures = oversampling.compare(noise)
    at = {row["oversampled"]: row for row in figures}
    assert float(at[BEFORE]["AUROC"]) > 0.98
    assert float(at[BEFORE]["copied"]) > 0.95
    assert float(at[BEFORE]["events"]) == pytest.approx(0.5, abs=0.01)
    for when in (NEVER, AFTER):
        assert at[when]["AUROC"] == pytest.approx(0.5, abs=0.15)
        assert at[when]["copied"] == 0
        assert at[when]["events"] == pytest.approx(noise.labels.mean(), abs=0.03)
    assert json.loads(json.dumps(figures)) == figures


def test_balancing_adds_copies_of_events_until_both_classes_are_as_large() -> None:
    labels = np.array([1, 0, 0, 0, 0, 1, 0], dtype=np.int8)
    rows = oversampling.balanced(np.array([0, 1, 2, 3, 4]), labels)
    assert rows[:5].tolist() == [0, 1, 2, 3, 4]
    assert rows[5:].tolist() == [0, 0, 0]
    assert oversampling.balanced(np.array([0, 1]), labels).tolist() == [0, 1]


def test_the_sample_is_drawn_without_replacement_and_always_the_same(noise: Cohort) -> None:
    first, second = (oversampling.sampled(noise, 400) for _ in range(2))
    assert len(first) == 400
    assert first.inputs.equals(second.inputs)
    assert not first.inputs.duplicated().any()


@pytest.mark.slow
def test_diabetes130_becomes_as_perfect_as_known_before(
    record_property: Record, downloaded: Callable[[str], Path]
) -> None:
    cache = downloaded("diabetes130/dataset_diabetes.zip").parent.parent
    lesson = oversampling.demonstrate("diabetes130", str(cache))
    record_property("figures", lesson.text())
    at = {row["oversampled"]: row for row in lesson.rows}
    assert at[NEVER]["AUROC"] == pytest.approx(
        0.641, abs=0.02
    )  # measured before; one split's standard error is .012
    assert at[AFTER]["AUROC"] == pytest.approx(at[NEVER]["AUROC"], abs=0.03)
    assert at[BEFORE]["AUROC"] == pytest.approx(0.998, abs=0.003)
    assert at[BEFORE]["accuracy"] == pytest.approx(0.995, abs=0.015)
