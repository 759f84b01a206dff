"""Do the measures of instability say what their source defines, and do the refits repeat the
development?
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from risk_model.config import Config, Synthetic
from risk_model.core.cohort import Splits
from risk_model.core.errors import UserError
from risk_model.core.files import read_json, write_atomically, write_json
from risk_model.data.prepare import Prepared, prepare
from risk_model.evaluation.instability import instability
from risk_model.evaluation.metrics import Floats, calibration_slope
from risk_model.model.table import refitted
from risk_model.training.develop import develop
from risk_model.training.onnx_calibration import append_calibrator
from risk_model.training.record import ChampionChoice, TrainingRecord
from risk_model.validation import stability as conductor
from risk_model.validation.stability import refit, samples_of_subjects, stability

BASELINES = refitted()
KINDS = dict.fromkeys(BASELINES, "platt")


def risks(rows: int = 40, refits: int = 60, seed: int = 0) -> tuple[Floats, Floats]:
    """Risks of a model and of its refits, which scatter about it."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-1, 1.5, rows)
    return 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(-z - rng.normal(0, 0.5, (refits, rows))))


def test_every_measure_equals_a_plain_loop_over_rows_and_refits() -> None:
    original, refits = risks()
    found = instability(original, refits, 0.3)
    for i, risk in enumerate(original):
        column = [float(refits[b, i]) for b in range(len(refits))]
        mape = sum(abs(value - risk) for value in column) / len(column)
        crossed = sum((value >= 0.3) != (risk >= 0.3) for value in column) / len(column)
        assert found["mape"]["rows"][i] == pytest.approx(mape, abs=1e-12)
        assert found["classification"]["rows"][i] == pytest.approx(crossed, abs=1e-12)
        ordered = sorted(column)
        at = 0.975 * (len(column) - 1)
        high = ordered[int(at)] + (at - int(at)) * (ordered[int(at) + 1] - ordered[int(at)])
        assert found["range"]["high"][i] == pytest.approx(high, abs=1e-12)
        assert found["range"]["low"][i] < found["range"]["high"][i]
    assert found["mape"]["mean"] == pytest.approx(np.mean(found["mape"]["rows"]))
    assert found["mape"]["percentile_95"] == pytest.approx(np.quantile(found["mape"]["rows"], 0.95))
    assert (
        found["classification"]["worst"]
        == max(found["classification"]["rows"])
        > found["classification"]["mean"]
    )


def test_a_risk_at_the_threshold_is_flagged_as_everywhere_else() -> None:
    found = instability(np.array([0.3, 0.3]), np.array([[0.3, 0.29]]), 0.3)
    assert found["classification"]["rows"] == [0.0, 1.0]


def test_slopes_are_those_of_each_refit_on_these_rows() -> None:
    original, refits = risks(rows=400)
    outcome = (np.random.default_rng(1).random(400) < original).astype(np.int8)
    slopes = [calibration_slope(outcome, risk) for risk in refits]
    found = instability(original, refits, 0.3, outcome)["slope"]
    assert found["estimate"] == calibration_slope(outcome, original)
    assert (found["low"], found["median"], found["high"]) == pytest.approx(
        np.quantile(slopes, [0.025, 0.5, 0.975])
    )
    assert instability(original, refits, 0.3)["slope"] is None
    none = instability(original, refits, 0.3, np.zeros(400, np.int8))["slope"]
    assert set(none.values()) == {None}


def test_a_model_that_ignores_the_sample_is_perfectly_stable() -> None:
    original, _ = risks()
    found = instability(original, np.tile(original, (50, 1)), 0.3)
    assert (
        found["mape"]["mean"]
        == found["classification"]["worst"]
        == found["range"]["mean_width"]
        == 0.0
    )
    band = found["band"]
    assert band["low"] == pytest.approx(band["risk"], abs=1e-6)
    assert band["high"] == pytest.approx(band["risk"], abs=1e-6)


def test_the_band_holds_nearly_all_refits_and_the_result_is_json() -> None:
    original, refits = risks(rows=2_000, refits=200)
    found = instability(original, refits, 0.3)
    low, high = (
        np.interp(original, found["band"]["risk"], found["band"][edge]) for edge in ("low", "high")
    )
    assert 0.92 < np.mean((refits >= low) & (refits <= high)) < 0.98
    assert json.loads(json.dumps(found, allow_nan=False)) == found


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


def made(subjects: int = 1_500) -> tuple[Config, Prepared]:
    settings = Config(data=Synthetic(subjects=subjects))
    settings.model.xgboost.trees = 15
    return settings, prepare(settings)


@pytest.fixture(scope="module")
def cohort() -> tuple[Config, Prepared]:
    """Settings and a made-up cohort with several rows a subject."""
    return made()


@pytest.fixture
def run(cohort: tuple[Config, Prepared], tmp_path: Path) -> Path:
    """What `stability` reads of an evaluated run of this cohort."""
    settings, prepared = cohort
    cohort = prepared.cohort
    made = develop(settings, cohort, cohort.encoded(), prepared.splits, only=KINDS, kinds=KINDS)
    for name, model in made.models.items():
        graph = append_calibrator(model.graph(), made.calibrators[name])
        write_atomically(tmp_path / "packages" / name / "risk.onnx", graph)
    record = TrainingRecord(
        cohort=cohort.schema.name,
        outcome=cohort.schema.outcome,
        fingerprint=cohort.fingerprint(),
        champion=ChampionChoice("network", "chosen by nobody", []),
        calibrators={name: made.calibrators[name].record for name in KINDS},
        threshold=0.1,
        threshold_reason="",
        findings=[],
        sizes={},
        history={},
        mlflow_run="",
        git="",
        versions={},
    )
    write_json(tmp_path / "training.json", record.to_json())
    write_json(tmp_path / "evaluation.json", {})
    return tmp_path


def test_a_bootstrap_sample_takes_subjects_whole_and_leaves_the_other_parts_alone(
    cohort: tuple[Config, Prepared],
) -> None:
    splits, subjects = cohort[1].splits, cohort[1].cohort.subjects
    mine = subjects[splits.train]
    rows_of = {name: np.sort(splits.train[mine == name]) for name in set(mine)}
    assert max(len(rows) for rows in rows_of.values()) > 1
    for sample in samples_of_subjects(splits, mine, 3, seed=0):
        assert replace(sample, train=splits.train) == splits
        drawn = 0
        for name, rows in rows_of.items():
            found, times = np.unique(
                sample.train[subjects[sample.train] == name], return_counts=True
            )
            assert not len(found) or (found.tolist() == rows.tolist() and len(set(times)) == 1)
            drawn += int(times[0]) if len(times) else 0
        assert drawn == len(rows_of)


def test_refits_are_the_same_for_one_seed_and_others_for_another(
    cohort: tuple[Config, Prepared],
) -> None:
    settings, prepared = cohort
    first, second = (refit(settings, prepared, KINDS, 3) for _ in range(2))
    other = refit(replace(settings, seed=1), prepared, KINDS, 3)
    for name in BASELINES:
        np.testing.assert_array_equal(first[name], second[name])
        assert np.abs(first[name] - other[name]).max() > 0.01
        assert np.ptp(first[name], axis=0).max() > 0.01


def test_a_model_of_few_subjects_is_less_stable_than_one_of_many() -> None:
    scatter = []
    for subjects in (1_000, 8_000):
        drawn = refit(*made(subjects), KINDS, 12)
        scatter.append({name: float(risk.std(axis=0).mean()) for name, risk in drawn.items()})
    for name in BASELINES:
        assert scatter[0][name] > 1.5 * scatter[1][name]


def test_a_refit_on_the_very_training_rows_is_the_runs_own_model(
    run: Path, cohort: tuple[Config, Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    def itself(splits: Splits, subjects: object, refits: int, seed: int) -> list[Splits]:
        return [splits] * refits

    monkeypatch.setattr(conductor, "samples_of_subjects", itself)
    found = stability(cohort[0], run, cohort[1], 50)
    for name in BASELINES:
        assert max(found["models"][name]["mape"]["rows"]) < 1e-5


def test_a_run_gets_its_figures_a_plot_a_model_and_a_page_that_needs_no_network(
    run: Path, cohort: tuple[Config, Prepared]
) -> None:
    found = stability(cohort[0], run, cohort[1], 50)
    assert read_json(run / "stability.json") == found
    assert list(found["models"]) == BASELINES
    assert len(found["models"]["xgboost"]["mape"]["rows"]) == len(cohort[1].splits.test)
    assert found["models"]["xgboost"]["slope"]["median"] is not None
    page = (run / "stability.html").read_text(encoding="utf-8")
    for name in BASELINES:
        drawing = (run / f"stability-{name}.svg").read_text(encoding="utf-8")
        assert drawing.startswith("<svg")
        assert drawing in page
    links = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", page)
    assert not [link for link in links if not link.startswith("#")]
    assert "The champion of this run, network, is not judged here" in page
    assert (
        f"by {100 * found['models']['xgboost']['mape']['mean']:.1f} percentage points on average"
        in page
    )
    assert all(part in page for part in ('lang="en"', 'scope="row"', 'role="img"'))


def test_what_cannot_be_judged_is_refused_and_nothing_is_written(
    run: Path, cohort: tuple[Config, Prepared]
) -> None:
    settings, prepared = cohort
    before = {path.name for path in run.iterdir()}
    with pytest.raises(UserError, match=r"evaluation\.refits=49: must be at least 50"):
        stability(settings, run, prepared, 49)
    with pytest.raises(UserError, match="trained on other data"):
        stability(settings, run, made(1_000)[1], 50)
    assert {path.name for path in run.iterdir()} == before
    (run / "evaluation.json").unlink()
    with pytest.raises(UserError, match="is not evaluated; write evaluate run="):
        stability(settings, run, prepared, 50)


def test_a_sample_without_an_event_is_refused(cohort: tuple[Config, Prepared]) -> None:
    settings, prepared = cohort
    labels, train = prepared.cohort.labels.copy(), prepared.splits.train
    labels[train[1:]], labels[train[0]] = 0, 1
    with pytest.raises(UserError, match="so few events"):
        refit(
            settings, replace(prepared, cohort=replace(prepared.cohort, outcome=labels)), KINDS, 50
        )
