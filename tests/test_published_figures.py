"""Published figures that a baked project reaches by the commands its README gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Bake


def flchain(path: Path) -> None:
    """Writes the free light chain cohort as a CSV: death within five years, without the cause of
    death.
    """
    from sksurv.datasets import load_flchain

    people, followed = load_flchain()
    years, died = followed["futime"] / 365.25, followed["death"]
    known = (years > 5) | died
    people = people.assign(died_in_5_years=(died & (years <= 5)).astype(int))
    people[known].drop(columns="chapter").to_csv(path, index=False)


@pytest.mark.slow
def test_flchain_weights_break_calibration_and_recalibration_mends_it(
    bake: Bake, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    project = bake(project_name="Light Chains", project_slug="light-chains")
    flchain(tmp_path / "light chains, 5 years.csv")
    done = project.run(
        "light_chains",
        "run",
        "data=csv",
        f"data.path={tmp_path / 'light chains, 5 years.csv'}",
        "data.outcome=died_in_5_years",
        "training.loss=pos_weight",
        # Every row out of fold, so that ECE is of all patients; the network is not asked about.
        "split.test_events=100000",
        "split.folds=3",
        "split.repeats=1",
        "training.epochs=1",
    )
    assert done.returncode == 0, done.stderr
    (run,) = (project.path / "runs").glob("*/")
    pooled = json.loads((run / "evaluation.json").read_text())["parts"]["out of fold"]
    for name in ("logistic_regression", "xgboost"):
        model = pooled["models"][name]
        raw, mended = (model[stage]["ece"]["estimate"] for stage in ("raw", "metrics"))
        shown = (
            f"flchain, 5-year death, out of fold, {name}: ECE {raw:.3f} raw, {mended:.3f} "
            "recalibrated"
        )
        record_property("figures", shown)
        assert raw > 0.2  # logistic regression .258, XGBoost .219
        assert mended < 0.02
    report = (run / "report.html").read_text()
    assert "logistic regression, raw" in report
    assert "logistic regression, recalibrated" in report
