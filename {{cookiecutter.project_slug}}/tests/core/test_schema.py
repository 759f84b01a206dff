"""One schema, one encoder: what a record becomes and what is wrong with one."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_model.core.schema import Field, Schema, encode

AGE = Field("age", "number", unit="a", minimum=18, maximum=110)
SEX = Field("sex", "category", categories=("female", "male"))
LACTATE = Field("lactate", "number", unit="mmol/L", minimum=0, maximum=30, missing_flag=True)
SMOKER = Field("smoker", "boolean", missing_allowed=False)
LATER = Field("days in hospital", "number", recorded_after=True)
SCHEMA = Schema("demo", "death in hospital", (AGE, SEX, LACTATE, SMOKER, LATER))


def test_a_schema_survives_json() -> None:
    assert Schema.from_json(SCHEMA.to_json()) == SCHEMA


def test_what_is_recorded_later_is_no_input() -> None:
    assert SCHEMA.features == [
        "age",
        "sex=female",
        "sex=male",
        "lactate",
        "lactate missing",
        "smoker",
    ]
    assert SCHEMA.served().names == ["age", "sex", "lactate", "smoker"]
    assert "days in hospital" in SCHEMA.declare_recorded_after([]).features


def test_each_feature_knows_its_field() -> None:
    assert SCHEMA.feature_field.tolist() == [0, 1, 1, 2, 2, 3]


def test_encoding_keeps_missing_numbers_and_shows_unknown_categories_as_zeros() -> None:
    records = {
        "age": [50, None],
        "sex": ["male", "other"],
        "lactate": [None, 2.5],
        "smoker": [True, False],
    }
    expected = [[50, 0, 1, np.nan, 1, 1], [np.nan, 0, 0, 2.5, 0, 0]]
    np.testing.assert_array_equal(encode(records, SCHEMA), np.array(expected, dtype=np.float32))


def test_a_frame_and_a_mapping_encode_alike() -> None:
    records = {
        "age": [50.0, None],
        "sex": ["male", None],
        "lactate": [1.0, None],
        "smoker": [True, False],
    }
    np.testing.assert_array_equal(encode(pd.DataFrame(records), SCHEMA), encode(records, SCHEMA))


@given(st.permutations(range(6)))
def test_encoding_a_row_does_not_depend_on_its_neighbours(order: list[int]) -> None:
    records = {
        "age": np.array([20.0, 30, 40, 50, 60, np.nan]),
        "sex": np.array(["male", "female", None, "male", "x", "female"], dtype=object),
        "lactate": np.array([1.0, 2, np.nan, 4, 5, 6]),
        "smoker": np.array([True, False, True, False, True, False]),
    }
    whole = encode(records, SCHEMA)
    shuffled = encode({k: v[order] for k, v in records.items()}, SCHEMA)
    np.testing.assert_array_equal(shuffled, whole[order])


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        (AGE, 54, ""),
        (AGE, 54.5, ""),
        (AGE, None, ""),
        (AGE, "54", "must be a number"),
        (AGE, True, "must be a number"),
        (AGE, 17, "must be at least 18 and at most 110 a"),
        (AGE, float("nan"), "must be at least 18 and at most 110 a"),
        (SEX, "male", ""),
        (SEX, "Male", "must be one of female, male"),
        (SEX, 1, "must be one of female, male"),
        (SMOKER, True, ""),
        (SMOKER, 1, "must be true or false"),
        (SMOKER, None, "is required"),
    ],
)
def test_a_problem_is_named_without_the_value(field: Field, value: object, words: str) -> None:
    assert field.problem(value) == words
    if words and value is not None:
        assert json.dumps(value) not in field.problem(value) or value in (1, 17, True)


def test_an_unknown_field_name_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="weight"):
        SCHEMA.field("weight")
