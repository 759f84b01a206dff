"""What SUPPORT2's later columns are worth, and which of them the leakage check finds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.data import load
from risk_model.data.sources import support2
from risk_model.lesson.traps import leak

Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def critically_ill() -> Cohort:
    return leak.half_year(load(config.Support2()))


def test_the_outcome_is_death_within_half_a_year_and_no_later(critically_ill: Cohort) -> None:
    file = pd.read_parquet(support2.FILE)
    expected = (file["d.time"] <= 180) & (file["death"] == 1)
    assert np.array_equal(critically_ill.labels, expected)
    assert critically_ill.labels.mean() == pytest.approx(0.468, abs=0.001)


def test_each_step_shows_less_and_the_last_shows_what_the_project_shows(
    critically_ill: Cohort,
) -> None:
    shown = list(leak.STEPS.values())
    assert all(set(after) < set(before) for before, after in pairwise(shown))
    assert {name for step in shown for name in step} <= set(config.Support2().recorded_after)
    fields = [row["fields"] for row in leak.strip(critically_ill.take(np.arange(0, 9105, 20)))]
    assert fields == [31, 30, 26, len(critically_ill.schema.inputs)]


def test_the_auroc_falls_with_each_step_and_the_check_names_the_column_behind_it(
    critically_ill: Cohort,
) -> None:
    figures = leak.strip(critically_ill.take(np.arange(0, 9105, 4)))
    reached = [float(row["AUROC"]) for row in figures]
    assert reached[0] - reached[1] > 0.05
    assert reached[1] - reached[2] > 0.05
    said = [str(row["the leakage check says"]) for row in figures]
    assert said[0].startswith("error: sfdm2")
    assert not any("error" in words for words in said[1:])


@pytest.mark.slow
def test_support2_falls_as_known_before_when_its_later_columns_go(record_property: Record) -> None:
    lesson = leak.demonstrate("support2", "")
    record_property("figures", lesson.text())
    figures = lesson.rows
    assert [row["the leakage check says"] for row in figures] == [
        "error: sfdm2",
        "nothing",
        "nothing",
        "nothing",
    ]
    reached = [row["AUROC"] for row in figures]
    assert reached[:3] == pytest.approx([0.938, 0.854, 0.762], abs=0.005)  # measured before
    assert 0.735 <= float(reached[3]) <= 0.755
