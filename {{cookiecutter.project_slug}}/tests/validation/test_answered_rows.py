"""What is said of another hospital's rows before a package is judged on them, and when not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from risk_model.core.package import ModelPackage
from risk_model.validation.answered_rows import answered_rows

from tests.made_service import PATIENT, make_package

ALL = "the service would answer for all 20 rows"
ORDINARY = pd.DataFrame([PATIENT] * 20)


@pytest.fixture
def package(tmp_path: Path) -> ModelPackage:
    return make_package(tmp_path / "package")


def changed(rows: int, **values: Any) -> pd.DataFrame:
    """The ordinary patients, the first few of them with other values."""
    few = {**PATIENT, **values}
    return pd.DataFrame([few] * rows + [PATIENT] * (20 - rows)).astype(ORDINARY.dtypes.to_dict())


def test_of_rows_like_those_of_training_all_are_answered_and_nothing_else_is_said(
    package: ModelPackage,
) -> None:
    assert list(answered_rows(package, ORDINARY)) == [ALL]


def test_unusual_rows_are_counted_as_warned_about_or_as_refused(
    package: ModelPackage, tmp_path: Path
) -> None:
    rows = changed(3, lactate=39.5)
    warned = "it would answer for 3 of 20 rows with a warning: unlike those of training"
    assert list(answered_rows(package, rows)) == [ALL, warned]
    policy = replace(package.manifest.input_policy, unusual="refuse")
    strict = make_package(tmp_path / "strict", input_policy=policy)
    assert list(answered_rows(strict, rows)) == ["its input policy would refuse 3 of 20 rows"]


def test_a_row_is_counted_once_whatever_else_is_wrong_with_it(package: ModelPackage) -> None:
    assert list(answered_rows(package, changed(4, heart_rate=900.0, lactate=39.5))) == [
        "the service would refuse 4 of 20 rows (heart_rate 4)"
    ]


def test_rows_with_too_few_fields_are_refused_by_the_policy(package: ModelPackage) -> None:
    nan = float("nan")
    few = {"heart_rate": nan, "lactate": nan, "sex": None, "ward/unit": None}
    assert list(answered_rows(package, changed(5, **few))) == [
        "its input policy would refuse 5 of 20 rows"
    ]
