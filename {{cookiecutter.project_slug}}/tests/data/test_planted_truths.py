"""Planted truths are found, and a clean cohort is left in peace."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from risk_model import config
from risk_model.core.cohort import Cohort, Splits
from risk_model.data import load
from risk_model.data.quality import Quality, assess
from risk_model.data.split import split

from tests.data.made_cohorts import cohort_of, serious

FOUND_BY_QUALITY = {
    "site_shift": "Hospital C",
    "drift": "medications",
    "underdiagnosis": "ethnicity: Black",
}
KINDS = {
    "site_shift": "site shift",
    "drift": "drift",
    "underdiagnosis": "under-diagnosis",
}


def made(plant: str, seed: int) -> tuple[Cohort, Splits]:
    settings = config.Synthetic(seed=seed, plant=[plant] if plant else [])
    cohort = load(settings)
    return cohort, split(cohort, config.Split(), settings, seed)


@pytest.mark.parametrize("plant", FOUND_BY_QUALITY)
def test_the_planted_truth_is_found_and_nothing_else(plant: str) -> None:
    cohort, splits = made(plant, 1)
    found = serious(assess(cohort, splits).findings)
    assert [f.kind for f in found] == [KINDS[plant]]
    assert FOUND_BY_QUALITY[plant] in found[0].where


def test_a_clean_cohort_raises_nothing() -> None:
    cohort, splits = made("", 1)
    assert serious(assess(cohort, splits).findings) == []


def test_every_question_is_answered_in_sentences_and_as_json() -> None:
    cohort, splits = made("drift", 0)
    quality = assess(cohort, splits)
    content = json.loads(json.dumps(quality.to_json(), allow_nan=False))
    assert Quality.from_json(content) == quality
    assert len(quality.answers) == 10
    assert all(line.endswith(".") for answer in quality.answers.values() for line in answer)
    assert "nan" not in json.dumps(quality.answers)


def test_what_was_not_recorded_is_called_not_assessable() -> None:
    cohort = cohort_of({"x": np.random.default_rng(0).normal(size=500)}, np.arange(500) % 3 == 0)
    answers = assess(cohort, split(cohort, config.Split(), config.Data(name="made"), 0)).answers
    assert sum("ot assessable" in " ".join(answer) for answer in answers.values()) == 5


def test_outcomes_of_test_and_external_rows_are_never_used() -> None:
    cohort, splits = made("underdiagnosis", 2)
    outcome = cohort.labels.copy()
    hidden = np.concatenate([splits.test, splits.set_aside, *splits.external.values()])
    outcome[hidden] = 1 - outcome[hidden]
    changed = dataclasses.replace(cohort, outcome=outcome)
    assert assess(changed, splits) == assess(cohort, splits)
