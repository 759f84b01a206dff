"""Who ranks patients better is said only where the paired interval says it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from risk_model.core.estimate import Estimate
from risk_model.core.schema import Field
from risk_model.evaluation.results import HeadToHead, RunEvaluation
from risk_model.reporting.content import ReportContent
from risk_model.reporting.head_to_head import head_to_head_sentences
from risk_model.reporting.model_card import model_card
from risk_model.reporting.report import write_report
from risk_model.reporting.sentences import summarise
from risk_model.training.record import ChampionChoice

from tests.reporting.test_card import TRAINED

OWN, THEIRS = {"auroc": Estimate(0.8, 0.76, 0.84)}, {"auroc": Estimate(0.83, 0.8, 0.86)}


def beside(evaluation: RunEvaluation, *compared: HeadToHead) -> RunEvaluation:
    part = evaluation.parts["test"]
    model = replace(part.models["xgboost"], head_to_head=list(compared))
    models = {**part.models, "xgboost": model}
    return replace(evaluation, parts={**evaluation.parts, "test": replace(part, models=models)})


def score(low: float | None, high: float | None) -> HeadToHead:
    difference = {"auroc": Estimate(-0.03, low, high)}
    return HeadToHead("1-prg2m", 600, 500, 150, THEIRS, OWN, difference)


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((0.002, 0.05), "The XGBoost ranks better here than 1-prg2m"),
        ((-0.05, -0.002), "1-prg2m ranks better here than the XGBoost"),
        ((-0.05, 0.01), "Which of XGBoost and 1-prg2m ranks better cannot be told"),
        ((None, None), "was not judged"),
    ],
)
def test_only_an_interval_on_one_side_of_0_names_a_winner(
    ends: tuple[float | None, float | None], said: str, evaluation: RunEvaluation
) -> None:
    part = beside(evaluation, score(*ends)).parts["test"]
    (sentence,) = head_to_head_sentences("xgboost", part, identified=True)
    assert said in sentence
    assert ("ranks better here" in sentence) == (said.endswith(("1-prg2m", "XGBoost")))
    assert "recorded for 600 of 1,500 rows (500 patients, 150 events)" in sentence
    assert "AUROC 0.83 (0.80 to 0.86), that of XGBoost on the same rows 0.80" in sentence


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((0.002, 0.05), "The XGBoost ranks better here than 1-prg2m"),
        ((-0.05, -0.002), "1-prg2m ranks better here than the XGBoost"),
        ((-0.05, 0.01), "Which of XGBoost and 1-prg2m ranks better cannot be told"),
        (None, ""),
    ],
)
def test_the_first_screen_tells_who_ranks_better_only_where_the_interval_says_it(
    ends: tuple[float, float] | None, said: str, evaluation: RunEvaluation, tmp_path: Path
) -> None:
    compared = beside(evaluation, score(*ends)) if ends else evaluation
    path = tmp_path / "report.html"
    write_report(path, ReportContent("T", ChampionChoice("xgboost", "", []), compared))
    page = path.read_text(encoding="utf-8")
    top = page[page.index("<main>") : page.index("<nav")]
    assert said in top
    assert ("ranks" in top) == (ends is not None)
    assert ("ranks better here" in top) == (ends is not None and min(ends) * max(ends) > 0)
    condition = "on the 600 of 1,500 rows with 1-prg2m)."
    assert (condition in top) == (ends is not None)
    if ends:
        shown = f"−0.030, {ends[0]:.3f} to {ends[1]:.3f}".replace("-", "−")
        assert f"(AUROC of XGBoost minus that of 1-prg2m {shown}, {condition}" in top


def test_the_first_screen_is_silent_about_a_score_of_few_and_tells_of_other_parts(
    evaluation: RunEvaluation,
) -> None:
    few = beside(evaluation, HeadToHead("old", 12, 12, 3))
    assert summarise("xgboost", few).beside == []
    parts = beside(evaluation, score(-0.05, -0.002)).parts
    north = replace(evaluation.parts["North"], models=parts["test"].models)
    there = replace(evaluation, parts={**evaluation.parts, "North": north})
    assert summarise("xgboost", there).beside == []
    (line,) = [p for p in summarise("xgboost", there).other_parts if p.part == "North"]
    assert "1-prg2m ranks better here than the XGBoost (AUROC" in line.sentence


def test_a_score_of_few_patients_is_counted_and_nobody_wins(evaluation: RunEvaluation) -> None:
    few = HeadToHead("old", 12, 12, 3)
    part = beside(evaluation, few).parts["test"]
    (sentence,) = head_to_head_sentences("xgboost", part, identified=True)
    assert sentence.endswith("(12 patients, 3 events): too few to compare.")
    (sentence,) = head_to_head_sentences("xgboost", part, identified=False)
    assert sentence.endswith("12 of 1,500 rows (3 events): too few to compare.")


def test_report_and_card_show_the_comparison_and_say_where_there_is_none(
    evaluation: RunEvaluation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("beside") / "report.html"
    compared = beside(evaluation, score(-0.05, -0.002))
    field = Field("prg2m", "number", description="physician's estimate of 2-month survival")
    champion = ChampionChoice("xgboost", "", [])
    write_report(path, ReportContent("T", champion, compared, fields=(field,)))
    page = path.read_text(encoding="utf-8")
    assert "1-prg2m (physician&#39;s estimate of 2-month survival), recorded for 600" in page
    assert "another outcome or another horizon" in page
    assert "XGBoost, where 1-prg2m is recorded" in page
    write_report(path, ReportContent("T", champion, evaluation))
    assert "another horizon" not in path.read_text(encoding="utf-8")
    assert "No existing score was named" in path.read_text(encoding="utf-8")
    assert "ranks better here" in model_card("xgboost", TRAINED, compared)
    assert "No existing score" in model_card("network", TRAINED, compared)
