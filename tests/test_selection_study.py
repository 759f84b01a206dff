"""The study of the choice of the champion: its rules, its patients and its losses."""

from __future__ import annotations

import numpy as np
import pytest

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
