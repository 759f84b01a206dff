"""Each kind's statistic puts the planted place first, and accuses nothing that is harmless."""

from __future__ import annotations

import numpy as np
import pytest

from take_home import cohort, honest, plants
from take_home.detect import STATISTICS, accusation, suspects
from take_home.numbers import SAME_PERSON, number
from take_home.oddities import ODDITIES
from take_home.plant_kinds import PLANTS, Draft
from take_home.tables import Tables


@pytest.mark.parametrize("kind", PLANTS)
def test_a_planted_problem_is_first_and_its_number_and_dates_can_be_had(kind: str) -> None:
    tables, _, (plant,), _ = plants.tables_with(11, (kind,), ())
    first, second = suspects(kind, tables)[:2]
    place = first.place
    assert place.site == plant.place.site
    assert place.column in (plant.place.column, plant.companion)
    assert first.statistic > STATISTICS[kind].bound
    if kind != "outcome_redefined":  # months beside the right one are as suspect
        assert second.statistic < STATISTICS[kind].bound
    for claimed, true in (
        (place.since, plant.place.since),
        (place.until, plant.place.until),
    ):
        assert (claimed is None) == (true is None)
        assert true is None or claimed is None or abs((claimed - true).days) <= 60
    assert number(kind, tables, place) == pytest.approx(plant.number, rel=0.1)


@pytest.fixture(scope="module")
def odd() -> Tables:
    """Tables with all oddities and no problem."""
    return plants.tables_with(12, (), tuple(ODDITIES))[0]


@pytest.fixture(scope="module")
def clean() -> Tables:
    """Tables with nothing in them."""
    return plants.tables_with(12, (), ())[0]


@pytest.mark.parametrize("kind", STATISTICS)
def test_oddities_and_clean_tables_are_accused_of_nothing(
    kind: str, odd: Tables, clean: Tables
) -> None:
    assert accusation(kind, odd) is None
    assert accusation(kind, clean) is None


@pytest.mark.parametrize("kind", ODDITIES)
def test_an_oddity_can_be_seen_in_the_cohort(kind: str, clean: Tables) -> None:
    tables, _, _, (oddity,) = plants.tables_with(12, (), (kind,))
    assert not tables.cohort.equals(clean.cohort)
    assert oddity.place.site in oddity.sentence


def test_the_honest_answer_names_every_problem_and_no_other(
    made: plants.Made, answer: honest.Answer
) -> None:
    assert {plant.kind for plant in answer.findings} == {plant.kind for plant in made.key.plants}


def test_mending_takes_the_problem_away(tables: Tables, answer: honest.Answer) -> None:
    mended, dropped = honest.mend(tables, answer.findings)
    for plant in answer.findings:
        if plant.kind == "unit_change":
            again = accusation("unit_change", Tables(mended, tables.ward))
            assert again is None
        elif plant.kind == "counted_later":
            assert plant.place.column in dropped


def test_a_cap_that_comes_later_is_no_default() -> None:
    for seed in (4, 8, 13):
        tables = plants.tables_with(seed, ("capped_values",), ())[0]
        assert accusation("default_value", tables) is None


def test_a_second_registration_reads_nothing_again_that_another_problem_is_in() -> None:
    table = cohort.development(np.random.default_rng(4))
    draft = Draft(table, table, table[cohort.OUTCOME].to_numpy() == 1, np.random.default_rng(4))
    draft.in_use |= {"respiratory_rate", "heart_rate"}
    plant = PLANTS["second_registration"](draft)
    rows = draft.cohort.duplicated(list(SAME_PERSON), keep=False)
    pairs = draft.cohort[rows].groupby(list(SAME_PERSON), dropna=False)
    different = [name for name in cohort.MEASURED if (pairs[name].nunique() > 1).any()]
    assert different == ["diastolic_bp", "weight"]
    assert plant.place.site in cohort.SITES
