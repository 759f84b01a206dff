"""The tables of a seed: the same every time, five problems, two oddities, a key that returns."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from take_home import cohort, honest, numbers, plants, texts
from take_home.claims import COLUMNS, KINDS, SITES
from take_home.detect import STATISTICS
from take_home.key import Key
from take_home.oddities import ODDITIES
from take_home.plant_kinds import PLANTS, UNITS


def written(seed: int, folder: Path) -> dict[str, bytes]:
    """The files of a seed and its key, as bytes."""
    folder.mkdir()
    made = plants.make(seed)
    made.tables.write(folder)
    made.key.write(folder / "key.json")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(tmp_path: Path) -> None:
    folders = (("first", 5), ("again", 5), ("other", 6))
    first, again, other = (written(seed, tmp_path / name) for name, seed in folders)
    assert set(first) == {"cohort.csv", "dictionary.csv", "key.json", "ward.csv"}
    assert first == again
    same = {name for name in first if first[name] == other[name]}
    assert same == {"dictionary.csv"}, "the dictionary tells nothing about a candidate"


def test_a_key_that_was_written_reads_as_it_was(made: plants.Made, tmp_path: Path) -> None:
    made.key.write(tmp_path / "key.json")
    key = Key.read(tmp_path / "key.json")
    assert (key.seed, key.plants, key.oddities) == (
        made.key.seed,
        made.key.plants,
        made.key.oddities,
    )
    assert key.ward.admissions == made.key.ward.admissions
    assert np.array_equal(key.ward.readmitted, made.key.ward.readmitted)
    assert key.honest_net_benefit == made.key.honest_net_benefit


@pytest.mark.parametrize("content", ["{}", "[]", "not JSON", '{"seed": 1, "plants": [{}]}'])
def test_what_is_no_key_is_refused_with_the_remedy(content: str, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(content)
    with pytest.raises(ValueError, match=r"is no key of a take-home .*make it again"):
        Key.read(tmp_path / "key.json")


def test_the_files_hold_what_the_dictionary_describes(made: plants.Made, tmp_path: Path) -> None:
    made.tables.write(tmp_path)
    cohort_csv, ward, dictionary = (
        pd.read_csv(tmp_path / f"{name}.csv") for name in ("cohort", "ward", "dictionary")
    )
    assert list(cohort_csv.columns) == list(dictionary["column"]) == list(COLUMNS)
    assert list(ward.columns) == [name for name in COLUMNS if name != cohort.OUTCOME]
    assert len(ward) == 12_000
    assert ward["admission_id"].is_unique
    assert cohort_csv["admission_id"].is_unique
    assert 11_000 < len(cohort_csv) < 13_000
    for name in ("patient_id", "admission_id"):
        assert set(cohort_csv[name]).isdisjoint(ward[name])
        assert {len(identifier) for identifier in [*cohort_csv[name], *ward[name]]} == {7}
    assert cohort_csv["discharge_date"].max() < ward["discharge_date"].min()


def test_every_seed_draws_five_kinds_three_of_them_silent_and_damage_in_one_direction() -> None:
    drawn, odd = Counter[str](), Counter[str]()
    for seed in range(400):
        kinds, oddities = plants.draw(np.random.default_rng([seed, 3]))
        assert len(set(kinds)) == plants.HOW_MANY
        assert len(set(oddities)) == plants.HOW_MANY_ODDITIES
        assert len(set(kinds) & set(plants.SILENT)) >= plants.FEWEST_SILENT
        assert bool(set(kinds) & set(plants.TOO_LOW)) != bool(set(kinds) & set(plants.TOO_HIGH))
        drawn.update(kinds)
        odd.update(oddities)
    assert set(drawn) == set(PLANTS)
    assert set(odd) == set(ODDITIES)
    assert max(drawn.values()) < 0.7 * 400, (
        "no kind is there so often that it need not be looked for"
    )


def test_the_tables_of_kinds_name_the_same_kinds() -> None:
    rubric = texts.rubric()
    for table in (PLANTS, STATISTICS, honest.DECISIONS, rubric.reasons, numbers.NUMBERS):
        assert set(table) == set(KINDS)
    assert tuple(cohort.SITES) == SITES
    assert set(plants.SILENT) < set(KINDS)


def test_every_measurement_has_an_effect_on_the_risk() -> None:
    assert all(m.log_odds for m in cohort.MEASUREMENTS)
    assert set(UNITS) < set(cohort.MEASURED)


def test_a_plant_changes_what_it_names_and_leaves_the_ward_alone() -> None:
    clean = plants.tables_with(3, (), ())[0]
    for kind in ("unit_change", "outcome_gap", "default_value", "capped_values", "shifted_rows"):
        tables, _, (plant,), _ = plants.tables_with(3, (kind,), ())
        changed = plant.place.column or cohort.OUTCOME
        others = [name for name in clean.cohort if name != changed]
        pd.testing.assert_frame_equal(tables.cohort[others], clean.cohort[others])
        pd.testing.assert_frame_equal(tables.ward, clean.ward)
        different = (tables.cohort[changed] != clean.cohort[changed]) & (
            tables.cohort[changed].notna() | clean.cohort[changed].notna()
        )
        assert different.any()
        assert not different[~plant.place.rows(clean.cohort)].any()


def test_the_rubric_has_three_levels_of_why_and_decision_and_two_of_patients() -> None:
    rubric = texts.rubric()
    for criteria in rubric.reasons.values():
        assert [(c.name, c.most) for c in criteria] == [
            ("why", 2),
            ("decision", 2),
            ("patients", 1),
        ]
    sentences = [
        level for criteria in rubric.reasons.values() for c in criteria for level in c.levels
    ]
    assert all(text.endswith(".") for text in sentences)
    assert {criterion.most for criterion in rubric.letter} == {2}
