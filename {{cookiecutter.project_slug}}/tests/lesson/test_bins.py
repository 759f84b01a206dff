"""The same risks, three errors: against the figures known before and scikit-learn's calibration
curve.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_auc_score

from risk_model.lesson import traps
from risk_model.lesson.traps import bins


def test_the_error_of_each_binning_is_the_one_known_before() -> None:
    figures = bins.measure(*bins.predictions())
    assert [row["bins"] for row in figures] == [
        "10 of equal width",
        "15 of equal width",
        "10 of equal count",
    ]
    assert [row["ECE"] for row in figures] == pytest.approx([0.0163, 0.0197, 0.0090], abs=0.0005)
    assert json.loads(json.dumps(figures)) == figures


def test_the_errors_agree_with_scikit_learns_calibration_curve() -> None:
    labels, risk = bins.predictions()
    for row, (strategy, n) in zip(
        bins.measure(labels, risk),
        [("uniform", 10), ("uniform", 15), ("quantile", 10)],
        strict=True,
    ):
        happened, said = calibration_curve(labels, risk, n_bins=n, strategy=strategy)
        edges = (
            np.linspace(0, 1, n + 1)
            if strategy == "uniform"
            else np.quantile(risk, np.linspace(0, 1, n + 1))
        )
        rows = np.bincount(np.searchsorted(edges[1:-1], risk), minlength=n)
        assert row["ECE"] == pytest.approx(
            np.sum(rows[rows > 0] * abs(happened - said)) / len(risk), abs=1e-9
        )
        assert (row["fewest rows"], row["most rows"]) == (rows.min(), rows.max())


def test_the_risks_are_those_of_malignant_biopsies_and_as_good_as_known_before() -> None:
    labels, risk = bins.predictions()
    assert labels.mean() == pytest.approx(0.373, abs=0.001)
    assert roc_auc_score(labels, risk) == pytest.approx(0.995, abs=0.001)


def test_the_printed_lesson_shows_the_three_errors_and_the_source() -> None:
    text = traps.run("bins")
    assert "0.0163" in text
    assert "0.0197" in text
    assert "0.0090" in text
    assert "Blasiok and Nakkiran" in text
