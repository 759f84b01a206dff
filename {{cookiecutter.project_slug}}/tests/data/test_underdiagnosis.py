"""Is a group whose events go unrecorded found, and a healthier one left alone?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from risk_model.core.cohort import Splits
from risk_model.data import underdiagnosis

from tests.data.made_cohorts import cohort_of


def test_a_group_whose_risk_its_inputs_explain_is_not_called_underdiagnosed() -> None:
    rng = np.random.default_rng(0)
    sex = rng.choice(["F", "M"], 8000)
    severity = rng.normal(size=8000) - 1.0 * (sex == "F")
    events = rng.random(8000) < 1 / (1 + np.exp(1 - severity))
    seen = events & ~((sex == "F") & (rng.random(8000) < 0.5))
    columns = {"severity": severity, "gender": sex.astype(object)}
    explained = underdiagnosis.event_ratios(cohort_of(columns, events, {"sex": sex}))
    missed = underdiagnosis.event_ratios(cohort_of(columns, seen, {"sex": sex}))
    assert [f for r in explained for f in r.findings()] == []
    assert [f.where for r in missed for f in r.findings()] == ["sex: F"]


def test_a_field_that_is_the_group_under_another_name_is_hidden_from_the_expectation() -> None:
    group = pd.Series(["F", "M"] * 500, dtype="category")
    assert underdiagnosis._same(pd.Series([0.0, 1.0] * 500), group)
    assert not underdiagnosis._same(pd.Series(np.arange(1000.0)), group)
    assert not underdiagnosis._same(pd.Series([0.0, 0.0, 1.0, 1.0] * 250), group)


@pytest.mark.parametrize("recorded", [0.0, 0.01, 0.02, 0.05, 0.1, 0.5])
def test_the_fewer_events_of_a_group_are_recorded_the_surer_it_is_told_down_to_none(
    recorded: float,
) -> None:
    rng = np.random.default_rng(0)
    sex = rng.choice(["F", "M"], 3000, p=[0.2, 0.8])
    severity = rng.normal(size=3000)
    events = rng.random(3000) < 1 / (1 + np.exp(2 - severity))
    events &= (sex == "M") | (rng.random(3000) < recorded)
    ratios = underdiagnosis.event_ratios(cohort_of({"severity": severity}, events, {"sex": sex}))
    (found,) = [f for r in ratios for f in r.findings()]
    assert found.where == "sex: F"
    assert ("recorded for nobody" in found.message) == (recorded == 0)


def test_groups_that_are_recorded_alike_are_not_accused() -> None:
    accused = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        who = rng.integers(0, 600, 800)
        severity = rng.normal(size=800) + rng.normal(size=600)[who]
        events = rng.random(800) < 1 / (1 + np.exp(1.5 - severity))
        index = {"sex": np.array(["F", "M"])[who % 2], "subject_id": who.astype(str)}
        ratios = underdiagnosis.event_ratios(cohort_of({"severity": severity}, events, index))
        accused += [f for r in ratios for f in r.findings()]
    assert accused == []


def test_the_expectation_is_out_of_fold() -> None:
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.normal(size=300) for i in range(60)}
    cohort = cohort_of(columns, rng.random(300) < 0.3, {"subject_id": np.arange(300).astype(str)})
    assert abs(roc_auc_score(cohort.labels, underdiagnosis._blind_risk(cohort, [])) - 0.5) < 0.1


def test_the_ratio_is_that_of_the_two_numbers_beside_it_and_silence_is_not_called_equality() -> (
    None
):
    rng = np.random.default_rng(0)
    sex, severity = rng.choice(["F", "M"], 4000), rng.normal(size=4000)
    events = rng.random(4000) < 1 / (1 + np.exp(1.5 - severity))
    alike = cohort_of({"severity": severity}, events, {"sex": sex})
    seen = events & ~((sex == "F") & (rng.random(4000) < 0.5))
    missed = underdiagnosis.event_ratios(cohort_of({"severity": severity}, seen, {"sex": sex}))
    for ratio in missed:
        assert ratio.ratio == pytest.approx(ratio.events / ratio.expected)
    rows = np.arange(4000)
    splits = Splits(rows, rows[:0], rows[:0], rows[:0])
    (answer,) = underdiagnosis.answers(alike, splits)
    assert answer.sentences[0].startswith("No group was found whose outcome")
    assert "0.8 or less" in answer.sentences[0]
