"""A cohort with too few events to test on: what stands in the place of the test split?"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from risk_model import artifacts, pipeline
from risk_model.config import Config, Synthetic
from risk_model.core.parts import OUT_OF_FOLD
from risk_model.data.prepare import Prepared, prepare
from risk_model.evaluation.results import RunEvaluation


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Prepared, RunEvaluation]:
    """Eight hundred made-up patients, all steps repeated in two folds, twice."""
    where = tmp_path_factory.mktemp("small")
    settings = Config(data=Synthetic(subjects=800), runs=str(where / "runs"))
    settings.deployment.tracking_uri = f"sqlite:///{where / 'mlflow.db'}"
    settings.deployment.registry = str(where / "models")
    settings.split.folds, settings.split.repeats = 2, 2
    settings.model.logistic_regression.c, settings.model.xgboost.trees = 0.1, 10
    settings.training.epochs, settings.evaluation.resamples = 1, 50
    settings.model.network.members, settings.model.network.width = 2, 8
    prepared = prepare(settings)
    directory = pipeline.train(settings, prepared)
    evaluation = pipeline.evaluate_run(settings, directory, prepared)
    pipeline.report_run(settings, directory, prepared)
    return directory, prepared, evaluation


def test_each_development_row_is_judged_out_of_fold_and_counted_once(
    run: tuple[Path, Prepared, RunEvaluation],
) -> None:
    directory, prepared, evaluation = run
    cohort, splits = prepared.cohort, prepared.splits
    assert len(splits.test) == 0
    assert next(iter(evaluation.parts)) == OUT_OF_FOLD
    assert "test" not in evaluation.parts
    part = evaluation.parts[OUT_OF_FOLD]
    assert (part.n, part.events) == (len(splits.train), cohort.labels[splits.train].sum())
    assert (part.repeats, part.subjects) == (2, len(set(cohort.subjects[splits.train])))
    for group in part.models["xgboost"].subgroups:
        if group.partition == "sex":
            sex = cohort.index["sex"].iloc[splits.train].astype(str)
            assert group.n == (sex == group.group).sum()
    table = pd.read_parquet(directory / artifacts.PREDICTIONS)
    own = table[(table["split"] == OUT_OF_FOLD) & (table["model"] == "xgboost")]
    assert len(own) == 2 * len(splits.train)


def test_manifest_card_and_report_have_the_same_headline_and_say_what_it_is(
    run: tuple[Path, Prepared, RunEvaluation],
) -> None:
    directory, _, evaluation = run
    record = artifacts.read_training(directory)
    assert sum(record.chosen_out_of_fold.values()) == 2 * 2
    assert list(record.sizes) == ["development"]
    package = directory / "packages" / record.champion.name
    manifest = json.loads((package / "manifest.json").read_text())
    assert OUT_OF_FOLD in manifest["gates"]
    auroc = evaluation.parts[OUT_OF_FOLD].models[record.champion.name].metrics["auroc"].estimate
    assert auroc is not None
    for path in (package / "model_card.md", directory / "report.html"):
        text = path.read_text(encoding="utf-8")
        assert f"{auroc:.2f}" in text
        assert "made and chosen without the row" in text
    report = (directory / "report.html").read_text(encoding="utf-8")
    assert "too few events to cut off a test split" in report
    assert "repeated without each fold, 4 times in all" in report
    assert "Quick trial" not in report
