"""The fuzz of the reader: its tables show every trait, and a few of them are read without fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidence.table_reading import NEVER, SEEDS, answers, judged, parsed
from evidence.tables.table import TRAITS, made


def test_every_trait_occurs_among_the_tables() -> None:
    seen: dict[str, set[str]] = {trait: set() for trait in TRAITS}
    for seed in range(SEEDS):
        for trait, values in made(seed).traits.items():
            seen[trait] |= values
        if seen == {trait: set(values) for trait, values in TRAITS.items()}:
            return
    assert seen == {trait: set(values) for trait, values in TRAITS.items()}


@pytest.mark.parametrize("seed", range(10))
def test_a_table_is_read_without_fault(seed: int, tmp_path: Path) -> None:
    verdict = judged(made(seed), tmp_path)
    assert verdict.first in ("right", "told", "asked")
    assert not verdict.faults.keys() & set(NEVER), verdict.faults


def test_the_settings_of_a_question_are_found_and_read() -> None:
    question = (
        "column 'x': read 3,5 as 3.5 with data.decimal=, data.thousands=., or leave it out with "
        "'data.exclude=[\"it'\"'\"'s\"]'; or data.time=none 'data.exclude=[x]'"
    )
    found = [parsed(answer) for answer in answers(question)]
    assert found == [
        {"decimal": ",", "thousands": "."},
        {"exclude": ["it's"]},
        {"time": "none", "exclude": ["x"]},
    ]
