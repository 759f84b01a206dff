"""Are columns that name people found by what they hold, and no others?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from risk_model.data.first_look.people import names_people

Made = tuple[pd.DataFrame, npt.NDArray[np.float64]]


def visits(people: int = 120, each: int = 5, name: str = "stay_id", seed: int = 0) -> Made:
    """Rows of several visits: age and sex of a person, measurements of a visit."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), each)
    rng.shuffle(person)
    n = len(person)
    frame = pd.DataFrame(
        {
            name: rng.permutation(9 * people)[:people][person] + 1000,
            "age": rng.integers(20, 90, people)[person] + rng.integers(0, 2, n),
            "sex": rng.choice(["M", "F"], people)[person],
            "sbp": rng.normal(130, 20, n).round(),
            "crp": rng.lognormal(1, 1, n).round(1),
            "ward": rng.choice(list("ABCDE"), n),
        }
    )
    return frame, (rng.random(people) < 0.3)[person].astype(float)


def names(frame: pd.DataFrame, outcome: npt.NDArray[np.float64]) -> list[str]:
    return [found.column for found in names_people(frame, outcome)]


@pytest.mark.parametrize("people", [60, 120, 300])
@pytest.mark.parametrize("name", ["stay_id", "encounter_id", "nhs_number", "pseudonym", "x7"])
def test_repeated_patients_are_found_under_any_name(people: int, name: str) -> None:
    (found,) = names_people(*visits(people, 4, name))
    assert (found.column, found.subjects, found.rows) == (name, people, 4 * people)
    assert found.agreeing == ("age", "sex")


def test_texts_two_rows_each_and_hospital_numbers_are_found() -> None:
    frame, outcome = visits(300, 2)
    assert names(frame.assign(stay_id="S" + frame["stay_id"].astype(str)), outcome) == ["stay_id"]
    assert names(frame.rename(columns={"stay_id": "hospital_number"}), outcome) == [
        "hospital_number"
    ]
    category = frame.assign(stay_id=frame["stay_id"].astype(str).astype("category"))
    assert names(category, outcome) == ["stay_id"]


def test_one_column_and_the_outcome_are_enough() -> None:
    frame, outcome = visits()
    assert names(frame.drop(columns="age"), outcome) == ["stay_id"]
    assert names(frame.drop(columns="age"), np.full(len(frame), np.nan)) == []
    assert names(frame.drop(columns=["age", "sex"]), outcome) == []


def test_columns_of_any_name_may_agree() -> None:
    frame, outcome = visits()
    renamed = frame.set_axis(["a", "b", "c", "d", "e", "f"], axis=1)
    assert names(renamed, outcome) == ["a"]


def test_missing_values_and_an_unknown_patient_do_not_hide_them() -> None:
    frame, outcome = visits(200, 5)
    some = np.random.default_rng(1).random(len(frame)) < 0.1
    frame["age"] = frame["age"].astype(float).mask(some)
    assert names(frame, outcome) == ["stay_id"]
    texts = frame["stay_id"].astype(str).mask(np.roll(some, 3), "unknown")
    assert names(frame.assign(stay_id=texts), outcome) == ["stay_id"]


def test_ages_at_visits_years_apart_do_not_speak_against_a_person() -> None:
    frame, outcome = visits(200, 3)
    later = frame.groupby("stay_id").cumcount() * 5
    frame["race"] = np.where(frame["stay_id"] % 3 == 0, "black", "white")
    assert names(frame.assign(age=frame["age"] + later), outcome) == ["stay_id"]


def test_a_table_sorted_by_sex_and_numbered_then_is_found() -> None:
    frame, outcome = visits(300, 3)
    numbers = frame.sort_values(["sex", "stay_id"])["stay_id"].drop_duplicates()
    number = dict(zip(numbers, range(len(numbers)), strict=True))
    assert names(frame.assign(stay_id=frame["stay_id"].map(number)), outcome) == ["stay_id"]


def groups(name: str, people: bool = False) -> Made:
    """Rows of a group that has a region and an index, with people of every age and sex."""
    rng = np.random.default_rng(3)
    group = rng.integers(0, 80, 800)
    frame = pd.DataFrame(
        {
            name: 10000 + 37 * group,
            "rural": rng.integers(0, 2, 80)[group],
            "income": rng.integers(0, 60, 80)[group],
            "weight": rng.normal(75, 12, 800).round(),
        }
    )
    if people:
        frame["age"], frame["sex"] = rng.integers(20, 90, 800), rng.choice(["M", "F"], 800)
    return frame, rng.integers(0, 2, 800).astype(float)


@pytest.mark.parametrize("name", ["x7", "code", "household", "site", "batch", "gp_code"])
def test_groups_of_different_people_are_no_people(name: str) -> None:
    assert names(*groups(name, people=True)) == []


@pytest.mark.parametrize("name", ["postcode", "ward", "household_id", "district", "physicianId"])
def test_groups_by_their_name_are_no_people(name: str) -> None:
    assert names(*groups(name)) == []


def test_functions_of_a_column_do_not_make_it_a_person() -> None:
    rng = np.random.default_rng(4)
    age, day = rng.integers(18, 95, 900), rng.integers(0, 300, 900)
    date = pd.Timestamp("2015-01-01") + pd.to_timedelta(day, unit="D")
    height = rng.normal(170, 10, 900).round()
    frame = pd.DataFrame(
        {
            "alder_x": age,
            "band": pd.cut(age, [0, 40, 60, 80, 100]).astype(str),
            "old": age > 65,
            "height": height,
            "inches": (height / 2.54).round(1),
            "metres": height / 100,
            "day": date.strftime("%Y-%m-%d"),
            "compact": date.strftime("%Y%m%d").astype(int),
            "year": date.year,
            "month": date.month,
            "weekday": date.day_name(),
            "weekend": date.day_of_week > 4,
        }
    )
    assert names(frame, rng.integers(0, 2, 900).astype(float)) == []


def test_a_diagnosis_with_its_chapter_and_weight_is_no_person() -> None:
    rng = np.random.default_rng(5)
    code = np.minimum(rng.zipf(1.6, 1500), 200)
    frame = pd.DataFrame(
        {
            "code": [f"D{c * 7919 % 1000:03d}" for c in code],
            "chapter": code * 13 % 9,
            "weight": code * 31 % 17,
            "x": rng.normal(size=1500),
        }
    )
    assert names(frame, rng.integers(0, 2, 1500).astype(float)) == []


@pytest.mark.parametrize("seed", range(5))
def test_an_ordinary_table_names_nobody(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 600
    frame = pd.DataFrame(
        {
            "id": rng.permutation(n),
            "age": rng.integers(18, 95, n),
            "sex": rng.choice(["M", "F"], n),
            "sbp": rng.normal(130, 20, n).round(),
            "platelets": rng.normal(250, 80, n).round(),
            "rare": rng.random(n) < 0.02,
            "other": rng.random(n) < 0.03,
            "diagnosis": rng.choice([f"I{i}" for i in range(40)], n),
        }
    )
    assert names(frame, (rng.random(n) < 0.1).astype(float)) == []
