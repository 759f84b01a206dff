"""What a reviewer looks for stands on the page: places, sample size, parity, the gain over the
baseline, figures.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from copy import deepcopy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from risk_model.config import Evaluation
from risk_model.core.decision import Decision
from risk_model.evaluation import evaluate
from risk_model.reporting import forest, plots, tables
from risk_model.reporting.report import write_report

SEEN = {"estimate": 0.8, "low": 0.75, "high": 0.85}
FIGURES = {"auroc": SEEN, "citl": {"estimate": -3.2, "low": -3.5, "high": -2.9}, "slope": SEEN}
LEFT_OUT: list[dict[str, Any]] = [
    {
        "kind": "site",
        "name": "North",
        "n": 400,
        "events": 90,
        "reason": "",
        "models": {"logistic_regression": FIGURES},
    },
    {
        "kind": "site",
        "name": "Tiny",
        "n": 30,
        "events": 4,
        "reason": "fewer than 10 events",
        "models": {},
    },
]


def section(page: str, name: str) -> str:
    """The text of one section of the page, without its tags."""
    found = re.search(rf'<h2 id="{name}">(.*?)(?=<h2 )', page, re.S)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


@pytest.fixture(scope="module")
def directory(evaluation: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("reviewed")
    facts = {
        "title": "T",
        "evaluation": evaluation,
        "champion": {"name": "network"},
        "left_out": LEFT_OUT,
    }
    write_report(directory / "report.html", facts)
    return directory


@pytest.fixture(scope="module")
def page(directory: Path) -> str:
    return (directory / "report.html").read_text(encoding="utf-8")


def test_core_figures_and_forest_plot_are_saved_as_svg_that_stands_alone(directory: Path) -> None:
    saved = {path.stem: ET.parse(path).getroot() for path in (directory / "figures").iterdir()}  # noqa: S314 ours
    assert set(saved) == {"discrimination", "calibration", "net_benefit", "distribution", "places"}
    for svg in saved.values():
        assert svg.tag == "{http://www.w3.org/2000/svg}svg"
        assert svg.get("aria-label")


def test_places_name_the_champion_where_it_was_judged_and_the_baseline_that_was_made_anew(
    page: str,
) -> None:
    told = section(page, "places")
    assert "test network" in told
    assert "without North logistic regression" in told
    assert "fewer than 10 events" in told
    assert "forest plot" in page.lower()


def test_an_estimate_beyond_the_plot_is_drawn_at_its_edge(evaluation: dict[str, Any]) -> None:
    shown = forest.rows(evaluation, LEFT_OUT, "network")
    assert [row["refitted"] for row in shown] == [False] * len(evaluation["parts"]) + [True, True]
    assert "nan" not in forest.forest(shown).lower()
    assert forest.forest(shown[:1]) == ""


def test_the_baseline_of_the_plot_is_the_champion_where_it_is_one(
    evaluation: dict[str, Any],
) -> None:
    both = [{**LEFT_OUT[0], "models": {"logistic_regression": FIGURES, "xgboost": FIGURES}}]
    assert forest.rows(evaluation, both, "xgboost")[-1]["model"] == "xgboost"
    assert forest.rows(evaluation, both, "network")[-1]["model"] == "logistic_regression"


def test_sample_size_tells_what_each_interval_needs(page: str, evaluation: dict[str, Any]) -> None:
    told = section(page, "precision")
    for need in evaluation["parts"]["test"]["models"]["network"]["precision"]:
        assert f"{need['needed']:,}" in told
    assert "too few to judge" in told  # North and Tiny


def test_parity_stands_beside_the_base_rates_and_says_that_it_decides_nothing(
    page: str, evaluation: dict[str, Any]
) -> None:
    told = section(page, "parity")
    assert "decides nothing" in told
    figures_of_sex = evaluation["parts"]["test"]["models"]["network"]["parity"]["sex"]
    assert f"{figures_of_sex['demographic_parity_difference']['estimate']:.3f}" in told
    assert re.search(r"sex 2 \d+% to \d+%", told)


def test_intersections_are_folded_away_and_hold_only_what_was_judged(
    evaluation: dict[str, Any],
) -> None:
    judged = evaluation["parts"]["test"]["models"]["network"]
    single, crossed = tables.subgroups(judged), tables.subgroups(judged, crossed=True)
    assert len(single) + len(crossed) == sum(
        row["judged"] or row["partition"] != "age band and sex" for row in judged["subgroups"]
    )
    assert all(isinstance(row["events"], int) for row in crossed)


def test_the_gain_over_the_baseline_is_drawn_for_the_others_only(
    evaluation: dict[str, Any],
) -> None:
    part = evaluation["parts"]["test"]
    drawn = plots.difference(part, "network", "logistic_regression", 0.2)
    assert "net benefit − that of logistic regression" in drawn
    alone = {**part, "models": {"logistic_regression": part["models"]["logistic_regression"]}}
    assert plots.difference(alone, "logistic_regression", "logistic_regression", 0.2) == ""


def test_the_gain_is_the_difference_of_the_two_curves(evaluation: dict[str, Any]) -> None:
    models = evaluation["parts"]["test"]["models"]
    own, base = (models[name]["curves"]["decision"] for name in ("network", "logistic_regression"))
    gains = [a - b for a, b in zip(own["net_benefit"], base["net_benefit"], strict=True)]
    assert own["difference"]["estimate"] == pytest.approx(gains)
    assert base["difference"] is None
    prevalence = evaluation["parts"]["test"]["prevalence"]
    assert own["standardised"] == pytest.approx(
        [benefit / prevalence for benefit in own["net_benefit"]]
    )


def test_without_a_stated_range_no_net_benefit_is_on_the_page(
    predictions: pd.DataFrame, tmp_path: Path
) -> None:
    found = evaluate(predictions, 0.2, Evaluation(resamples=20), Decision(harm_ratio=4.0), seed=0)
    assert not [
        name for name in found["parts"]["test"]["models"]["network"]["metrics"] if "benefit" in name
    ]
    write_report(tmp_path / "report.html", {"title": "T", "evaluation": found})
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "no range of thresholds is stated" in page
    assert "<b>Net benefit.</b>" not in page
    assert not (tmp_path / "figures" / "net_benefit.svg").exists()


def test_the_facts_are_not_changed_by_writing_them(
    evaluation: dict[str, Any], tmp_path: Path
) -> None:
    facts = {"title": "T", "evaluation": deepcopy(evaluation), "left_out": deepcopy(LEFT_OUT)}
    write_report(tmp_path / "report.html", facts)
    assert facts["evaluation"] == evaluation
    assert facts["left_out"] == LEFT_OUT
