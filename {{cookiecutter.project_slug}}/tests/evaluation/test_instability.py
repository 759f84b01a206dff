"""The measures of instability are those that their source defines."""

from __future__ import annotations

import json

import numpy as np
import pytest

from risk_model.core.scores import Floats
from risk_model.evaluation.instability import Instability, SlopeInstability, instability
from risk_model.evaluation.metrics import calibration_slope


def risks(rows: int = 40, refits: int = 60, seed: int = 0) -> tuple[Floats, Floats]:
    """Risks of a model and of its refits, which scatter about it."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-1, 1.5, rows)
    return 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(-z - rng.normal(0, 0.5, (refits, rows))))


def test_every_measure_equals_a_plain_loop_over_rows_and_refits() -> None:
    original, refits = risks()
    measures = instability(original, refits, 0.3)
    for i, risk in enumerate(original):
        column = [float(refits[b, i]) for b in range(len(refits))]
        mape = sum(abs(value - risk) for value in column) / len(column)
        crossed = sum((value >= 0.3) != (risk >= 0.3) for value in column) / len(column)
        assert measures.mape.rows[i] == pytest.approx(mape, abs=1e-12)
        assert measures.classification.rows[i] == pytest.approx(crossed, abs=1e-12)
        ordered = sorted(column)
        at = 0.975 * (len(column) - 1)
        high = ordered[int(at)] + (at - int(at)) * (ordered[int(at) + 1] - ordered[int(at)])
        assert measures.range.high[i] == pytest.approx(high, abs=1e-12)
        assert measures.range.low[i] < measures.range.high[i]
    assert measures.mape.mean == pytest.approx(np.mean(measures.mape.rows))
    assert measures.mape.percentile_95 == pytest.approx(np.quantile(measures.mape.rows, 0.95))
    crossing = measures.classification
    assert crossing.worst == max(crossing.rows) > crossing.mean


def test_a_risk_at_the_threshold_is_flagged_as_everywhere_else() -> None:
    measures = instability(np.array([0.3, 0.3]), np.array([[0.3, 0.29]]), 0.3)
    assert measures.classification.rows == [0.0, 1.0]


def test_slopes_are_those_of_each_refit_on_these_rows() -> None:
    original, refits = risks(rows=400)
    outcome = (np.random.default_rng(1).random(400) < original).astype(np.int8)
    slopes = [calibration_slope(outcome, risk) for risk in refits]
    slope = instability(original, refits, 0.3, outcome).slope
    assert slope is not None
    assert slope.estimate == calibration_slope(outcome, original)
    quantiles = np.quantile(slopes, [0.025, 0.5, 0.975])
    assert (slope.low, slope.median, slope.high) == pytest.approx(quantiles)
    assert instability(original, refits, 0.3).slope is None
    undefined = instability(original, refits, 0.3, np.zeros(400, np.int8)).slope
    assert undefined == SlopeInstability(None, None, None, None)


def test_a_model_that_ignores_the_sample_is_perfectly_stable() -> None:
    original, _ = risks()
    measures = instability(original, np.tile(original, (50, 1)), 0.3)
    spread = measures.mape.mean, measures.classification.worst, measures.range.mean_width
    assert spread == (0.0, 0.0, 0.0)
    assert measures.band.low == pytest.approx(measures.band.risk, abs=1e-6)
    assert measures.band.high == pytest.approx(measures.band.risk, abs=1e-6)


def test_the_band_holds_nearly_all_refits_and_the_result_is_json() -> None:
    original, refits = risks(rows=2_000, refits=200)
    measures = instability(original, refits, 0.3)
    band = measures.band
    low, high = (np.interp(original, band.risk, np.array(y, float)) for y in (band.low, band.high))
    assert 0.92 < np.mean((refits >= low) & (refits <= high)) < 0.98
    text = json.dumps(measures.to_json(), allow_nan=False)
    assert Instability.from_json(json.loads(text)) == measures


@pytest.mark.parametrize(
    ("original", "refits", "threshold"),
    [
        (np.array([0.1, 0.2]), np.full((5, 3), 0.1), 0.3),
        (np.array([0.1, 0.2]), np.full(2, 0.1), 0.3),
        (np.array([0.1, 0.2]), np.empty((0, 2)), 0.3),
        (np.empty(0), np.empty((5, 0)), 0.3),
        (np.array([0.1, np.nan]), np.full((5, 2), 0.1), 0.3),
        (np.array([0.1, 0.2]), np.full((5, 2), 1.1), 0.3),
        (np.array([0.1, 0.2]), np.full((5, 2), 0.1), 1.0),
    ],
    ids=[
        "other rows",
        "one refit as a row",
        "no refits",
        "no rows",
        "not a number",
        "above 1",
        "threshold",
    ],
)
def test_broken_input_is_refused(original: Floats, refits: Floats, threshold: float) -> None:
    with pytest.raises(ValueError, match="stability"):
        instability(original, refits, threshold)
