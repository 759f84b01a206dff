"""Refits on other samples of the subjects repeat the development, and end on a page."""

from __future__ import annotations

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
from risk_model.evaluation.instability import StabilityRecord
from risk_model.model.table import refitted
from risk_model.training.develop import develop
from risk_model.training.onnx_calibration import append_calibrator
from risk_model.validation import stability as conductor
from risk_model.validation.stability import refit, samples_of_subjects, stability

from tests.made_record import made_record

BASELINES = refitted()


def made(subjects: int = 1_500) -> tuple[Config, Prepared]:
    settings = Config(data=Synthetic(subjects=subjects))
    settings.model.xgboost.trees, settings.model.logistic_regression.c = 15, 0.1
    settings.split.folds, settings.split.test_events = 2, 0
    settings.model.xgboost.learning_rate = 0.1
    return settings, prepare(settings)


@pytest.fixture(scope="module")
def cohort() -> tuple[Config, Prepared]:
    """Settings and a made-up cohort with several rows a subject."""
    return made()


@pytest.fixture
def run(cohort: tuple[Config, Prepared], tmp_path: Path) -> Path:
    """What `stability` reads of an evaluated run of this cohort."""
    settings, prepared = cohort
    own = prepared.cohort
    baselines = develop(settings, own, own.model_inputs(), prepared.splits, only=BASELINES)
    for name, model in baselines.models.items():
        graph = append_calibrator(model.graph(), baselines.calibrators[name])
        write_atomically(tmp_path / "packages" / name / "risk.onnx", graph)
    record = made_record(own, "network", calibrators=baselines.calibrators)
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
    first, second = (refit(settings, prepared, BASELINES, 3) for _ in range(2))
    other = refit(replace(settings, seed=1), prepared, BASELINES, 3)
    for name in BASELINES:
        np.testing.assert_array_equal(first[name], second[name])
        assert np.abs(first[name] - other[name]).max() > 0.01
        assert np.ptp(first[name], axis=0).max() > 0.01


def test_a_model_of_few_subjects_is_less_stable_than_one_of_many() -> None:
    scatter = []
    for subjects in (1_000, 8_000):
        drawn = refit(*made(subjects), BASELINES, 12)
        # Of the spread between patients: trees that stop early give all of them nearly one risk.
        scatter.append(
            {n: float(r.std(axis=0).mean() / r.mean(axis=0).std()) for n, r in drawn.items()}
        )
    for name in BASELINES:
        assert scatter[0][name] > 1.5 * scatter[1][name]


def test_a_refit_on_the_very_training_rows_is_the_runs_own_model(
    run: Path, cohort: tuple[Config, Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    def itself(splits: Splits, subjects: object, refits: int, seed: int) -> list[Splits]:
        return [splits] * refits

    monkeypatch.setattr(conductor, "samples_of_subjects", itself)
    record = stability(cohort[0], run, cohort[1], 50)
    for name in BASELINES:
        assert max(record.models[name].mape.rows) < 1e-5


def test_a_run_gets_its_figures_a_plot_a_model_and_a_page_that_needs_no_network(
    run: Path, cohort: tuple[Config, Prepared]
) -> None:
    record = stability(cohort[0], run, cohort[1], 50)
    assert StabilityRecord.from_json(read_json(run / "stability.json")) == record
    assert list(record.models) == BASELINES
    own = record.models["xgboost"]
    assert len(own.mape.rows) == len(cohort[1].splits.test)
    assert own.slope is not None
    assert own.slope.median is not None
    page = (run / "stability.html").read_text(encoding="utf-8")
    for name in BASELINES:
        drawing = (run / f"stability-{name}.svg").read_text(encoding="utf-8")
        assert drawing.startswith("<svg")
        assert drawing in page
    links = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", page)
    assert not [link for link in links if not link.startswith("#")]
    assert "The champion of this run, network, is not judged here" in page
    assert f"by {100 * own.mape.mean:.1f} percentage points on average" in page
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
            settings,
            replace(prepared, cohort=replace(prepared.cohort, outcome=labels)),
            BASELINES,
            50,
        )
