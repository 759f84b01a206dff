"""A whole run on a small cohort: what it writes, what may not influence it, what a kill leaves."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from risk_model import pipeline
from risk_model.artifacts import read_evaluation, read_training
from risk_model.config import Config, Synthetic
from risk_model.config.serialisation import settings_from_dict, settings_to_dict
from risk_model.core.errors import UserError
from risk_model.core.package import MANIFEST, ModelPackage
from risk_model.core.predictions import prediction_table
from risk_model.core.risk_step import risk_step
from risk_model.data.prepare import Prepared, prepare
from risk_model.deployment.example_request import example_body
from risk_model.deployment.package_input import package_input
from risk_model.evaluation import evaluate
from risk_model.training.monitor import Monitor

SMALL = [
    "data=synthetic",
    "data.subjects=3000",
    "split.folds=2",
    "split.test_events=20",
    "model.logistic_regression.c=0.1",
    "model.xgboost.trees=20",
    "model.network.members=2",
    "model.network.width=16",
    "model.network.blocks=1",
    "training.epochs=2",
    "evaluation.resamples=50",
]


def small_settings(**changes: Any) -> Config:
    settings = Config(data=Synthetic(subjects=3000))
    settings.split.folds, settings.split.test_events = 2, 20
    settings.model.logistic_regression.c, settings.model.xgboost.trees = 0.1, 20
    network = settings.model.network
    network.members, network.width, network.blocks = 2, 16, 1
    settings.training.epochs = 2
    settings.evaluation.resamples = 50
    return replace(settings, **changes)


def command(*words: str, where: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "risk_model", *words]
    return subprocess.run(line, cwd=where, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which `run` has been run once."""
    where = tmp_path_factory.mktemp("finished")
    done = command("run", *SMALL, where=where)
    assert done.returncode == 0, done.stderr
    return where


def only_run(where: Path) -> Path:
    (directory,) = (d for d in (where / "runs").iterdir() if d.is_dir())
    return directory


def test_a_run_writes_its_report_its_figures_and_sealed_packages(finished: Path) -> None:
    directory = only_run(finished)
    assert {p.name for p in directory.iterdir()} >= {
        "config.json",
        "training.json",
        "predictions.parquet",
        "evaluation.json",
        "report.html",
        "packages",
    }
    names = {ModelPackage.open(p).manifest.model for p in (directory / "packages").iterdir()}
    assert names == {"logistic_regression", "xgboost", "network"}
    assert (finished / "runs" / "index.html").is_file()


def test_a_run_registers_a_champion_and_a_challenger(finished: Path) -> None:
    with sqlite3.connect(finished / "mlflow.db") as store:
        aliases = {row[0] for row in store.execute("select alias from registered_model_aliases")}
        status = [row[0] for row in store.execute("select status from runs")]
    assert "challenger" in aliases
    assert status == ["FINISHED"]


def test_nothing_that_leaves_training_is_a_pickle_or_a_patient(finished: Path) -> None:
    rows = pd.read_parquet(only_run(finished) / "predictions.parquet")
    subjects = set(rows["subject_id"].astype(str))
    for path in (only_run(finished) / "packages").rglob("*"):
        assert path.suffix not in (".pkl", ".pickle", ".joblib", ".pt")
        if path.suffix in (".json", ".md"):
            assert not any(f'"{subject}"' in path.read_text() for subject in list(subjects)[:200])


def test_the_calibration_that_a_package_tells_is_its_graphs(finished: Path) -> None:
    told = 0
    for package in map(ModelPackage.open, (only_run(finished) / "packages").iterdir()):
        risk, logit = package.scorer(np.load(package.directory / "explain/background.npy"))
        if line := package.manifest.calibration:
            told += 1
            np.testing.assert_allclose(
                risk, 1 / (1 + np.exp(-line.slope * logit - line.intercept)), atol=1e-6
            )
    assert told, "not one calibrator of this run is a line"


def test_each_package_answers_its_own_example_under_the_policy_that_training_wrote_down(
    finished: Path,
) -> None:
    record = read_training(only_run(finished))
    assert record.input_policy.rows == next(iter(record.sizes.values())).rows
    judged = next(iter(read_evaluation(only_run(finished)).parts.values()))
    for package in map(ModelPackage.open, (only_run(finished) / "packages").iterdir()):
        assert package.manifest.input_policy == record.input_policy
        step = risk_step(judged.subjects, judged.prevalence, record.threshold)
        assert package.manifest.risk_step == step
        lacked = [f.name for f in package.schema.inputs if not f.missing_allowed]
        assert set(lacked) <= set(record.input_policy.hardly_missing)
        body = json.dumps(example_body(package)).encode()
        assert package_input(package).read(body).warnings == []


def test_only_test_and_external_rows_are_judged(finished: Path) -> None:
    parts = set(pd.read_parquet(only_run(finished) / "predictions.parquet")["split"])
    assert parts == {"test", "site: Hospital E", "last period"}


def test_settings_are_written_down_and_read_back(finished: Path) -> None:
    content = json.loads((only_run(finished) / "config.json").read_text())
    assert settings_to_dict(settings_from_dict(content)) == content


def test_two_runs_with_one_seed_write_identical_metrics(finished: Path, tmp_path: Path) -> None:
    assert command("run", *SMALL, where=tmp_path).returncode == 0
    for name in ("evaluation.json",):
        assert (only_run(tmp_path) / name).read_bytes() == (only_run(finished) / name).read_bytes()


def test_evaluating_again_in_another_process_changes_no_figure(finished: Path) -> None:
    before = (only_run(finished) / "evaluation.json").read_bytes()
    assert command("evaluate", where=finished).returncode == 0
    assert (only_run(finished) / "evaluation.json").read_bytes() == before


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return prepare(small_settings())


def test_changing_test_outcomes_changes_no_champion_threshold_or_calibrator(
    prepared: Prepared,
) -> None:
    cohort, splits = prepared.cohort, prepared.splits
    flipped = cohort.labels.copy()
    for rows in (splits.test, *splits.external.values()):
        flipped[rows] = 1 - flipped[rows]
    changed = replace(prepared, cohort=replace(cohort, outcome=flipped))
    first, second = (
        pipeline.fit(small_settings(), p.cohort, splits, Monitor()) for p in (prepared, changed)
    )
    one, other = first.developed, second.developed
    assert one.champion == other.champion
    assert {n: c.record for n, c in one.calibrators.items()} == {
        n: c.record for n, c in other.calibrators.items()
    }
    assert first.graphs == second.graphs
    rows = splits.learning
    assert cohort.labels[rows].mean() == changed.cohort.labels[rows].mean()


def test_the_served_graph_is_what_was_evaluated(finished: Path) -> None:
    settings = settings_from_dict(json.loads((only_run(finished) / "config.json").read_text()))
    again = prepare(settings)
    table = pd.read_parquet(only_run(finished) / "predictions.parquet")
    for path in (only_run(finished) / "packages").iterdir():
        risk, _ = ModelPackage.open(path).scorer(again.cohort.take(again.splits.test).encoded())
        judged = table[(table["model"] == path.name) & (table["split"] == "test")]
        np.testing.assert_array_equal(risk, judged["predicted_boolean_probability"].to_numpy())


def test_a_run_trained_on_other_data_is_not_evaluated(finished: Path, tmp_path: Path) -> None:
    directory = only_run(finished)
    settings = settings_from_dict(json.loads((directory / "config.json").read_text()))
    settings.data.seed = 1
    with pytest.raises(UserError, match="trained on other data"):
        pipeline.evaluate_run(settings, directory, prepare(settings))


STAGES = {  # and what a run has just written when it is killed there
    "training": "runs/.partial-*",
    "writing models": "runs/.partial-*/packages/*/risk.onnx",
    "evaluating": "runs/[!.]*/training.json",
    "sealing packages": "runs/[!.]*/packages/*/model_card.md",
    "registering": "models/*",
}


@pytest.mark.slow
@pytest.mark.parametrize("written", STAGES.values(), ids=STAGES)
def test_a_killed_run_leaves_nothing_that_looks_whole(tmp_path: Path, written: str) -> None:
    line = [sys.executable, "-m", "risk_model", "run", *SMALL]
    victim = subprocess.Popen(
        line, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not any(tmp_path.glob(written)) and victim.poll() is None:
        time.sleep(0.01)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    for directory in (d for d in (tmp_path / "runs").glob("*/") if not d.name.startswith(".")):
        assert (directory / "training.json").is_file()
        for manifest in directory.rglob(MANIFEST):
            ModelPackage.open(manifest.parent)
    pointer = tmp_path / "models"
    for manifest in pointer.rglob(MANIFEST):
        if not any(part.startswith(".") for part in manifest.relative_to(pointer).parts):
            ModelPackage.open(manifest.parent)
    again = command("run", *SMALL, where=tmp_path)
    assert again.returncode == 0, again.stderr
    assert not list((tmp_path / "runs").glob(".partial-*"))


@pytest.mark.slow
def test_a_clean_cohort_is_accused_of_nothing_by_any_room() -> None:
    loud = []
    for seed in range(20):
        settings = small_settings(data=Synthetic(seed=seed), seed=seed)
        prepared = prepare(settings)
        fitted = pipeline.fit(settings, prepared.cohort, prepared.splits, Monitor())
        table = prediction_table(prepared.cohort, prepared.splits, fitted.calibrated, fitted.raw)
        evaluation = evaluate(
            table, 0.1, replace(settings.evaluation, resamples=300), settings.data.decision, seed
        )
        findings = [*prepared.findings, *(f for f in evaluation.findings if f.kind != "gate")]
        warnings = [finding.line() for finding in findings if finding.severity != "note"]
        loud += [(seed, warnings)] if warnings else []
    assert len(loud) <= 1, loud
