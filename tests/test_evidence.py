"""The long studies: what is committed lies within its bounds, and a small sample of it repeats."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pytest

from evidence.run import RESULTS, STUDIES


def committed(name: str) -> dict[str, Any]:
    """The result that was committed for a study."""
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return result


@pytest.mark.parametrize("name", STUDIES)
def test_a_committed_result_is_whole_and_within_its_bounds(name: str) -> None:
    result, study = committed(name), import_module(f"evidence.{name}")
    assert {"commit", "date", "machine", "seconds"} <= result.keys()
    assert result["seeds"] == [0, study.SEEDS]
    assert {column: tuple(bound) for column, bound in result["bounds"].items()} == study.BOUNDS
    for column, (low, high) in study.BOUNDS.items():
        values = result["by_seed"][column]
        assert len(values) == study.SEEDS
        assert result["means"][column] == pytest.approx(sum(values) / len(values))
        assert low <= result["means"][column] <= high, column


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_small_sample_repeats_what_was_committed(name: str) -> None:
    study = import_module(f"evidence.{name}")
    repeated = study.study(range(study.SAMPLE))
    for column, values in committed(name)["by_seed"].items():
        assert repeated[column] == pytest.approx(values[: study.SAMPLE], abs=study.NEAR), column
