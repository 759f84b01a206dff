"""The forest plot names who was judged where, and cuts nothing off without saying so."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from risk_model.core.estimate import Estimate
from risk_model.evaluation.metric_table import BY_NAME
from risk_model.evaluation.results import LeftOutEvaluation, RunEvaluation
from risk_model.reporting import forest, report_view
from risk_model.reporting.content import ReportContent
from risk_model.reporting.report import write_report
from risk_model.training.record import ChampionChoice

GOOD = Estimate(0.8, 0.75, 0.85)
METRICS = {"auroc": GOOD, "citl": Estimate(-3.2, -3.5, -2.9), "slope": GOOD}
LEFT_OUT = [
    LeftOutEvaluation("site", "North", 400, 90, "", {"logistic_regression": METRICS}),
    LeftOutEvaluation("site", "Tiny", 30, 4, "fewer than 10 events", {}),
]
NETWORK = ChampionChoice("network", "", [])
LEGEND = "Orange squares"


def written(directory: Path, evaluation: RunEvaluation, **more: list[LeftOutEvaluation]) -> str:
    """The report's page, written into the directory."""
    write_report(directory / "report.html", ReportContent("T", NETWORK, evaluation, **more))  # type: ignore[arg-type]
    return (directory / "report.html").read_text(encoding="utf-8")


def places(page: str) -> str:
    """The text of the section on places and times, without its tags."""
    match = re.search(r'<h2 id="places">(.*?)(?=<h2 )', page, re.S)
    assert match
    return " ".join(re.sub(r"<[^>]+>", " ", match[1]).split())


def test_the_forest_plot_is_saved_as_svg_that_stands_alone(
    evaluation: RunEvaluation, tmp_path: Path
) -> None:
    written(tmp_path, evaluation, left_out=LEFT_OUT)
    svg = ET.parse(tmp_path / "figures" / "places.svg").getroot()  # noqa: S314 ours
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert svg.get("aria-label")


def test_an_edition_without_the_plot_says_where_else_the_models_were_judged(
    evaluation: RunEvaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_view, "optional_module", lambda name: None)
    text = places(written(tmp_path, evaluation))
    assert LEGEND not in text
    assert "each site or period that was held out stand above" in text
    assert "records neither site nor date" not in text
    test = replace(evaluation, parts={"test": evaluation.parts["test"]})
    alone = places(written(tmp_path, test))
    assert "held out stand above" not in alone
    assert "records neither site nor date, or none was left out" in alone


def test_places_name_the_champion_where_it_was_judged_and_the_baseline_that_was_made_anew(
    evaluation: RunEvaluation, tmp_path: Path
) -> None:
    page = written(tmp_path, evaluation, left_out=LEFT_OUT)
    text = places(page)
    assert LEGEND in text
    assert "test network" in text
    assert "without North logistic regression" in text
    assert "fewer than 10 events" in text
    assert "forest plot" in page.lower()


def test_an_estimate_beyond_the_plot_is_an_arrow_at_its_edge_with_its_value(
    evaluation: RunEvaluation,
) -> None:
    rows = forest.forest_rows(evaluation, LEFT_OUT, "network")
    assert [row.refitted for row in rows] == [False] * len(evaluation.parts) + [True, True]
    plot = forest.forest_plot(rows)
    assert plot is not None
    assert "nan" not in plot.lower()
    assert "−3.20 (−3.50 to −2.90)" in plot
    assert forest.forest_plot(rows[:1]) is None


def drawn(estimate: Estimate) -> tuple[list[tuple[str, float]], list[str]]:
    """Markers with their place on an axis from −2 to 2, and the words of the panel."""
    axes = Figure().subplots()
    row = forest.ForestRow("test", "network", 9, 3, {"citl": estimate})
    forest._draw_panel(axes, BY_NAME["citl"], [row])
    lines = [line for line in axes.lines if line.get_marker() not in ("None", "")]
    places = [(str(line.get_marker()), float(np.max(line.get_xdata()))) for line in lines]
    return places, [text.get_text() for text in axes.texts]


@pytest.mark.parametrize(
    ("estimate", "markers", "words"),
    [
        (Estimate(0.5, 0.1, 0.9), [("o", 0.5)], []),
        (Estimate(1.9, 1.2, 2.6), [(">", 2.0), ("o", 1.9)], ["1.90 (1.20 to 2.60)"]),
        (Estimate(2.82, 1.9, 3.7), [(">", 2.0)], ["2.82 (1.90 to 3.70)"]),
        (Estimate(-2.43), [("<", -2.0)], ["−2.43 (no interval)"]),
        (Estimate(0.1, -2.1, 2.2), [("<", -2.0), (">", 2.0), ("o", 0.1)], ["0.10 (−2.10 to 2.20)"]),
        (Estimate(None), [], []),
    ],
)
def test_what_the_axis_does_not_hold_is_an_arrow(
    estimate: Estimate, markers: list[tuple[str, float]], words: list[str]
) -> None:
    assert drawn(estimate) == (markers, words)


def test_the_baseline_of_the_plot_is_the_champion_where_it_is_one(
    evaluation: RunEvaluation,
) -> None:
    both = [replace(LEFT_OUT[0], models={"logistic_regression": METRICS, "xgboost": METRICS})]
    for champion, baseline in (("xgboost", "xgboost"), ("network", "logistic_regression")):
        assert forest.forest_rows(evaluation, both, champion)[-1].model == baseline
