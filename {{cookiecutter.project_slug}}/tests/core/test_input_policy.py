"""What a package says of the records that training saw, and what becomes of others."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_model.core.input_policy import (
    FEWEST,
    Bounds,
    InputCheck,
    InputPolicy,
    input_policy,
    missing_fields,
)
from risk_model.core.schema import Features, Field, Schema, encode

SCHEMA = Schema(
    "ward",
    "death",
    (
        Field("age", "number", unit="a"),
        Field("lactate", "number", unit="mmol/L", missing_flag=True),
        Field("crp", "number", unit="mg/L"),
        Field("sex", "category", categories=("female", "male", "other"), missing_flag=True),
        Field("diabetes", "boolean"),
    ),
)
NAN = float("nan")


def rows(n: int = 200, **columns: object) -> Features:
    """N rows with ages 20, 21, … and the other columns given, else all alike."""
    default: dict[str, object] = {
        "age": 20.0 + np.arange(n),
        "lactate": np.full(n, 1.5),
        "crp": np.full(n, 4.0),
        "sex": ["female", "male"] * (n // 2),
        "diabetes": [True, False] * (n // 2),
    }
    return encode(default | columns, SCHEMA)


def lacking(n: int, of: int = 200, value: float = 1.5) -> list[float]:
    """A column that the first n rows lack."""
    return [NAN] * n + [value] * (of - n)


def check(features: Features) -> InputCheck:
    return InputCheck(input_policy(features, SCHEMA, "warn"), SCHEMA)


def remarks(made: InputCheck, **values: object) -> list[tuple[str, str]]:
    """What is said of one record: field and text."""
    record: dict[str, object] = {"age": 50, "lactate": 1.5, "crp": 4, "sex": "male"}
    record |= {"diabetes": True} | values
    row = encode({name: [value] for name, value in record.items()}, SCHEMA)
    return [
        (r.field, r.text) for r in made.remarks(row, [n for n, v in record.items() if v is None])
    ]


def test_a_record_like_those_of_training_gets_no_remark() -> None:
    assert remarks(check(rows())) == []


@pytest.mark.parametrize(("lacked", "said"), [(0, True), (9, True), (10, False), (200, False)])
def test_a_field_that_fewer_than_ten_rows_lacked_is_named_when_it_is_missing(
    lacked: int, said: bool
) -> None:
    text = "crp is missing, as in fewer than 10 of 200 training rows"
    told = remarks(check(rows(crp=lacking(lacked))), crp=None)
    assert told == ([("crp", text)] if said else [])


def test_two_fields_that_hardly_any_row_lacked_together_are_named_together() -> None:
    apart = check(rows(crp=lacking(50, value=4.0), lactate=lacking(100)[::-1]))
    assert remarks(apart, crp=None) == remarks(apart, lactate=None) == []
    text = "lactate and crp are both missing, as in fewer than 10 of 200 training rows"
    assert remarks(apart, crp=None, lactate=None) == [("lactate", text)]
    together = check(rows(crp=lacking(50, value=4.0), lactate=lacking(60)))
    assert remarks(together, crp=None, lactate=None) == []


def test_a_value_is_named_only_beyond_all_but_nine_rows() -> None:
    made = check(rows())  # ages 20 to 219
    for age in (29, 210):
        assert remarks(made, age=age) == []
    few = "as in fewer than 10 of 200 training rows"
    assert remarks(made, age=28.9) == [("age", f"age is below 29 a, {few}")]
    assert remarks(made, age=210.5) == [("age", f"age is above 210 a, {few}")]


def test_a_category_and_a_truth_value_that_hardly_any_row_had_are_named_without_the_value() -> None:
    made = check(rows(sex=["female"] * 191 + ["other"] * 9, diabetes=[True] * 9 + [False] * 191))
    told = remarks(made, sex="other", diabetes=True)
    assert [field for field, _ in told] == ["sex", "diabetes"]
    assert all(
        text.endswith("value that fewer than 10 of 200 training rows had") for _, text in told
    )
    assert "other" not in str(told)
    assert remarks(made, sex="female", diabetes=False) == []
    assert [field for field, _ in remarks(made, sex="male", diabetes=False)] == ["sex"]


def test_a_field_that_nearly_every_row_lacked_is_named_when_it_is_given() -> None:
    made = check(rows(crp=lacking(195)))
    assert [field for field, _ in remarks(made, crp=1.0)] == ["crp"]
    assert remarks(made, crp=None) == []


def test_the_least_number_of_fields_is_that_of_the_tenth_emptiest_row() -> None:
    emptiest: dict[str, Any] = {"crp": lacking(9), "lactate": lacking(9)}
    assert input_policy(rows(**emptiest), SCHEMA, "warn").least_recorded == 5
    emptiest["crp"] = lacking(10)
    assert input_policy(rows(**emptiest), SCHEMA, "warn").least_recorded == 4
    made = check(rows(**emptiest))
    assert made.too_few == (
        "at least 4 of the 5 fields are required: fewer than 10 of 200 training rows had fewer"
    )


def test_of_fewer_than_twenty_values_each_is_beyond_one_end_and_one_row_is_treated_as_many() -> (
    None
):
    made = check(rows(crp=[*np.linspace(1, 12, 12), *[NAN] * 188]))
    texts = {text for _, text in remarks(made, crp=5.0)}
    assert len(texts) == 2
    row = encode(
        {"age": [50], "lactate": [1.5], "crp": [5], "sex": ["male"], "diabetes": [1]}, SCHEMA
    )
    assert set(made.of_rows(row)[1]) == texts


@pytest.mark.parametrize("n", [0, 2, 8])
def test_of_fewer_than_ten_rows_all_is_hardly_seen_and_nothing_breaks(n: int) -> None:
    policy = input_policy(rows(n), SCHEMA, "warn")
    assert set(policy.bounds.values()) == {None}
    assert InputCheck(policy, SCHEMA).of_rows(rows(20))[1]


def test_no_number_of_fewer_than_ten_patients_stands_in_the_policy() -> None:
    few, one = 77.25, 44.398438
    crp = [few] * 9 + [one] + [4.0] * 180 + [0.0123456] * 10
    policy = input_policy(rows(crp=crp), SCHEMA, "warn")
    assert policy.bounds["crp"] == Bounds(0.0123, 44.4), "outwards, so that the remark stays true"
    for value in (few, one):
        assert str(value) not in json.dumps(policy.to_json())


@given(st.floats(-(2.0**99), 2.0**99, width=32))
def test_bounds_of_three_digits_leave_no_training_row_outside_that_was_inside(value: float) -> None:
    bounds = input_policy(rows(crp=[value] * 200), SCHEMA, "warn").bounds["crp"]
    assert bounds is not None
    low, high = bounds
    assert np.float32(low) <= value <= np.float32(high)
    assert high - low <= 0.02 * abs(value)
    assert json.loads(json.dumps(low)) == float(f"{low:.3g}")


def test_a_policy_comes_back_from_json_as_it_was() -> None:
    policy = input_policy(rows(crp=lacking(9)), SCHEMA, "refuse")
    assert InputPolicy.from_json(json.loads(json.dumps(policy.to_json()))) == policy
    assert policy.bounds["age"] == Bounds(29.0, 210.0)


numbers = st.sampled_from([None, 1.0, 2.5, 99.0, -3.0])


@given(st.tuples(numbers, numbers, numbers), st.booleans())
def test_many_rows_are_remarked_on_as_one(values: tuple[float | None, ...], told: bool) -> None:
    made = check(rows(crp=lacking(50, value=4.0), lactate=lacking(100)[::-1]))
    record: dict[str, object] = dict(zip(("age", "lactate", "crp"), values, strict=True))
    record |= {"sex": "male" if told else None, "diabetes": told if values[0] else None}
    row = encode({name: [value] for name, value in record.items()}, SCHEMA)
    missing = [name for name, value in record.items() if value is None]
    lacks = missing_fields(row, SCHEMA)[0]
    assert [name for name, absent in zip(SCHEMA.names, lacks, strict=True) if absent] == missing
    few, of_rows = made.of_rows(np.repeat(row, 3, axis=0))
    assert few.tolist() == [5 - len(missing) < made.policy.least_recorded] * 3
    assert set(of_rows) == {remark.text for remark in made.remarks(row, missing)}
    assert all(mask.all() for mask in of_rows.values())


def test_a_policy_of_other_fields_does_not_fit() -> None:
    policy = replace(input_policy(rows(), SCHEMA, "warn"), bounds={})
    with pytest.raises(KeyError):
        InputCheck(policy, SCHEMA)


def test_ten_is_also_what_the_training_distributions_are_told_from() -> None:
    from risk_model.data import drift_reference

    assert drift_reference.FEWEST == FEWEST
