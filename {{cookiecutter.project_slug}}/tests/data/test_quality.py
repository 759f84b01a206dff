"""Are the questions about the data answered, and are columns that cannot help named?"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from risk_model import config
from risk_model.data import load
from risk_model.data.quality import assess
from risk_model.data.sample_size import required_rows
from risk_model.data.split import split

from tests.data.made_cohorts import cohort_of


def test_a_check_whose_file_is_absent_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = config.HeartDisease()
    cohort = load(settings)
    splits = split(cohort, config.Split(), settings, 0)
    every = assess(cohort, splits)
    checks = ("columns", "detached", "sample_size")
    monkeypatch.setattr("risk_model.data.quality.CHECKS", checks)
    few = assess(cohort, splits)
    assert few.answers.items() <= every.answers.items()
    assert len(few.answers) == 5


def test_too_few_rows_are_a_warning_with_the_number_needed() -> None:
    settings = config.HeartDisease()
    cohort = load(settings)
    quality = assess(cohort, split(cohort, config.Split(), settings, 0))
    (finding,) = [f for f in quality.findings if f.kind == "small sample"]
    assert finding.severity == "warning"
    needed = [row["rows needed"] for row in quality.tables["development sample size"]]
    assert max(n for n in needed if isinstance(n, int)) > 1000


def test_the_sample_size_is_that_of_the_published_example() -> None:
    assert required_rows(24, 0.174, r2=0.288) == {
        "shrinkage": 623,
        "optimism": 662,
        "overall risk": 221,
    }


def columns_found(values: pd.Series, maximum: float | None = None) -> set[tuple[str, str]]:
    n = len(values)
    cohort = cohort_of({"x": values, "age": np.linspace(20, 90, n)}, np.arange(n) % 3 == 0)
    fields = tuple(
        dataclasses.replace(f, maximum=maximum) if f.name == "x" else f
        for f in cohort.schema.fields
    )
    cohort = dataclasses.replace(cohort, schema=dataclasses.replace(cohort.schema, fields=fields))
    quality = assess(cohort, split(cohort, config.Split(), config.Data(name="made"), 0))
    return {(f.kind, f.severity) for f in quality.findings if f.where == "x"}


def test_columns_that_cannot_help_or_cannot_be_true_are_named() -> None:
    rng = np.random.default_rng(0)
    assert ("constant column", "warning") in columns_found(pd.Series(np.full(400, 7.0)))
    assert ("identifier-like column", "warning") in columns_found(
        pd.Series(rng.permutation(400) + 1e6)
    )
    assert ("implausible values", "warning") in columns_found(
        pd.Series(rng.normal(size=400)), maximum=2.0
    )
    assert ("mostly missing", "note") in columns_found(
        pd.Series(np.where(np.arange(400) % 3 > 0, np.nan, 1.5 * np.arange(400)))
    )
    assert columns_found(pd.Series(rng.normal(size=400))) == set()
    assert columns_found(pd.Series(rng.poisson(1, 400) + 0.0)) == set()


@pytest.mark.parametrize(("share", "told"), [(0.05, False), (0.2, True), (0.5, True), (1.0, True)])
def test_rows_that_stand_there_twice_are_warned_of_where_they_are_many(
    share: float, told: bool
) -> None:
    rng = np.random.default_rng(0)
    again = np.arange(round(300 * share))
    columns = {name: np.append(v := rng.normal(size=300), v[again]) for name in "xyz"}
    who = np.append(np.arange(300), again).astype(str)
    cohort = cohort_of(columns, np.append(np.arange(300), again) % 3 == 0, {"subject_id": who})
    quality = assess(cohort, split(cohort, config.Split(), config.Data(name="made"), 0))
    assert ("repeated rows" in [f.kind for f in quality.findings]) == told


@pytest.mark.parametrize(("share", "rare"), [(0.03, "The outcome"), (0.97, "A row without")])
def test_what_is_rare_is_named_at_either_end(share: float, rare: str) -> None:
    outcome = np.random.default_rng(0).random(2000) < share
    cohort = cohort_of({"x": np.arange(2000.0)}, outcome)
    quality = assess(cohort, split(cohort, config.Split(), config.Data(name="made"), 0))
    assert quality.answers["How unbalanced is the outcome?"][1].startswith(rare)


@pytest.mark.parametrize("identified", [False, True])
def test_rows_are_subjects_only_where_a_column_names_them_and_a_share_says_of_which_rows(
    identified: bool,
) -> None:
    index = {"subject_id": np.repeat(np.arange(300), 4).astype(str)} if identified else {}
    cohort = cohort_of({"x": np.arange(1200.0)}, np.arange(1200) % 3 == 0, index)
    splits = split(cohort, config.Split(), config.Data(name="made"), 0)
    answers = assess(cohort, splits).answers
    said = "1,200 rows of 300 subjects;" if identified else "1,200 rows, whose is not recorded;"
    assert answers["How much data is there?"][0].startswith(said)
    share = cohort.labels[splits.learning].mean()
    assert answers["How unbalanced is the outcome?"][0].startswith(
        f"{share:.1%} of the rows that teach, tune and calibrate have the outcome"
    )


@pytest.mark.parametrize("recorded", [0, 400])
def test_a_column_without_any_value_is_not_said_to_have_one(recorded: int) -> None:
    values = np.where(np.arange(400) < recorded, 7.0, np.nan)
    cohort = cohort_of({"x": values, "age": np.linspace(20, 90, 400)}, np.arange(400) % 3 == 0)
    quality = assess(cohort, split(cohort, config.Split(), config.Data(name="made"), 0))
    (found,) = [f for f in quality.findings if f.kind == "constant column"]
    assert found.message == ("has one value in every row" if recorded else "has no value")
