"""Points for findings.toml: shares of each problem, the cost of false claims, and what is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from take_home import honest
from take_home.findings import beside_truth, plant_in_words, score_findings
from take_home.key import Key, Plant
from take_home.plants import Made
from take_home.score import Scored
from take_home.tables import Place

FALSE = tuple(Plant("numbered_later", Place(n)) for n in ("file_number", "transport_number"))


def grade(claims: Iterable[Plant], key: Key, folder: Path) -> Scored:
    """The points of those claims."""
    (folder / "findings.toml").write_text(honest.findings_toml(claims))
    return score_findings(folder / "findings.toml", key)


@pytest.fixture
def key(made: Made) -> Key:
    """The key of a candidate without a renumbered column, with one that has dates."""
    assert "numbered_later" not in {plant.kind for plant in made.key.plants}
    return made.key


@pytest.fixture
def dated(key: Key) -> Plant:
    """The planted problem that has a date."""
    return next(plant for plant in key.plants if plant.kind == "unit_change")


def test_the_honest_answer_earns_all_points(
    key: Key, answer: honest.Answer, tmp_path: Path
) -> None:
    scored = grade(answer.findings, key, tmp_path)
    assert scored.points == pytest.approx(35)
    assert scored.most == pytest.approx(35)
    assert scored.mistakes == ()


def test_kind_and_place_dates_and_number_have_shares_of_their_own(
    key: Key, dated: Plant, tmp_path: Path
) -> None:
    assert dated.place.since is not None
    late = replace(dated.place, since=dated.place.since + timedelta(days=61))
    near = replace(dated.place, since=dated.place.since + timedelta(days=60))
    for claim, points in (
        (dated, 7.0),
        (replace(dated, place=near), 7.0),
        (replace(dated, place=late), 5.6),
        (replace(dated, number=dated.number * 1.09), 7.0),
        (replace(dated, number=dated.number * 1.11), 4.2),
        (replace(dated, place=late, number=0.0), 2.8),
        (replace(dated, place=replace(dated.place, site="")), 0.0),
        (replace(dated, kind="capped_values"), 0.0),
    ):
        assert grade([claim], key, tmp_path).points == pytest.approx(points)


def test_a_problem_without_dates_halves_between_place_and_number(key: Key, tmp_path: Path) -> None:
    plant = next(plant for plant in key.plants if plant.kind == "counted_later")
    wrong = replace(plant, number=plant.number * 2)
    assert grade([plant], key, tmp_path).points == pytest.approx(7)
    assert grade([wrong], key, tmp_path).points == pytest.approx(3.5)


def test_the_first_false_claim_is_free_and_each_other_costs_a_quarter_of_a_problem(
    key: Key, dated: Plant, tmp_path: Path
) -> None:
    letter = Plant("numbered_later", Place("letter_number"))
    assert grade([dated, *FALSE[:1]], key, tmp_path).points == pytest.approx(7)
    assert grade([dated, *FALSE], key, tmp_path).points == pytest.approx(5.25)
    scored = grade([dated, *FALSE, letter], key, tmp_path)
    assert scored.points == pytest.approx(3.5)
    assert scored.mistakes == (
        "findings 2, 3, 4 name no planted problem, or one named before: they cost 3.50 points",
    )
    assert grade([*FALSE, letter], key, tmp_path).points == 0


def test_a_problem_named_twice_counts_by_its_first_claim_and_the_second_is_false(
    key: Key, dated: Plant, tmp_path: Path
) -> None:
    wrong = replace(dated, number=1.0)
    scored = grade([wrong, dated, *FALSE[:1]], key, tmp_path)
    assert scored.points == pytest.approx(4.2 - 1.75)


def test_no_part_has_fewer_than_no_points_and_the_truth_is_not_in_the_sentences(
    key: Key, tmp_path: Path
) -> None:
    wrong = [replace(plant, number=-1.0) for plant in key.plants]
    scored = grade([*wrong, *FALSE], key, tmp_path)
    for part, plant in zip(scored.parts, key.plants, strict=True):
        assert 0 <= part.points <= part.most
        assert part.truth == plant_in_words(plant)
        assert plant.kind not in part.sentence
        assert f"{plant.number:.4g}" not in part.sentence
    nothing = grade([], key, tmp_path)
    assert {part.sentence for part in nothing.parts} == {"no finding names it"}


def test_either_of_two_columns_measured_together_is_right(key: Key, tmp_path: Path) -> None:
    place = Place("urea", "Elm", *(2 * [key.plants[0].place.since]))
    plant = Plant("shifted_rows", place, "creatinine", 400.0)
    shifted = replace(key, plants=(plant,))
    for column, points in (("urea", 35), ("creatinine", 35), ("sodium", 0)):
        claim = replace(plant, place=replace(place, column=column))
        assert grade([claim], shifted, tmp_path).points == pytest.approx(points)


def test_a_problem_of_all_hospitals_is_told_by_its_date(key: Key, tmp_path: Path) -> None:
    since = key.plants[0].place.since
    assert since is not None
    plant = Plant("outcome_redefined", Place(since=since), number=0.1)
    redefined = replace(key, plants=(plant,))
    for days, points in ((0, 35), (-60, 35), (61, 0)):
        claim = replace(plant, place=Place(since=since + timedelta(days=days)))
        assert grade([claim], redefined, tmp_path).points == pytest.approx(points)


def test_each_claim_stands_beside_the_truth(key: Key, dated: Plant, tmp_path: Path) -> None:
    oddity = next(o for o in key.oddities if o.kind == "not_routine")
    accusing = Plant("default_value", oddity.place, number=0.5)
    (tmp_path / "findings.toml").write_text(honest.findings_toml([dated, dated, accusing]))
    first, again, wrong = beside_truth(tmp_path / "findings.toml", key)
    assert (first.true, again.true, wrong.true) == (True, False, False)
    assert (first.plant, again.repeat, wrong.plant) == (dated, True, None)
    assert first.truth == plant_in_words(dated)
    assert first.claim.why.startswith("The median changed by one factor")
    assert (wrong.plant, wrong.oddity) == (None, oddity.sentence)


def test_a_missing_file_earns_nothing_and_says_so(key: Key, tmp_path: Path) -> None:
    scored = score_findings(tmp_path / "findings.toml", key)
    assert scored.points == 0
    assert scored.mistakes == ("findings.toml: there is no such file; write your findings into it",)
