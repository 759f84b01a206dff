"""The study of the choice of the champion: its rules, its patients and its losses."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from evidence.run import RESULTS
from evidence.selection import (
    MARGIN,
    RULES,
    SHAPES,
    Shape,
    choose,
    expected_log_loss,
    patients,
    schema_of,
)
from risk_model.config import Training
from risk_model.core.estimate import Estimate
from risk_model.core.schema import encode
from risk_model.core.scores import log_loss
from risk_model.training.record import ChampionChoice, ModelComparison

from tests.conftest import TREE


def table(simple: tuple[float, float, float]) -> ChampionChoice:
    """A simple model with this difference to the best, which is the other; the margin is .004."""
    rows = [
        ModelComparison("simple", 0.5 + simple[0], Estimate(*simple)),
        ModelComparison("best", 0.5, Estimate(0.0, 0.0, 0.0)),
    ]
    return ChampionChoice("best", "", rows, margin=0.004)


@pytest.mark.parametrize(
    ("simple", "takes_it"),
    [
        (
            (0.001, 0.0005, 0.0015),
            {"half the margin", "twice the margin", "mean within the margin"},
        ),
        ((0.003, 0.001, 0.005), {"twice the margin", "mean within the margin"}),
        ((0.006, -0.001, 0.013), {"interval includes 0"}),
        ((0.006, 0.001, 0.011), set()),
    ],
)
def test_each_rule_reads_the_table_in_its_way(
    simple: tuple[float, float, float], takes_it: set[str]
) -> None:
    champion = table(simple)
    taken = {rule for rule, as_good in RULES.items() if choose(champion, as_good) == "simple"}
    assert taken == takes_it


def test_the_margin_of_the_study_is_that_of_the_project() -> None:
    assert Training().margin == MARGIN


def test_the_expected_log_loss_is_that_of_many_drawn_outcomes() -> None:
    rng = np.random.default_rng(0)
    risk = rng.random(400_000)
    said = np.clip(risk + 0.1, 0, 0.99)
    drawn = log_loss((rng.random(len(risk)) < risk).astype(np.int8), said)
    assert expected_log_loss(risk, said) == pytest.approx(drawn, abs=0.004)
    assert expected_log_loss(risk, risk) < expected_log_loss(risk, said)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_patients_are_as_the_study_describes_them(shape: Shape) -> None:
    inputs, risk = patients(shape, shape.strength[1], 20_000, np.random.default_rng(0))
    features = encode(inputs, schema_of(shape))
    assert features.shape == (20_000, shape.predictors)
    assert np.isnan(features).mean() == pytest.approx(shape.missing, abs=0.005)
    yes_or_no = features[:, -(shape.predictors // 3) :]
    assert set(np.unique(yes_or_no[~np.isnan(yes_or_no)])) == {0.0, 1.0}
    assert 0.2 < risk.mean() < 0.35
    if shape is SHAPES["few"]:
        assert risk.mean() == pytest.approx(0.25, abs=0.01)


def test_the_documents_give_the_numbers_that_were_committed() -> None:
    text = (TREE / "docs" / "evaluation.md").read_text(encoding="utf-8")
    passage = " ".join(text[text.index("In 201 made-up cohorts") :].split("\n\n")[0].split())
    by_seed = json.loads((RESULTS / "selection.json").read_text(encoding="utf-8"))["by_seed"]
    wrong = {column: round(sum(values)) for column, values in by_seed.items() if "wrong" in column}
    cohorts = len(SHAPES) * len(by_seed["wrong"])

    def by(rule: str) -> int:
        return sum(wrong[f"{shape}: wrong by {rule}"] for shape in SHAPES)

    total = sum(wrong[f"{shape}: wrong"] for shape in SHAPES)
    assert f"in {total} ({100 * total / cohorts:.1f} %" in passage
    told = [int(count) for count in re.findall(r"(\d+) of 67", passage)]
    assert told == [wrong[f"{shape}: wrong"] for shape in SHAPES]
    twice = wrong["interactions: wrong by twice the margin"]
    assert f"in {by('twice the margin')} ({twice} with interactions)" in passage
    assert f"within the margin in {by('mean within the margin')} and" in passage
    assert f"includes 0 in {by('interval includes 0')}, all with interactions" in passage
    for rule in ("mean within the margin", "interval includes 0"):
        assert by(rule) == wrong[f"interactions: wrong by {rule}"]
    for rule in ("lowest out of fold", "half the margin"):
        assert by_seed[f"regret by {rule}"] == by_seed["regret"]
