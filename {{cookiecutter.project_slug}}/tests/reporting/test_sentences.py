"""What a report says in words: only what intervals and identifiers bear out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from risk_model.config import Evaluation
from risk_model.core.cohort import Cohort
from risk_model.core.decision import Decision
from risk_model.core.estimate import Estimate
from risk_model.core.parts import OUT_OF_FOLD
from risk_model.core.schema import Field, Schema
from risk_model.data.split_report import shared_by_row_split
from risk_model.evaluation import evaluate
from risk_model.evaluation.gates import Bounds, bounds
from risk_model.evaluation.results import Metrics, RunEvaluation
from risk_model.model.table import step
from risk_model.reporting import sentences
from risk_model.reporting.report_view import row_split
from risk_model.reporting.training_plots import history_plots
from risk_model.reporting.wording import cell

STATED = Decision(harm_ratio=4.0, threshold_low=0.05, threshold_high=0.5, reason="to try")
BOUNDS: dict[str, Bounds] = bounds(Evaluation(), ["citl", "slope"])


def metrics(**intervals: tuple[float, float]) -> Metrics:
    return {name: Estimate.of(sum(ends) / 2, *ends) for name, ends in intervals.items()}


@pytest.mark.parametrize(
    ("citl", "words"),
    [
        ((-0.2, 0.25), "are right on average within ±0.3"),
        ((0.05, 0.2), "are right on average within ±0.3"),  # not 0, and yet within the bounds
        ((-0.4, 0.65), "are not surely right on average"),
        ((0.4, 0.9), "are too low on average"),
        ((-0.9, -0.31), "are too high on average"),
    ],
)
def test_right_on_average_is_said_of_an_interval_within_the_bounds_alone(
    citl: tuple[float, float], words: str
) -> None:
    assert words in sentences.calibration(metrics(citl=citl, slope=(0.9, 1.1)), BOUNDS)


@pytest.mark.parametrize(
    ("slope", "words"),
    [
        ((0.9, 1.3), "and spread as they should be within 0.7 to 1.4"),
        ((0.6, 1.6), "not surely spread as they should be"),
        ((0.3, 0.6), "too extreme"),
        ((1.5, 2.6), "spread too little"),
    ],
)
def test_the_spread_is_told_by_the_bounds_of_the_slope(
    slope: tuple[float, float], words: str
) -> None:
    assert words in sentences.calibration(metrics(citl=(-0.1, 0.1), slope=slope), BOUNDS)


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        ((0.01, 0.05), "is worth more than the better of"),
        ((-0.03, -0.01), "is worth no more than"),
        ((0.0, 0.0), "is worth no more than"),
        ((-0.01, 0.02), "cannot be told to be worth more"),
    ],
)
def test_worth_is_told_by_the_net_benefit_beyond_all_and_none(
    gain: tuple[float, float], words: str
) -> None:
    said = sentences.utility(metrics(net_benefit_gain=gain), 1 / 6)
    assert words in said
    assert said.startswith("Flagging a risk of 16.7% or more ")  # at others it may be of no worth
    assert sentences.utility({}, 0.2) == ""  # no range of thresholds is stated


def flags_everybody(part: Callable[..., pd.DataFrame]) -> RunEvaluation:
    """A model whose risks are calibrated and all above the threshold."""
    rows = part(np.random.default_rng(0), "test", 3000)
    rows = rows[rows["model"] == "xgboost"]
    spread = 0.2 * rows["predicted_boolean_probability"].rank(pct=True) + 0.5
    happens = np.random.default_rng(1).random(len(rows)) < spread
    rows = rows.assign(predicted_boolean_probability=spread, boolean_value=happens)
    return evaluate(rows, 0.2, Evaluation(resamples=100, minimum_auroc=0.5), STATED, seed=0)


def test_a_model_that_flags_everybody_is_no_pass(part: Callable[..., pd.DataFrame]) -> None:
    evaluation = flags_everybody(part)
    gain = evaluation.parts["test"].models["xgboost"].metrics["net_benefit_gain"]
    assert (gain.estimate, gain.low, gain.high) == (0.0, 0.0, 0.0)
    gate = evaluation.gates["test"]["xgboost"]
    assert gate.verdict == "fail"
    assert any("net benefit beyond all or none" in reason for reason in gate.reasons)
    summary = sentences.summarise("xgboost", evaluation)
    assert summary.heading == "XGBoost, outside the stated bounds"
    assert "is worth no more than" in summary.utility


def test_a_failed_site_heads_the_report_of_a_model_that_passes_on_test(
    evaluation: RunEvaluation,
) -> None:
    verdicts = evaluation.verdicts("xgboost")
    assert (verdicts["test"], verdicts["North"]) == ("pass", "fail")
    summary = sentences.summarise("xgboost", evaluation)
    assert (summary.verdict, summary.heading) == (
        "fail",
        "XGBoost, outside the stated bounds on North",
    )


def test_a_part_that_is_too_small_is_told_to_be_useless_only_when_it_surely_is(
    evaluation: RunEvaluation,
) -> None:
    def tiny(gain: Estimate) -> str:
        part = evaluation.parts["Tiny"]
        model = part.models["xgboost"]
        model = replace(model, metrics={**model.metrics, "net_benefit_gain": gain})
        parts = {**evaluation.parts, "Tiny": replace(part, models={"xgboost": model})}
        summary = sentences.summarise("xgboost", replace(evaluation, parts=parts))
        (verdict,) = [other for other in summary.other_parts if other.part == "Tiny"]
        assert verdict.verdict == "too few to judge"
        return verdict.sentence

    assert "is worth no more than" in tiny(Estimate(-0.06, -0.11, -0.02))
    assert "worth" not in tiny(Estimate(0.06, 0.02, 0.11))


def test_that_patients_played_no_part_is_said_only_where_they_are_known(
    evaluation: RunEvaluation,
) -> None:
    unknown = sentences.discrimination("xgboost", "test", evaluation)
    assert "1,500 rows (whose they are is not recorded" in unknown
    assert "played no part" not in unknown
    assert "patients that" not in unknown
    known = replace(evaluation, patients_identified=True)
    said = sentences.discrimination("xgboost", "test", known)
    assert "1,500 predictions for 750 patients that played no part in its making" in said


def test_out_of_fold_patients_did_play_a_part(evaluation: RunEvaluation) -> None:
    parts, gates = {OUT_OF_FOLD: evaluation.parts["test"]}, {OUT_OF_FOLD: evaluation.gates["test"]}
    pooled = replace(evaluation, parts=parts, gates=gates, patients_identified=True)
    said = sentences.discrimination("xgboost", OUT_OF_FOLD, pooled)
    assert "each scored by a model made and chosen without them" in said
    twice = {OUT_OF_FOLD: replace(parts[OUT_OF_FOLD], repeats=2)}
    said = sentences.discrimination("xgboost", OUT_OF_FOLD, replace(pooled, parts=twice))
    assert "each scored by 2 models made and chosen without them" in said
    nobody = replace(pooled, parts=twice, patients_identified=False)
    said = sentences.discrimination("xgboost", OUT_OF_FOLD, nobody)
    assert "each scored by 2 models made and chosen without it (other rows" in said
    assert "played no part" not in said
    assert "played no part" not in said


def visits(identified: bool) -> Cohort:
    """300 patients with four visits each, whose values differ a little."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(300), 4)
    inputs = pd.DataFrame({"sodium": 140 + who / 50 + rng.normal(0, 0.01, 1200)})
    index = pd.DataFrame({"subject_id": who.astype(str)} if identified else {}, index=range(1200))
    schema = Schema("visits", "died", (Field("sodium", "number"),))
    outcome = (rng.random(1200) < 0.3).astype(np.int8)
    return Cohort(schema, inputs, outcome, index)


def test_visits_without_an_identifier_are_not_called_patients() -> None:
    unknown = row_split(shared_by_row_split(visits(identified=False), 0.2, 0))
    assert "Whether a patient stands in two parts is not known" in unknown
    assert "No patient has two rows" not in unknown
    known = row_split(shared_by_row_split(visits(identified=True), 0.2, 0))
    assert "300 subjects have several rows" in known
    assert "not recorded" not in known


def test_no_repeated_row_is_claimed_after_a_draw_that_missed_it() -> None:
    cohort = visits(identified=True)
    pair = cohort.take(np.array([0, 1, 4, 8, 12]))  # one patient twice, in a table of five
    draws = [shared_by_row_split(pair, 0.2, seed) for seed in range(20)]
    assert 0 in {draw.subjects for draw in draws}
    assert {draw.repeated for draw in draws} == {1}


@pytest.mark.parametrize(
    ("value", "text"), [(0.0004, "<0.001"), (-0.0004, "−<0.001"), (0.0, "0.000"), (0.0006, "0.001")]
)
def test_a_small_p_is_not_printed_as_none_at_all(value: float, text: str) -> None:
    assert cell(value) == text


def test_xgboost_counts_trees_and_the_network_epochs() -> None:
    assert (step("xgboost"), step("network")) == ("tree", "epoch")
    plots = history_plots(
        [{"epoch": 1, "train_loss": 0.5}, {"epoch": 2, "train_loss": 0.4}], "tree"
    )
    assert "by tree" in plots[0]
