"""What makes no sense is refused before a row is read, and whatever is a number has its bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from risk_model.app.cli import main
from risk_model.config import NETWORKS, SOURCES, Config, Data, Model, Table
from risk_model.config.bounds import RULE_OF, check_settings, numbers
from risk_model.core.errors import UserError
from risk_model.pipeline import check_start, prepare_and_announce

REFUSED: list[tuple[str, Any, str]] = [
    ("seed", -1, "seed=-1: must be at least 0 and at most 4294967295"),
    ("seed", 2**32, "seed="),
    ("split.folds", 0, "at least 1"),
    ("split.train", 0.0, "split.train=0: must be above 0 and below 1"),
    ("split.validation", float("nan"), "split.validation=nan: must be"),
    ("split.train", 0.8, "must leave a share for the test split"),
    ("model.xgboost.subsample", 1.5, "model.xgboost.subsample=1.5: must be above 0 and at most 1"),
    ("model.xgboost.trees", 0, "model.xgboost.trees=0: must be at least 1"),
    ("model.logistic_regression.c", -1.0, "must be at least 0"),
    ("training.margin", -0.1, "training.margin=-0.1: must be at least 0"),
    ("split.repeats", 0, "split.repeats=0: must be at least 1"),
    ("model.network.dropout", 1.0, "model.network.dropout=1: must be at least 0 and below 1"),
    ("model.champion", "xgbost", "no model 'xgbost'; choose auto, logistic_regression"),
    ("training.loss", "hinge", "no loss 'hinge'; choose one of bce"),
    ("training.learning_rate", float("inf"), "training.learning_rate=inf: must be above 0"),
    ("training.learning_rate", 0.0, "must be above 0"),
    ("training.epochs", 0, "training.epochs=0: must be at least 1"),
    ("training.patience", -1, "training.patience=-1: must be at least 1"),
    ("training.batch_size", 1, "at least 2 rows a batch"),
    ("training.batch_size", -4, "training.batch_size=-4: must be at least 0"),
    ("training.threads", 0, "training.threads=0"),
    ("evaluation.resamples", 0, "evaluation.resamples=0: must be at least 2"),
    ("evaluation.slope_low", 2.0, "evaluation.slope_low: must be below"),
    ("evaluation.refits", 49, "evaluation.refits=49: must be at least 50"),
    ("data.held_out_period", 1.5, "data.held_out_period=1.5: must be at least 0 and below 1"),
    ("data.decision.harm_ratio", -2.0, "data.decision.harm_ratio=-2"),
    ("data.decision.threshold_low", 0.9, "threshold_low and threshold_high must ascend"),
    ("data.accept", {"dose": " "}, "data.accept: dose needs a reason"),
    ("accept", "Ada", "a name and a reason"),
    ("deployment.registered_name", "a/b", "deployment.registered_name: 'a/b' names a folder"),
    ("deployment.tracking_uri", "http://elsewhere", "is not sqlite:///<file>"),
    ("deployment.tracking_uri", "sqlite:///taken/mlflow.db", "deployment.tracking_uri: "),
    ("deployment.unusual_inputs", "ignore", "'ignore' is neither warn nor refuse"),
    ("deployment.registry", "taken/models", "deployment.registry: "),
    ("runs", "taken", "runs: taken is a file; name a folder"),
]


def changed(name: str, value: Any) -> Config:
    """The default settings with one of them changed."""
    settings = Config(data=Table(path="nowhere.csv", outcome="died"))  # there is no such file
    *sections, last = name.split(".")
    section: Any = settings
    for part in sections:
        section = getattr(section, part)
    setattr(section, last, value)
    return settings


@pytest.mark.parametrize(("name", "value", "expected"), REFUSED)
def test_what_makes_no_sense_is_refused_before_anything_is_read_or_made(
    name: str, value: Any, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("taken").touch()
    with pytest.raises(UserError, match=r"^[^\n]+$") as refused:
        prepare_and_announce(changed(name, value), lambda step, text: None)
    assert expected in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["data", "seed=-1"], "seed=-1: must be at least 0"),
        (["train", "seed=true"], "seed: "),
        (["evaluate", "package=nowhere", "split.folds=0"], "split.folds=0: must be at least 1"),
        (["score", "input=a.csv", "output=b.csv", "evaluation.resamples=-5"], "resamples=-5"),
    ],
)
def test_every_command_checks_its_settings_first(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "data=csv", "data.path=nowhere.csv", "data.outcome=died"]) == 2
    captured = capsys.readouterr()
    assert expected in captured.err
    assert captured.out == ""


CHOICES = [Config(data=source()) for source in SOURCES.values()]
CHOICES += [Config(data=Data(), model=Model(network=network())) for network in NETWORKS.values()]


@pytest.mark.parametrize("settings", CHOICES, ids=[*SOURCES, *NETWORKS])
def test_every_number_has_bounds_and_every_default_keeps_to_them(settings: Config) -> None:
    assert {name for name, _ in numbers(settings)} <= RULE_OF.keys()
    check_settings(settings)


def test_a_folder_that_does_not_exist_yet_is_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = changed("runs", "a/b/runs")
    settings.deployment.registry = str(tmp_path / "c" / "models")
    check_start(settings)
    assert list(tmp_path.iterdir()) == []
