"""Groups have the names of the clinic, small ones are not evaluated, and no fair one is accused."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from risk_model.config import Evaluation
from risk_model.core.age_bands import age_band
from risk_model.core.decision import Decision
from risk_model.core.estimate import NORMAL, Estimate
from risk_model.core.findings import Finding
from risk_model.core.scores import auroc
from risk_model.evaluation import evaluate, subgroup_findings, subgroups
from risk_model.evaluation.results import (
    Miscalibration,
    ModelEvaluation,
    RunEvaluation,
    SubgroupEvaluation,
)

from tests.estimates import value

DECISION = Decision(harm_ratio=4.0, threshold_low=0.05, threshold_high=0.5, reason="to try")


def test_each_age_falls_into_its_band() -> None:
    ages = np.array([0, 17.99, 18, 44.9, 45, 64, 65, 79.5, 80, 110, np.nan])
    twice = np.repeat(["under 18", "18–44", "45–64", "65–79", "80 and over"], 2)
    bands = [*twice.tolist(), None]
    assert age_band(ages).tolist() == bands


def test_what_was_not_recorded_or_has_one_group_is_no_partition() -> None:
    rows = pd.DataFrame(
        {"age": [pd.NA, 70], "sex": ["F", "M"], "ethnicity": [pd.NA] * 2, "site": ["A", "A"]}
    )
    assert list(subgroups.partitions(rows)) == ["sex"]


def test_the_device_that_made_an_image_is_a_partition() -> None:
    rows = pd.DataFrame({"device": ["AGFA DX-D", None, "GE LOGIQ"], "sex": ["F", "F", "M"]})
    labels = subgroups.partitions(rows)
    assert labels["device"].tolist() == ["AGFA DX-D", None, "GE LOGIQ"]
    assert list(labels) == ["sex", "device"], "no pair of devices and others is searched"


def test_many_sites_are_pooled_beyond_the_largest() -> None:
    rows = pd.DataFrame({"site": [f"S{i:02d}" for i in range(30) for _ in range(31 - i)]})
    names = subgroups.groups(subgroups.partitions(rows)["site"], "site")
    assert len(names) == subgroups.LARGEST + 1
    assert "all others" in names


def test_a_group_with_few_events_is_counted_and_not_judged(predictions: pd.DataFrame) -> None:
    rows = predictions[predictions["split"] == "test"].copy()
    few = rows["subject_id"].isin(rows["subject_id"].unique()[:12])
    rows["ethnicity"] = np.where(few, "rare", "common")
    evaluation = evaluate(rows, 0.2, Evaluation(resamples=50), DECISION, seed=0)
    table = {row.group: row for row in evaluation.parts["test"].models["xgboost"].subgroups}
    assert table["rare"] == SubgroupEvaluation("ethnicity", "rare", n=24, evaluated=False)
    assert table["common"].evaluated


def test_a_groups_figures_are_those_of_its_rows(
    evaluation: RunEvaluation, predictions: pd.DataFrame
) -> None:
    rows = predictions.query("split == 'test' and model == 'network' and sex == 'female'")
    table = evaluation.parts["test"].models["network"].subgroups
    female = next(row for row in table if row.group == "female")
    outcome = rows["boolean_value"].to_numpy(int)
    risk = rows["predicted_boolean_probability"].to_numpy()
    sensitivity = np.mean(risk[outcome == 1] >= 0.2)
    assert (female.n, female.events) == (len(rows), outcome.sum())
    assert value(female.metrics["auroc"]) == pytest.approx(auroc(outcome, risk))
    assert value(female.metrics["sensitivity"]) == pytest.approx(sensitivity)
    assert "auprc" not in female.metrics  # it must not be compared between groups


def test_a_group_is_compared_with_those_who_are_not_in_it(
    evaluation: RunEvaluation, predictions: pd.DataFrame
) -> None:
    table = evaluation.parts["test"].models["network"].subgroups
    female = next(row for row in table if row.group == "female")
    rows = predictions.query("split == 'test' and model == 'network'")
    areas = {
        sex: auroc(
            own["boolean_value"].to_numpy(int), own["predicted_boolean_probability"].to_numpy()
        )
        for sex, own in rows.groupby("sex")
    }
    difference = areas["female"] - areas["male"]  # nobody stands on both sides
    assert value(female.differences["auroc"]) == pytest.approx(difference)


def test_a_group_whose_events_are_under_recorded_is_found(predictions: pd.DataFrame) -> None:
    rows = predictions[predictions["split"] == "test"].reset_index(drop=True)
    hidden = (rows["sex"] == "female") & (rows.index % 500 % 2 == 0)
    rows.loc[hidden, "boolean_value"] = False
    evaluation = evaluate(rows, 0.2, Evaluation(resamples=200), DECISION, seed=0)
    found = [f for f in evaluation.findings if (f.kind, f.where) == ("subgroup", "sex female")]
    [finding] = found
    assert "logistic regression, xgboost, network: risks are too high here" in finding.message
    assert "(figures of logistic regression: calibration-in-the-large" in finding.message


def one_group_too_low(seed: int, split: str = "test") -> pd.DataFrame:
    """3,000 rows whose risks are right, but in a quarter of them, whose odds are halved."""
    rng = np.random.default_rng(seed)
    ethnicity = rng.choice(["White", "Black", "Hispanic"], 3000, p=[0.6, 0.25, 0.15])
    log_odds = rng.normal(-1.8, 1.0, 3000)
    risk = 1 / (1 + np.exp(-(log_odds - np.log(2) * (ethnicity == "Black"))))
    return pd.DataFrame(
        {
            "subject_id": [f"{split}-{i}" for i in range(3000)],
            "prediction_time": pd.NaT,
            "boolean_value": rng.random(3000) < 1 / (1 + np.exp(-log_odds)),
            "predicted_boolean_probability": risk,
            "raw_probability": risk,
            "repeat": 0,
            "ethnicity": ethnicity,
            "split": split,
            "model": "logistic_regression",
        }
    )


def accused(rows: pd.DataFrame) -> list[Finding]:
    """What is found about groups."""
    evaluation = evaluate(rows, 0.2, Evaluation(resamples=100), DECISION, seed=0)
    return [finding for finding in evaluation.findings if finding.kind == "subgroup"]


@pytest.mark.parametrize("seed", range(5))
def test_a_calibrated_group_is_not_accused_of_what_is_wrong_in_another(seed: int) -> None:
    named = {finding.where for finding in accused(one_group_too_low(seed))}
    assert named <= {"ethnicity Black"}


def test_every_part_is_searched_not_the_test_split_alone() -> None:
    parts = [one_group_too_low(0, split) for split in ("test", "out of fold", "site: North")]
    found = [finding.message.partition(",")[0] for finding in accused(pd.concat(parts))]
    assert found == ["on test", "on out of fold", "on site: North"]


def compared(own: Estimate, difference: Estimate) -> SubgroupEvaluation:
    """A group with this calibration-in-the-large and this difference to the others."""
    row = SubgroupEvaluation("sex", "female", n=500, evaluated=True)
    return replace(row, metrics={"citl": own}, differences={"citl": difference, "auroc": SURE})


SURE, UNSURE = Estimate(0.7, 0.55, 0.85), Estimate(0.7, 0.25, 1.15)


@pytest.mark.parametrize(
    ("own", "difference", "expected"),
    [
        (SURE, SURE, "too low"),
        (SURE, Estimate(-0.7, -0.85, -0.55), None),  # the others are worse
        (UNSURE, SURE, None),  # perhaps within the bound of 0.3
        (SURE, Estimate(0.3, 0.05, 0.55), None),  # p .019: perhaps no different
        (Estimate(-0.7, -0.85, -0.55), Estimate(-0.5, -0.6, -0.4), "too high"),
        (Estimate(None), Estimate(None), None),
    ],
)
def test_a_group_is_named_where_it_surely_differs_and_is_surely_beyond_the_bound(
    own: Estimate, difference: Estimate, expected: str | None
) -> None:
    [row] = subgroups.judge([compared(own, difference)], 0.3, parts=1)
    assert row.miscalibrated == expected


def test_holms_family_is_the_calibrations_of_the_groups_that_were_compared() -> None:
    rows = [compared(SURE, Estimate(d, d - NORMAL, d + NORMAL)) for d in (1.0, -2.5, 2.0)]
    absent = SubgroupEvaluation("sex", "other", n=3)
    judged = subgroups.judge([*rows, absent], 0.3, parts=1)
    p = [2 * norm.sf(z) for z in (1.0, 2.5, 2.0)]
    assert [row.p_value for row in judged[:3]] == pytest.approx([p[0], 3 * p[1], 2 * p[2]])
    assert judged[3] == absent


def test_each_further_part_is_one_more_chance_that_is_adjusted_for() -> None:
    own, difference = Estimate(0.9, 0.5, 1.3), Estimate(0.9, 0.3, 1.5)  # p = .0033
    named = [subgroups.judge([compared(own, difference)], 0.3, n)[0] for n in (1, 3, 4)]
    p = named[0].p_value or 0.0
    assert [row.p_value for row in named] == pytest.approx([p, 3 * p, 4 * p])
    assert [row.miscalibrated for row in named] == ["too low", "too low", None]
    smallest = [row.detectable or 0.0 for row in named]
    assert smallest == sorted(smallest)


@pytest.mark.parametrize(("groups", "bound", "error"), [(1, 0.3, 0.1), (30, 0.3, 0.2), (8, 0, 0.1)])
def test_the_smallest_difference_that_could_have_been_found_mostly_is(
    groups: int, bound: float, error: float
) -> None:
    """The group holds a fifth of the rows, so that most of the spread is its own."""
    rng, reach = np.random.default_rng(0), NORMAL * error
    fair = [compared(Estimate(0, -reach, reach), Estimate(0, -reach, reach))] * (groups - 1)

    def named(miss: float) -> bool:
        own, others = rng.normal(miss, error), rng.normal(0, error / 2)
        beside, width = own - others, reach * np.sqrt(1.25)
        row = compared(
            Estimate(own, own - reach, own + reach),
            Estimate(beside, beside - width, beside + width),
        )
        return subgroups.judge([row, *fair], bound, parts=1)[0].miscalibrated == "too low"

    centred = compared(
        Estimate(0, -reach, reach), Estimate(0, -reach * np.sqrt(1.25), reach * np.sqrt(1.25))
    )
    smallest = subgroups.judge([centred, *fair], bound, parts=1)[0].detectable
    assert smallest is not None
    assert 0.7 < np.mean([named(smallest) for _ in range(1000)]) < 0.85
    assert np.mean([named(0.6 * smallest) for _ in range(1000)]) < 0.5


def model_of(group: float, error: Miscalibration | None) -> ModelEvaluation:
    """A model that is calibrated over all patients; `group` is its miss in the one group."""
    metrics = {"citl": Estimate(0.0), "sensitivity": Estimate(0.5)}
    row = SubgroupEvaluation(
        "sex",
        "female",
        n=500,
        evaluated=True,
        metrics=metrics | {"citl": Estimate(group, group - 0.2, group + 0.2)},
        differences={"citl": Estimate(group + 0.1)},
        miscalibrated=error,
    )
    return cast("ModelEvaluation", SimpleNamespace(metrics=metrics, subgroups=[row]))


def test_models_that_err_in_opposite_directions_are_not_told_of_in_one_breath() -> None:
    models = {
        "logistic_regression": model_of(0.7, "too low"),
        "xgboost": model_of(-0.4, "too high"),
        "network": model_of(-0.5, "too high"),
        "forest": model_of(-0.9, None),
    }
    low, high = subgroup_findings.findings("test", models)
    assert low.where == high.where == "sex female"
    assert low.message == (
        "on test, logistic regression: risks are too low here beside the others "
        "(calibration-in-the-large 0.70, 0.50 to 0.90, and -0.10 in the others; sensitivity 50%, "
        "of all 50%)"
    )
    assert high.message == (
        "on test, xgboost, network: risks are too high here beside the others (figures of "
        "xgboost: calibration-in-the-large -0.40, -0.60 to -0.20, and -0.10 in the others; "
        "sensitivity 50%, of all 50%)"
    )
