"""Is a column read for what it is? Kinds, ranges, listed values, outcomes, and tables made of
anything.
"""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_model import config
from risk_model.core.errors import UserError
from risk_model.core.schema import Field
from risk_model.data import load
from risk_model.data.sources.inference import infer_field
from risk_model.data.sources.outcome import events
from risk_model.data.sources.values import trimmed


def test_rare_values_are_not_listed_and_the_most_frequent_are_capped() -> None:
    many = pd.Series([f"k{i:02d}" for i in range(40) for _ in range(10 + i)])
    assert infer_field(many, "kind").categories == tuple(f"k{i:02d}" for i in range(10, 40))
    few = pd.Series(["often"] * 10 + ["seldom"] * 9)
    assert infer_field(few, "kind").categories == ("often",)


def test_kinds_and_ranges_of_numbers() -> None:
    assert infer_field(pd.Series([0, 1, 1, 0]), "x") == Field("x", "boolean")
    assert infer_field(pd.Series([True, False]), "x") == Field("x", "boolean")
    assert infer_field(pd.Series([20.0, 90.0]), "age") == Field(
        "age", "number", minimum=0, maximum=160
    )
    assert infer_field(pd.Series([-5.0, 5.0]), "x") == Field("x", "number", minimum=-15, maximum=15)
    assert infer_field(pd.Series([0.0, 1.0, 2.0, np.nan]), "x").missing_flag


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=20).filter(lambda v: len(set(v)) > 2))
def test_every_observed_number_is_plausible(values: list[float]) -> None:
    field = infer_field(pd.Series(values), "x")
    assert field.kind == "boolean" or all(field.plausible(value) for value in values)
    assert field.kind == "boolean" or min(values) < 0 or (field.minimum or 0.0) >= 0


@pytest.mark.parametrize(
    ("words", "positive", "expected"),
    [
        (["0", "1"], "", [0, 1]),
        (["1.0", "0.0"], "", [1, 0]),
        (["True", "FALSE"], "", [1, 0]),
        (["yes", "No"], "", [1, 0]),
        (["died", "Alive"], "", [1, 0]),
        (["1", "2"], "2", [0, 1]),
        (["1", "0"], "0", [0, 1]),
        (["<30", ">30", "NO"], "<30", [1, 0, 0]),
    ],
)
def test_outcomes_are_understood(words: list[str], positive: str, expected: list[int]) -> None:
    assert events(trimmed(pd.Series(words), [""]), "y", positive).tolist() == expected


CELLS = st.one_of(
    st.sampled_from(
        [
            "",
            "?",
            "None",
            "yes",
            "no",
            "0",
            "1",
            "2.5",
            "1e999",
            "inf",
            "-7",
            "2021-01-02",
            "13/01/2021",
            "10:30",
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6),
)


@given(st.data())
def test_any_table_is_a_cohort_or_an_error_that_says_why(data: st.DataObject) -> None:
    width = data.draw(st.integers(1, 4))
    names = data.draw(
        st.lists(
            st.sampled_from(["y", "id", "age", "date", "sex", "x", ""]),
            min_size=width,
            max_size=width,
        )
    )
    rows = data.draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=30))
    columns = [
        data.draw(st.lists(st.sampled_from(["0", "1", ""]), min_size=len(rows), max_size=len(rows)))
    ]
    content = io.StringIO(newline="")
    csv.writer(content).writerows(
        [["died", *names], *([y, *row] for y, row in zip(columns[0], rows, strict=True))]
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.csv"
        path.write_bytes(content.getvalue().encode())
        try:
            cohort = load(config.Table(path=str(path), outcome="died"))
        except UserError:
            return
    assert cohort.encoded().shape == (len(cohort), len(cohort.schema.features))
