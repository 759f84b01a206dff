"""Is it said what is wrong with identifiers, and nothing where they are right?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from risk_model.data.first_look.identifiers import IdentifierDoubt, identifier_doubts

GOOD = [f"{i}" for i in range(100, 400)] * 2


def doubts(
    subject: list[str], site: list[str] | None = None, stable: pd.DataFrame | None = None
) -> list[IdentifierDoubt]:
    texts = pd.Series(subject, dtype=object)
    return identifier_doubts(
        texts,
        None if site is None else pd.Series(site, dtype=object),
        pd.DataFrame(index=texts.index) if stable is None else stable,
    )


def kinds(*args: object) -> list[str]:
    return [doubt.kind for doubt in doubts(*args)]  # type: ignore[arg-type]  # as its callers have them


@pytest.mark.parametrize("word", ["unknown", "0", "99999999", "n/a", "unbekannt", "-", "test"])
def test_a_placeholder_is_named(word: str) -> None:
    (doubt,) = doubts([*GOOD, *[word] * 30])
    assert (doubt.kind, doubt.rows, doubt.subjects) == ("placeholder", 30, 1)
    assert repr(word) in doubt.message


@pytest.mark.parametrize("value", ["4711", "A-17", "Smith"])
def test_one_giant_patient_is_no_patient_and_is_not_named(value: str) -> None:
    (doubt,) = doubts([*GOOD, *[value] * 60])
    assert (doubt.kind, doubt.rows) == ("placeholder", 60)
    assert value not in doubt.message


def test_a_patient_with_many_visits_or_the_number_0_is_no_placeholder() -> None:
    assert kinds([*GOOD, *["4711"] * 15]) == []
    assert kinds([str(i) for i in range(300)] * 2) == []


@pytest.mark.parametrize(
    "wrong",
    [
        ["1.23457E+11", "1.23458E+11"],
        ["1,23457E+11"],
        ["9007199254740992e3"],
        ["1401.0", "1402.0"],
        [f"{i * 100}" for i in range(10**14 + 7, 10**14 + 30)],
        [f"{int(float(2**53 + 7 * i))}" for i in range(1, 60)],
    ],
)
def test_what_went_through_floating_point_is_seen(wrong: list[str]) -> None:
    (doubt,) = doubts([*GOOD, *wrong])
    assert (doubt.kind, doubt.subjects) == ("through floating point", len(set(wrong)))
    assert not any(text in doubt.message for text in wrong)


@pytest.mark.parametrize(
    "right",
    [
        [f"{2**53 + i}" for i in range(60)],
        [f"{i}.1" for i in range(60)],
        ["12E5", "13E5", "14A2"],
        [f"1234567890{i:06d}" for i in range(60)],
        [f"{i}00" for i in range(1000, 1060)],
    ],
)
def test_long_and_odd_identifiers_are_right(right: list[str]) -> None:
    assert kinds([*GOOD, *right]) == []


@pytest.mark.parametrize("pair", [["7", "07"], ["a12", "A12"], ["A-12", "A12"], ["ab 7", "AB7"]])
def test_two_spellings_of_one_patient_are_seen(pair: list[str]) -> None:
    (doubt,) = doubts([*GOOD, *pair])
    assert (doubt.kind, doubt.rows, doubt.subjects) == ("two spellings", 2, 1)


@pytest.mark.parametrize("pair", [["1.1", "1.10"], ["1-2", "12"], ["A+", "A-"], ["A1", "A10"]])
def test_other_identifiers_are_other_patients(pair: list[str]) -> None:
    assert kinds([*GOOD, *pair]) == []


def test_spellings_of_different_people_are_no_doubt() -> None:
    subject = [*GOOD, "aB1", "Ab1", "xY2", "Xy2"]
    sex = pd.DataFrame({"sex": [*["M"] * len(GOOD), "M", "F", "F", "M"]})
    assert kinds(subject, None, sex) == []
    assert kinds(subject, None, sex.assign(sex="M")) == ["two spellings"]


def hospitals(transfers: bool) -> tuple[list[str], list[str], pd.DataFrame]:
    rng = np.random.default_rng(0)
    site = [s for s in "AB" for _ in range(300)]
    number = [str(i) for _ in "AB" for i in range(1, 301)]
    people = pd.DataFrame({"sex": rng.choice(["M", "F"], 600), "age": rng.integers(20, 90, 600)})
    if transfers:
        people = pd.concat([people[:300]] * 2, ignore_index=True)
        people["age"] += rng.integers(0, 2, 600)
    return number, site, people


def test_numbers_of_each_hospital_are_seen_with_and_without_sex_and_age() -> None:
    number, site, people = hospitals(transfers=False)
    for stable in (people, people[["sex"]], people[["age"]], None):
        (doubt,) = doubts(number, site, stable)
        assert (doubt.kind, doubt.rows, doubt.subjects) == ("per site", 600, 300)


def test_patients_who_change_the_hospital_are_no_doubt() -> None:
    assert kinds(*hospitals(transfers=True)) == []
    number, site, people = hospitals(transfers=False)
    assert kinds([s + n for s, n in zip(site, number, strict=True)], site, people) == []
    sparse = [str(10_007 * int(n) % 999_983) for n in number]
    assert kinds(sparse, site, None) == []


@pytest.mark.parametrize(
    "subject", [["a", "b"] * 60, list("abcdefghijklmnopqr") * 5, GOOD[:30] * 60]
)
def test_few_values_are_no_people(subject: list[str]) -> None:
    assert kinds(subject) == ["not people"]


def test_nothing_is_said_of_good_numbers_or_none() -> None:
    assert kinds(GOOD) == []
    assert kinds([]) == []
