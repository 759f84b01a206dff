"""What a reviewer looks for stands on the page: sites, sample size, parity, the gain."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from risk_model.config import Evaluation
from risk_model.core.decision import Decision
from risk_model.core.estimate import Estimate
from risk_model.evaluation import evaluate
from risk_model.evaluation.results import LeftOutEvaluation, RunEvaluation
from risk_model.reporting import tables
from risk_model.reporting.content import ReportContent
from risk_model.reporting.plots import difference_plot
from risk_model.reporting.report import write_report
from risk_model.training.record import ChampionChoice

GOOD = Estimate(0.8, 0.75, 0.85)
METRICS = {"auroc": GOOD, "citl": Estimate(-3.2, -3.5, -2.9), "slope": GOOD}
LEFT_OUT = [
    LeftOutEvaluation("site", "North", 400, 90, "", {"logistic_regression": METRICS}),
    LeftOutEvaluation("site", "Tiny", 30, 4, "fewer than 10 events", {}),
]
NETWORK = ChampionChoice("network", "", [])


def section(page: str, name: str) -> str:
    """The text of one section of the page, without its tags."""
    match = re.search(rf'<h2 id="{name}">(.*?)(?=<h2 )', page, re.S)
    assert match
    return " ".join(re.sub(r"<[^>]+>", " ", match[1]).split())


@pytest.fixture(scope="module")
def directory(evaluation: RunEvaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("reviewed")
    content = ReportContent("T", NETWORK, evaluation, left_out=LEFT_OUT)
    write_report(directory / "report.html", content)
    return directory


@pytest.fixture(scope="module")
def page(directory: Path) -> str:
    return (directory / "report.html").read_text(encoding="utf-8")


def test_core_figures_are_saved_as_svg_that_stands_alone(directory: Path) -> None:
    saved = {path.stem: ET.parse(path).getroot() for path in (directory / "figures").iterdir()}  # noqa: S314 ours
    assert saved.keys() - {"places"} == {
        "discrimination",
        "calibration",
        "net_benefit",
        "distribution",
    }
    for svg in saved.values():
        assert svg.tag == "{http://www.w3.org/2000/svg}svg"
        assert svg.get("aria-label")


def test_sample_size_tells_what_each_interval_needs(page: str, evaluation: RunEvaluation) -> None:
    text = section(page, "sample-size")
    for required in evaluation.parts["test"].models["network"].required_rows:
        assert f"{required.rows:,}" in text
    assert "too few to judge" in text  # North and Tiny


def test_parity_stands_beside_the_base_rates_and_says_that_it_decides_nothing(
    page: str, evaluation: RunEvaluation
) -> None:
    text = section(page, "parity")
    assert "decides nothing" in text
    by_sex = evaluation.parts["test"].models["network"].parity["sex"]
    rate = by_sex.demographic_parity_difference
    assert f"alert rate, {rate.highest} − {rate.lowest}" in text
    assert f"{rate.difference.estimate:.3f}" in text
    assert re.search(r"sex 2 \d+% to \d+%", text)


def test_intersections_are_folded_away_and_hold_only_what_was_judged(
    evaluation: RunEvaluation,
) -> None:
    groups = evaluation.parts["test"].models["network"].subgroups
    single, crossed = tables.subgroups(groups), tables.subgroups(groups, crossed=True)
    assert len(single) + len(crossed) == sum(
        group.evaluated or group.partition != "age band and sex" for group in groups
    )
    assert all(isinstance(row["events"], int) for row in crossed)


def test_a_dash_stands_beside_what_could_have_been_found(
    page: str, evaluation: RunEvaluation
) -> None:
    own = evaluation.parts["test"].models["network"].subgroups
    group = next(g for g in own if g.evaluated and not g.miscalibrated)
    few = replace(group, evaluated=False, events=None, p_value=None, detectable=None)
    low = replace(group, miscalibrated="too low")
    cells = [row["risks beside the others"] for row in tables.subgroups([group, few, low])]
    assert group.detectable is not None
    would = f"– (odds × {np.exp(group.detectable):.2f} would be found)"
    assert cells == [would, "too few to judge", "too low"]
    text = section(page, "subgroups")
    assert would in text
    assert "compared with all rows outside it" in text
    assert "lies beyond ±0.3" in text


def test_the_gain_over_the_baseline_is_drawn_for_the_others_only(
    evaluation: RunEvaluation,
) -> None:
    part = evaluation.parts["test"]
    plot = difference_plot(part, "network", "logistic_regression", 0.2)
    assert plot is not None
    assert "net benefit − that of logistic regression" in plot
    alone = replace(part, models={"logistic_regression": part.models["logistic_regression"]})
    assert difference_plot(alone, "logistic_regression", "logistic_regression", 0.2) is None


def test_the_gain_is_the_difference_of_the_two_curves(evaluation: RunEvaluation) -> None:
    part = evaluation.parts["test"]
    network, simplest = (part.models[name].curves for name in ("network", "logistic_regression"))
    assert network is not None
    assert simplest is not None
    own, base = network.decision, simplest.decision
    assert own is not None
    assert base is not None
    pairs = zip(own.net_benefit, base.net_benefit, strict=True)
    assert own.difference is not None
    assert own.difference.estimate == pytest.approx([(a or 0.0) - (b or 0.0) for a, b in pairs])
    assert base.difference is None
    in_units = [(benefit or 0.0) / part.prevalence for benefit in own.net_benefit]
    assert own.standardised == pytest.approx(in_units)


def test_without_a_stated_range_no_net_benefit_is_on_the_page(
    predictions: pd.DataFrame, tmp_path: Path
) -> None:
    silent = evaluate(predictions, 0.2, Evaluation(resamples=20), Decision(harm_ratio=4.0), seed=0)
    names = silent.parts["test"].models["network"].metrics
    assert not [name for name in names if "benefit" in name]
    write_report(tmp_path / "report.html", ReportContent("T", NETWORK, silent))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "no range of thresholds is stated" in page
    assert "<b>Net benefit.</b>" not in page
    assert not (tmp_path / "figures" / "net_benefit.svg").exists()


def test_the_facts_are_not_changed_by_writing_them(
    evaluation: RunEvaluation, tmp_path: Path
) -> None:
    content = ReportContent("T", NETWORK, deepcopy(evaluation), left_out=deepcopy(LEFT_OUT))
    write_report(tmp_path / "report.html", content)
    assert content.evaluation == evaluation
    assert content.left_out == LEFT_OUT
