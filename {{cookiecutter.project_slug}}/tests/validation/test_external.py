"""A package meets other patients: judged as it is, mended by a line, and nothing else is
touched.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from risk_model import artifacts
from risk_model.config import Config, Evaluation, Synthetic, Table
from risk_model.core.errors import UserError
from risk_model.core.files import write_json
from risk_model.core.package import FILES, ModelPackage, seal
from risk_model.core.risk_step import risk_step
from risk_model.data import load
from risk_model.data.prepare import prepare
from risk_model.pipeline import evaluate_run, train
from risk_model.validation.external import evaluate_package, read_external, recalibrate

from tests.estimates import ends, value


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def settings(home: Path) -> Config:
    settings = Config(
        data=Synthetic(subjects=3000, held_out_sites=["Hospital E"]), runs=str(home / "runs")
    )
    settings.split.folds, settings.split.test_events = 2, 0
    settings.model.logistic_regression.c = 0.1
    settings.model.xgboost.trees, settings.training.epochs, settings.evaluation.resamples = (
        20,
        1,
        50,
    )
    settings.model.network.members, settings.model.network.width, settings.model.network.blocks = (
        2,
        8,
        1,
    )
    settings.deployment.tracking_uri = f"sqlite:///{home / 'mlflow.db'}"
    return settings


@pytest.fixture(scope="module")
def run(settings: Config) -> Path:
    directory = train(settings, prepare(settings))
    evaluate_run(settings, directory, prepare(settings))
    return directory


@pytest.fixture(scope="module")
def package(run: Path) -> Path:
    return run / "packages" / "logistic_regression"


@pytest.fixture(scope="module")
def table(home: Path) -> Path:
    """Hospital E's rows, in which the event is three times as frequent as the inputs say."""
    cohort = load(Synthetic(subjects=3000))
    there = (cohort.index["site"] == "Hospital E").to_numpy()
    more = np.random.default_rng(0).random(len(cohort)) < 0.2
    frame = cohort.inputs.assign(mrn=cohort.subjects, died=cohort.labels | more)[there]
    frame.to_csv(home / "hospital e.csv", index=False)
    return home / "hospital e.csv"


def request(settings: Config, package: Path, table: Path, /, **changes: Any) -> Config:
    data = Table(path=str(table), outcome="died", subject="mrn")
    return replace(settings, **{"data": data, "package": str(package), **changes})


def test_a_package_is_judged_elsewhere_as_it_was_in_its_own_run(
    settings: Config, run: Path, package: Path, home: Path
) -> None:
    cohort = load(settings.data)
    there = (cohort.index["site"] == "Hospital E").to_numpy()
    frame = cohort.inputs.assign(mrn=cohort.subjects, died=cohort.labels)[there]
    frame.to_parquet(home / "same.parquet", index=False)
    directory, evaluation = evaluate_package(request(settings, package, home / "same.parquet"))
    metrics = evaluation.parts["elsewhere: same"].models["logistic_regression"].metrics
    own = artifacts.read_evaluation(run).parts["site: Hospital E"]
    for name in ("auroc", "citl", "slope", "net_benefit"):
        expected = value(own.models["logistic_regression"].metrics[name])
        assert value(metrics[name]) == pytest.approx(expected, abs=1e-9), name
    assert (directory / "report.html").is_file()
    assert not (directory / "packages").exists()  # nothing was trained


def test_a_line_mends_the_average_and_touches_nothing_else(
    settings: Config, package: Path, table: Path, home: Path
) -> None:
    before = {name: (package / name).read_bytes() for name in FILES}
    wanted = request(settings, package, table, output=str(home / "mended"))
    _, evaluation, target = recalibrate(wanted)
    (part,) = evaluation.parts.values()
    assert ends(part.models["before"].metrics["citl"])[0] > 0.5
    assert abs(value(part.models["logistic_regression"].metrics["citl"])) < 0.1
    assert {name: (package / name).read_bytes() for name in FILES} == before
    same = [name for name in FILES if (target / name).read_bytes() == before[name]]
    assert same == ["schema.json", "reference.json", "explain/background.npy"]
    first, second = ModelPackage.open(package), ModelPackage.open(target)
    rows = read_external(wanted).cohort.encoded()
    (risk, logit), (mended, same_logit) = first.scorer(rows), second.scorer(rows)
    np.testing.assert_array_equal(logit, same_logit)
    line = second.manifest.calibration
    assert line is not None
    np.testing.assert_allclose(
        mended, 1 / (1 + np.exp(-line.slope * logit - line.intercept)), atol=1e-6
    )
    assert (np.diff(mended[np.argsort(risk)]) >= -1e-7).all()
    assert second.manifest.recalibrated_from == first.sha256
    assert second.manifest.operating_threshold == first.manifest.operating_threshold
    assert second.manifest.input_policy == first.manifest.input_policy
    assert second.manifest.risk_step == risk_step(part.subjects, part.prevalence, first.threshold)


def test_what_a_mended_package_is_judged_by_was_scored_without_its_own_outcome(
    settings: Config, package: Path, table: Path, home: Path
) -> None:
    wanted = request(settings, package, table, output=str(home / "crossed"))
    directory, _, target = recalibrate(wanted)
    judged = pd.read_parquet(directory / "predictions.parquet").query(
        "model == 'logistic_regression'"
    )
    fitted, _ = ModelPackage.open(target).scorer(read_external(wanted).cohort.encoded())
    assert np.abs(judged["predicted_boolean_probability"].to_numpy() - fitted).max() > 1e-4


def test_a_mended_package_is_not_mended_again(
    settings: Config, package: Path, table: Path, home: Path
) -> None:
    _, _, target = recalibrate(request(settings, package, table, output=str(home / "once")))
    with pytest.raises(UserError, match="itself recalibrated"):
        recalibrate(request(settings, target, table, output=str(home / "twice")))
    assert not (home / "twice").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"package": ""}, "package=champion"),
        ({"output": ""}, "output=DIRECTORY"),
        (
            {"evaluation": Evaluation(minimum_events=5000)},
            "5000 non-events are the least to fit a line",
        ),
    ],
)
def test_what_cannot_be_mended_is_one_line_and_leaves_nothing(
    settings: Config,
    package: Path,
    table: Path,
    home: Path,
    changes: dict[str, object],
    message: str,
) -> None:
    wanted = {"output": str(home / "never"), **changes}
    with pytest.raises(UserError, match=message):
        recalibrate(request(settings, package, table, **wanted))
    assert not (home / "never").exists()


def test_a_package_that_does_not_say_what_it_is_for_is_refused(
    settings: Config, package: Path, table: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    shutil.copytree(package, old)
    judged = json.loads((old / "evaluation.json").read_text())
    del judged["decision"]
    write_json(old / "evaluation.json", judged)
    seal(old, ModelPackage.open(package).manifest)
    with pytest.raises(UserError, match="evaluate its run again"):
        evaluate_package(request(settings, old, table))


def test_a_table_without_the_models_fields_is_refused(
    settings: Config, package: Path, home: Path
) -> None:
    pd.DataFrame({"x": np.arange(50.0), "mrn": range(50), "died": [0, 1] * 25}).to_csv(
        home / "other.csv", index=False
    )
    with pytest.raises(UserError, match="there is no column"):
        evaluate_package(request(settings, package, home / "other.csv"))


def test_one_class_of_the_outcome_is_refused(
    settings: Config, package: Path, table: Path, home: Path
) -> None:
    frame = pd.read_csv(table).assign(died=0)
    frame.to_csv(home / "nobody.csv", index=False)
    with pytest.raises(UserError):
        evaluate_package(request(settings, package, home / "nobody.csv"))


def test_intervals_of_few_patients_elsewhere_cannot_pass(
    settings: Config, package: Path, table: Path
) -> None:
    few = replace(settings, evaluation=Evaluation(resamples=50))
    _, evaluation = evaluate_package(request(few, package, table))
    (gates,) = evaluation.gates.values()
    assert gates["logistic_regression"].verdict != "pass"
