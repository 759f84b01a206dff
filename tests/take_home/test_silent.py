"""What the reference project's `data` tells about the problems, and what the study committed."""

from __future__ import annotations

import json

import pytest

from evidence.run import RESULTS
from evidence.take_home_plants import MOST_OF_THE_BLIND, data_command, names_place
from take_home.plants import SILENT, Made, tables_with

COMMITTED = RESULTS / "take_home_plants.json"


def test_the_data_command_names_none_of_the_silent_problems_of_a_candidate(made: Made) -> None:
    said = data_command(made.tables)
    silent = [plant for plant in made.key.plants if plant.kind in SILENT]
    assert len(silent) >= 3
    assert not any(names_place(plant, said) for plant in silent)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SILENT)
def test_the_data_command_does_not_name_a_silent_problem_that_is_alone(kind: str) -> None:
    for seed in (21, 22, 23):
        tables, _, (plant,), _ = tables_with(seed, (kind,), ())
        assert not names_place(plant, data_command(tables))


@pytest.mark.slow
def test_a_problem_that_is_not_silent_would_be_noticed_by_the_same_reading() -> None:
    tables, _, (plant,), _ = tables_with(21, ("unit_change",), ())
    assert names_place(plant, data_command(tables))


def test_no_seed_pays_a_blind_answer_more_than_two_fifths_or_unmended_risks_as_mended() -> None:
    by_seed = json.loads(COMMITTED.read_text(encoding="utf-8"))["by_seed"]
    for name in ("fixed list, claims", "dictionary alone, claims", "data command copied, claims"):
        assert max(by_seed[name]) <= MOST_OF_THE_BLIND, name
    assert max(by_seed["best of the blind, all points"]) <= MOST_OF_THE_BLIND
    came = by_seed["risks from the table as it came"]
    assert max(came) <= min(by_seed["honest risks"]) - 0.3
