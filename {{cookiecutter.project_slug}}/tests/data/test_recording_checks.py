"""Is what is measured on a recording refused only where nothing honest does so well?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from risk_model.core.findings import Finding
from risk_model.core.schema import Signal
from risk_model.core.scores import auroc as score_auroc
from risk_model.data.leak_signs import column_leaks

from tests.data.made_cohorts import cohort_of


def measured(
    auroc: float, edge: str, recording: bool, n: int = 3139, name: str = "sharpness"
) -> list[Finding]:
    """What is found in a number with that AUROC, whose lower values are those of the outcome.

    The values without the outcome are narrow and may begin at a sharp edge, so that below it are
    those with it alone.
    """
    draw = np.random.default_rng(1)
    ill = draw.random(n) < 0.74
    spread = {
        "none": draw.normal(size=n),
        "sharp": (draw.gamma(2, 1, n) - 2) / 1.41,
        "sheer": draw.uniform(-1.7, 1.7, n),
    }[edge]
    case, low, high = draw.normal(size=n), -3.0, 9.0
    for _ in range(40):
        middle = (low + high) / 2
        value = np.where(ill, case, middle + 0.5 * spread)
        reached = 1 - score_auroc(ill.astype(np.int8), value)
        low, high = (middle, high) if reached < auroc else (low, middle)
    cohort = cohort_of({name: value, "brightness": draw.normal(size=n)}, ill)
    if recording:
        signal = Signal("image", "image", (1, 28, 28), described=80)
        cohort = replace(cohort, schema=replace(cohort.schema, signal=signal))
    return column_leaks(cohort)


@pytest.mark.parametrize("edge", ["none", "sharp", "sheer"])
@pytest.mark.parametrize("name", ["sharpness", "time", "status"])
@pytest.mark.parametrize(
    ("auroc", "severity", "kind"),
    [
        (0.75, "", ""),
        (0.85, "warning", "strong predictor"),
        (0.931, "warning", "strong predictor"),
        (0.97, "warning", "strong predictor"),
        (0.997, "error", "shortcut in the recordings"),
    ],
)
def test_what_is_measured_on_a_recording_is_refused_only_where_it_is_as_good_as_the_outcome(
    edge: str, name: str, auroc: float, severity: str, kind: str
) -> None:
    found = measured(auroc, edge, recording=True, name=name)
    assert [(f.severity, f.kind) for f in found] == [(severity, kind)] * bool(severity)
    assert all("from the same devices" in f.message for f in found)
    assert not any("recorded_after" in f.remedy for f in found)  # it would hide nothing
