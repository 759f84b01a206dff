"""What is said of a new site, and of missing values as a cause, only where the numbers say so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from risk_model.core.estimate import Estimate
from risk_model.evaluation.results import (
    LeftOutEvaluation,
    Metrics,
    PooledPerformance,
    RunEvaluation,
)
from risk_model.reporting.content import ReportContent
from risk_model.reporting.forest import ForestRow, forest_rows
from risk_model.reporting.heterogeneity import heterogeneity_sentences, missing_causes
from risk_model.reporting.model_card import model_card
from risk_model.reporting.report import write_report
from risk_model.training.record import ChampionChoice

from tests.reporting.test_card import TRAINED

POOLED = PooledPerformance(
    "xgboost", "AUROC", "log odds", 5, Estimate(0.8, 0.77, 0.83), 0.21, (0.7, 0.88)
)
FEW = PooledPerformance("xgboost", "AUROC", "log odds", 2)
BOUNDS = {"auroc": (0.6, None), "slope": (0.7, 1.4), "citl": (-0.3, 0.3)}
FINE = {
    "auroc": Estimate(0.8, 0.75, 0.85),
    "citl": Estimate(0.1, -0.2, 0.4),
    "slope": Estimate(1.0, 0.8, 1.2),
}
LACKS = {"chol": 0.9, "ca": -0.41}


def test_a_new_site_is_spoken_of_with_its_prediction_interval() -> None:
    (sentence,) = heterogeneity_sentences([POOLED, replace(POOLED, measure="calibration slope")])
    assert "0.80 (0.77 to 0.83), pooled over 5" in sentence
    assert "95 % prediction interval of a new site like these: 0.70 to 0.88" in sentence


def test_with_two_sites_or_an_interval_that_holds_chance_no_new_site_is_promised_anything() -> None:
    for row in (FEW, replace(POOLED, prediction=(0.31, 0.97))):
        (sentence,) = heterogeneity_sentences([row])
        assert "new site like these" not in sentence
    (sentence,) = heterogeneity_sentences([FEW])
    assert "2 sites left out could be judged, and a pooled estimate needs 3" in sentence
    (sentence,) = heterogeneity_sentences([replace(POOLED, prediction=(0.31, 0.97))])
    assert "too few or too unlike to tell a new site's (0.31 to 0.97)" in sentence
    assert heterogeneity_sentences([]) == []


def site(metrics: Metrics, missing: dict[str, float]) -> list[str]:
    """What is said of a site with these metrics that lacks these shares more than the others."""
    rows = [
        ForestRow("without Alpha", "xgboost", 300, 90, metrics, refitted=True, site="Alpha"),
        ForestRow("without Beta", "xgboost", 300, 90, FINE, refitted=True, site="Beta"),
    ]
    turns = [LeftOutEvaluation("site", "Alpha", 300, 90, "", {}, missing=missing)]
    return missing_causes(rows, turns, BOUNDS)


OFF = {**FINE, "citl": Estimate(-2.43, -2.75, -2.13)}


def test_a_site_that_is_off_and_lacks_other_values_names_them_with_the_number() -> None:
    (sentence,) = site(OFF, LACKS)
    assert "without Alpha, XGBoost: calibration-in-the-large −2.43 (−2.75 to −2.13)" in sentence
    assert "AUROC" not in sentence
    assert "chol more often missing (share differs by 0.90); ca less often missing" in sentence
    low = {**FINE, "auroc": Estimate(0.66, 0.61, 0.71)}
    (sentence,) = site(low, LACKS)
    assert "AUROC 0.66 (0.61 to 0.71)" in sentence


@pytest.mark.parametrize(
    ("metrics", "missing"),
    [
        (FINE, LACKS),  # nothing is off
        (OFF, {}),  # nothing else is missing
        ({**FINE, "citl": Estimate(-0.5, -0.8, -0.2)}, LACKS),  # perhaps within the bounds
        ({**FINE, "citl": Estimate(-2.0)}, LACKS),  # no interval
        ({**FINE, "auroc": Estimate(0.7, 0.62, 0.81)}, LACKS),  # perhaps as elsewhere
        ({}, LACKS),  # not judged
    ],
)
def test_missing_values_are_not_blamed_otherwise(
    metrics: Metrics, missing: dict[str, float]
) -> None:
    assert site(metrics, missing) == []


def test_the_champion_at_a_held_out_site_is_looked_at_too(evaluation: RunEvaluation) -> None:
    north = evaluation.parts["North"]
    parts = {"test": evaluation.parts["test"], "site: North": north}
    held_out = replace(evaluation, parts=parts)
    turns = [LeftOutEvaluation("site", "North", 400, 90, "few", {}, missing=LACKS)]
    rows = forest_rows(held_out, turns, "xgboost")
    (sentence,) = missing_causes(rows, turns, evaluation.bounds)
    assert sentence.startswith("site: North, XGBoost: calibration-in-the-large")


def test_report_and_card_show_the_pooled_sites(
    evaluation: RunEvaluation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("pooled") / "report.html"
    content = ReportContent("T", ChampionChoice("network", "", []), evaluation)
    write_report(path, replace(content, heterogeneity=[POOLED]))
    page = path.read_text(encoding="utf-8")
    assert "new site like these: 0.70 to 0.88" in page
    assert "0.210 (log odds)" in page
    assert "0.700 to 0.880" in page
    write_report(path, content)
    assert "prediction interval" not in path.read_text(encoding="utf-8")
    card = model_card("xgboost", TRAINED, evaluation, heterogeneity=[POOLED])
    assert "new site like these: 0.70 to 0.88" in card
    assert "was not made anew" not in card
    network = model_card("network", TRAINED, evaluation, heterogeneity=[POOLED])
    assert "was not made anew; the baselines were" in network
    assert "No site was left out" in model_card("xgboost", TRAINED, evaluation)
