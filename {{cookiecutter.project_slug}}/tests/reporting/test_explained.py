"""The recordings of a report: a fixed rule picks them, and none of the test split is drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from risk_model.core.cohort import Cohort, Splits
from risk_model.data.prepare import Prepared
from risk_model.data.quality import Quality
from risk_model.data.sources.recordings import cohort_from
from risk_model.model import Sample
from risk_model.model.baseline import LogisticRegression
from risk_model.model.feature_subset import FeatureSubset
from risk_model.reporting.content import RecordingExample, RecordingExamples
from risk_model.reporting.example_selection import RULES, pick, select_examples
from risk_model.training.calibration import Calibrator
from risk_model.training.onnx_calibration import append_calibrator
from risk_model.training.record import CalibratorRecord

from tests import made_signal
from tests.made_signal import SCHEMA, recordings_of

N = 200
LINE = CalibratorRecord("platt", {"slope": 2.0, "intercept": 0.0})
CURVE = CalibratorRecord("isotonic", {"knots": [], "risks": []})
THRESHOLD = 0.4


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """Strips whose mean tells the outcome, a quarter in each part."""
    made_signal.put_in_place(monkeypatch)
    rng = np.random.default_rng(0)
    outcome = (rng.random(N) < 0.4).astype(np.int8)
    strips = (rng.normal(size=(N, 8)) + 0.5 * outcome[:, None]).astype(np.float32)
    index = pd.DataFrame({"subject_id": np.arange(N).astype(str)})
    cohort = cohort_from(list(strips), outcome, index, SCHEMA, "made")
    quarters = np.arange(N).reshape(4, -1)
    return Prepared(cohort, Splits(*quarters), Quality({}, {}, []), [])


@pytest.fixture
def package(prepared: Prepared, tmp_path: Path) -> Path:
    """A calibrated logistic regression on the simple columns."""
    rows, cohort = prepared.splits.train, prepared.cohort
    features = np.ascontiguousarray(cohort.encoded()[rows][:, : SCHEMA.simple])
    from risk_model.config import LogisticRegression as Settings

    model = LogisticRegression.fit(
        Sample(features, cohort.labels[rows], np.ones(len(rows))), Settings()
    )
    graph = FeatureSubset(model, SCHEMA.simple, SCHEMA.width).graph()
    (tmp_path / "risk.onnx").write_bytes(append_calibrator(graph, Calibrator("platt", slope=2.0)))
    return tmp_path


def test_each_rule_picks_the_row_it_names() -> None:
    risk = np.array([0.9, 0.1, 0.7, 0.2, 0.45, 0.35, 0.5])
    event = np.array([1, 0, 0, 1, 1, 0, 0], dtype=np.int8)
    assert dict(pick(risk, event, 0.4, 6)) == dict(zip(RULES, [0, 1, 2, 3, 4, 5], strict=True))


def test_no_row_is_shown_twice_and_no_more_than_were_asked_for() -> None:
    rng = np.random.default_rng(0)
    risk, event = rng.random(40), rng.integers(0, 2, 40).astype(np.int8)
    for count in (0, 1, 6, 20, 100):
        rows = [row for _, row in pick(risk, event, 0.5, count)]
        assert len(rows) == len(set(rows)) == min(count, 40)
    assert pick(risk[:0], event[:0], 0.5, 6) == []


def test_a_rule_that_no_row_fits_picks_none() -> None:
    risk, event = np.array([0.1, 0.2, 0.3]), np.zeros(3, dtype=np.int8)
    assert [why for why, _ in pick(risk, event, 0.5, 6)] == [
        "the highest risk",
        "the lowest risk",
        "just below the threshold",
    ]


def select(
    package: Path, prepared: Prepared, count: int = 6, calibrator: CalibratorRecord = LINE
) -> RecordingExamples:
    examples = select_examples(package, prepared, calibrator, THRESHOLD, count)
    assert examples is not None
    return examples


def recordings(package: Path, prepared: Prepared, count: int = 6) -> list[RecordingExample]:
    return select(package, prepared, count).recordings


def numbers(cohort: Cohort, row: int) -> str:
    return " ".join(f"{value:.4f}" for value in recordings_of(cohort)[row])


def test_only_recordings_of_the_validation_split_are_shown(
    package: Path, prepared: Prepared
) -> None:
    drawings = "".join(example.drawing for example in recordings(package, prepared))
    held = [row for row in range(N) if numbers(prepared.cohort, row) in drawings]
    assert len(held) == 6
    assert set(held) <= set(prepared.splits.validation)


def test_outcomes_of_the_test_split_change_nothing(package: Path, prepared: Prepared) -> None:
    outcome = prepared.cohort.labels.copy()
    outcome[prepared.splits.test] = 1 - outcome[prepared.splits.test]
    changed = replace(prepared, cohort=replace(prepared.cohort, outcome=outcome))
    assert recordings(package, changed) == recordings(package, prepared)


def test_none_asked_for_draws_none(package: Path, prepared: Prepared) -> None:
    assert recordings(package, prepared, 0) == []


def test_what_is_told_is_on_the_scale_of_the_calibrated_risk(
    package: Path, prepared: Prepared
) -> None:
    raw, scaled = (select(package, prepared, 1, line) for line in (CURVE, LINE))
    assert (raw.calibrated, scaled.calibrated) == (False, True)
    once, twice = (
        float(examples.recordings[0].drawing.split("; ")[1].split("<")[0])
        for examples in (raw, scaled)
    )
    assert twice == pytest.approx(2 * once, abs=2e-3)


def test_a_table_has_no_recordings_to_show(package: Path, prepared: Prepared) -> None:
    table = replace(prepared.cohort, schema=replace(SCHEMA, signal=None), signals=None)
    without = replace(prepared, cohort=table)
    assert select_examples(package, without, LINE, THRESHOLD, 6) is None
