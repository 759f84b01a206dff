"""Each group's calibration curve is drawn where it has the events, and named where it has not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from risk_model.evaluation.loess import Loess
from risk_model.evaluation.results import (
    CURVE_EVENTS,
    CalibrationCurve,
    RunEvaluation,
    SubgroupEvaluation,
)
from risk_model.evaluation.subgroups import PARTITIONS
from risk_model.reporting import plots
from risk_model.reporting.group_curves import group_curves, without_curve
from risk_model.reporting.plot_style import STYLES

from tests.made_predictions import make_evaluation

LINE = CalibrationCurve([0.1, 0.5], [0.1, 0.5], [0.0, 0.3], [0.3, 0.9])


def group(name: str, events: int, curve: CalibrationCurve | None = LINE) -> SubgroupEvaluation:
    return SubgroupEvaluation("site", name, 900, events=events, calibration=curve)


def groups_of(rows: pd.DataFrame) -> list[SubgroupEvaluation]:
    return make_evaluation(rows).parts["test"].models["xgboost"].subgroups


def test_a_groups_curve_is_the_local_regression_of_its_own_rows_with_a_band(
    predictions: pd.DataFrame, evaluation: RunEvaluation
) -> None:
    rows = predictions.query("split == 'test' and model == 'xgboost' and sex == 'female'")
    groups = evaluation.parts["test"].models["xgboost"].subgroups
    curve = next(g.calibration for g in groups if g.group == "female")
    assert curve is not None
    risk, outcome = (
        rows[c].to_numpy(float) for c in ("predicted_boolean_probability", "boolean_value")
    )
    each = np.ones(len(risk))
    expected = Loess(risk, each, np.array(curve.risk, float))(outcome[None], each[None])[0]
    np.testing.assert_allclose(np.array(curve.observed, float), expected, atol=0.02)  # 256 bins
    ends = np.array([curve.low, curve.observed, curve.high], float)
    assert (np.diff(ends, axis=0) > 0).mean() > 0.9
    assert not [g.group for g in groups if g.calibration and g.partition not in PARTITIONS]


@pytest.mark.parametrize("events", [CURVE_EVENTS - 1, CURVE_EVENTS])
def test_a_group_with_too_few_events_has_no_curve_and_is_named(
    events: int, part: Callable[..., pd.DataFrame]
) -> None:
    rows = part(np.random.default_rng(0), "test", 1200)
    happened, row = rows["boolean_value"].to_numpy(bool), rows.index.to_numpy(int)
    women = row[happened & (rows["model"] == "xgboost").to_numpy()][:events]
    rows["sex"] = np.where(np.isin(row, women) | (~happened & (row % 2 == 1)), "f", "m")
    groups = [g for g in groups_of(rows) if g.partition == "sex"]
    assert [g.events for g in groups if g.group == "f"] == [events]
    drawn = "".join(group_curves(groups))
    assert "sex: m," in drawn
    assert (f"sex: f, {events} events" in drawn) == (events >= CURVE_EVENTS)
    named = f"No calibration curve, for fewer than {CURVE_EVENTS} events or non-events: sex f."
    assert without_curve(groups) == ("" if events >= CURVE_EVENTS else named)


def test_lines_differ_by_dash_and_who_has_no_line_left_is_named() -> None:
    sites = [group(f"${i}$ & co", 100 - i) for i in range(len(STYLES) + 1)]
    (drawing,) = group_curves(sites)
    assert "site: $0$ &amp; co, 100 events" in drawing
    dashes = re.findall(r"stroke-dasharray: ([^;]+)", drawing)
    assert len(set(dashes)) >= len(STYLES)  # the line of perfect calibration, and all but one
    assert (
        without_curve(sites) == f"Not drawn beside the {len(STYLES)} groups with most events: "
        "site $6$ & co."
    )
    assert without_curve(sites[:2]) == ""
    assert group_curves([group("A", 3, None)]) == []


def test_bands_stand_where_they_can_be_told_apart() -> None:
    assert "with bands" in group_curves([group("A", 50), group("B", 50)])[0]
    assert "with bands" not in group_curves([group(name, 50) for name in "ABC"])[0]


def test_a_model_that_does_harm_is_drawn_to_its_end_and_the_line_of_everybody_is_told_to_be_cut(
    evaluation: RunEvaluation,
) -> None:
    part = evaluation.parts["test"]
    curves = part.models["xgboost"].curves
    assert curves is not None
    assert curves.decision is not None
    harm = replace(curves.decision, net_benefit=[0.1, -0.4], low=[0.0, -0.6], high=[0.2, -0.2])
    assert plots._limits({"xgboost": harm}, harm)[0] <= -0.6
    drawn = plots.core_plots(part, "xgboost", 0.2)
    assert drawn is not None
    assert drawn.net_benefit is not None
    assert min(v for v in curves.decision.treat_all if v is not None) < -0.1
    assert "flag everybody, cut off below" in drawn.net_benefit


def test_no_band_of_a_calibration_curve_leaves_the_axes(
    evaluation: RunEvaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[list[float | None]] = []
    monkeypatch.setattr(plots, "draw_perfect", lambda _, values: shown.append(values))
    part = evaluation.parts["test"]
    curves = part.models["xgboost"].curves
    assert curves is not None
    wide = replace(curves, calibration=LINE)
    model = replace(part.models["xgboost"], curves=wide)
    plots.core_plots(replace(part, models={"xgboost": model}), "xgboost", 0.2)
    assert max(v for v in shown[0] if v is not None) == 0.9
