"""By accuracy a model on rare events is worth nothing; by what this project reports it is."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, roc_auc_score

from risk_model.core.cohort import Cohort
from risk_model.evaluation.bootstrap import Sample, statistics
from risk_model.lesson.traps import accuracy
from risk_model.lesson.traps.accuracy import ACCURACY, AUPRC, AUROC, BENEFIT, MEASURES, RARE
from risk_model.lesson.traps.lesson import Row


def rare_events(cohort: Cohort, seed: int) -> dict[str, Row]:
    rows = accuracy.compare(accuracy.thinned(cohort, RARE, seed))
    return {str(row["measured"]): row for row in rows}


def check_damage(at: dict[str, Row]) -> None:
    """Accuracy sees nothing of what the others see."""
    assert at[ACCURACY]["events"] == pytest.approx(RARE, abs=0.001)
    assert float(at[ACCURACY]["flagging nobody"]) > 0.949
    assert abs(float(at[ACCURACY]["difference"])) < 0.005
    assert float(at[AUROC]["difference"]) > float(at[AUROC]["low"]) > 0.2
    assert float(at[AUPRC]["difference"]) > float(at[AUPRC]["low"]) > 0.05
    assert float(at[BENEFIT]["difference"]) > float(at[BENEFIT]["low"]) > 0.002


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_with_rare_events_accuracy_cannot_tell_a_model_from_flagging_nobody(
    critically_ill: Cohort, seed: int
) -> None:
    check_damage(rare_events(critically_ill, seed))


@pytest.mark.parametrize("name", [AUROC, AUPRC, BENEFIT])
def test_whoever_measures_accuracy_in_place_of_another_is_noticed(
    critically_ill: Cohort, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MEASURES, name, accuracy.accuracy)
    drawn = accuracy.drawn
    monkeypatch.setattr(accuracy, "drawn", lambda d: {**drawn(d), name: drawn(d)[ACCURACY]})
    with pytest.raises(AssertionError):
        check_damage(rare_events(critically_ill, 0))


def test_the_draws_measure_what_the_metrics_do_and_so_does_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    risk = rng.random(400)
    labels = (rng.random(400) < risk).astype(np.int8)
    cuts = np.array([accuracy.THRESHOLD, 0.5])
    sample = Sample.of(labels, risk, np.arange(400), cuts, bins=0)
    once = accuracy.drawn(statistics(sample, np.ones((1, 400), np.uint8)))
    for name, measure in MEASURES.items():
        assert once[name][0] == pytest.approx(measure(labels, risk), abs=1e-12), name
    assert once[ACCURACY][0] == pytest.approx(accuracy_score(labels, risk >= 0.5))
    assert once[AUROC][0] == pytest.approx(roc_auc_score(labels, risk))
    assert once[AUPRC][0] == pytest.approx(average_precision_score(labels, risk))


def row(name: str, low: float, high: float) -> Row:
    ends = {"difference": (low + high) / 2, "low": low, "high": high}
    return {"events": 0.05, "measured": name, "flagging nobody": 0.95, "model": 0.95, **ends}


def test_what_is_said_depends_on_the_figures() -> None:
    none, some = partial(row, low=-0.1, high=0.1), partial(row, low=0.1, high=0.3)
    rest = [none(ACCURACY), none(AUPRC), none(BENEFIT)]
    assert "does tell patients apart" not in accuracy.see([none(AUROC), *rest])
    said = accuracy.see([some(AUROC), *rest])
    assert "does tell patients apart" in said
    assert said.count("cannot be told from none") == 2
