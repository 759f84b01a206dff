"""The assignment says all that the grader asks of the findings, and nothing about a candidate."""

from __future__ import annotations

import tomllib

from take_home import texts
from take_home.assignment import EXAMPLE, assignment_text
from take_home.claims import DECISIONS, KINDS, SITES
from take_home.detect import STATISTICS

TEXT = assignment_text()


def test_every_kind_is_there_with_its_places_number_and_tolerance() -> None:
    for kind in KINDS.values():
        (line,) = [line for line in TEXT.splitlines() if line.startswith(f"- **`{kind.name}`**")]
        assert kind.number in line
        assert f"Tolerance: {kind.tolerance:.0%}" in line or f"{kind.tolerance:g} either" in line
        for place in ("column", "site", "since", "until"):
            assert (f"`{place}`" in line) == (place in kind.places)


def test_decisions_hospitals_and_the_rules_of_points_are_there() -> None:
    for words in (*DECISIONS, *SITES, "admission_id,risk", "15%", "within 60 days"):
        assert words in TEXT
    for rule in ("at most 10", "The first false one\nis free; each other costs 1.75 points"):
        assert rule in TEXT
    for band in ("| at least 0.9 | at least 0.8 |", "| 0.87 to 1.15 |", "| 0.82 to 1.2 |"):
        assert band in TEXT


def test_the_example_reads_as_toml_and_names_a_column_that_nothing_is_planted_in() -> None:
    (finding,) = tomllib.loads(EXAMPLE)["finding"]
    assert finding["column"] == "age"


def test_neither_the_rubric_nor_the_statistics_are_given_away() -> None:
    rubric = texts.rubric()
    for criteria in rubric.reasons.values():
        assert not any(level in TEXT for criterion in criteria for level in criterion.levels)
    assert not any(statistic.words in TEXT for statistic in STATISTICS.values())


def test_lines_fit_a_page_outside_of_the_list_of_kinds() -> None:
    lines = [line for line in TEXT.splitlines() if not line.startswith(("- **", "- `kind`"))]
    assert max(map(len, lines)) <= 100
