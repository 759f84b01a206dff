"""Does each source propose its network, and does what was set go before what was proposed?"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import MISSING

from risk_model import config
from risk_model.app.cli import main
from risk_model.app.command_table import COMMANDS
from risk_model.app.commands import train
from risk_model.app.hydra_settings import PROPOSED, SETS
from risk_model.config import FIRST_SOURCE, NETWORKS, SOURCES, Config, Model, Support2, Table
from risk_model.config.serialisation import settings_from_dict, settings_to_dict
from risk_model.core.files import user_path


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A function from words of the command line to the settings that the command would get."""
    monkeypatch.chdir(tmp_path)
    received: list[Config] = []
    monkeypatch.setattr(train, "train", received.append)

    def compose(*words: str) -> Config:
        assert main(["train", *words]) == 0
        return received.pop()

    return compose


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_a_source_brings_its_network_and_the_network_its_way_of_training(
    source: str, composed: Any
) -> None:
    settings = composed(f"data={source}", *_asked(source))
    assert type(settings.data) is SOURCES[source]
    assert settings.model.network == NETWORKS[SOURCES[source].network]()
    for name in PROPOSED:
        assert getattr(settings.training, name) == getattr(settings.model.network, name)


def _asked(source: str) -> list[str]:
    """A value for each setting that the source has no default for."""
    return [f"data.{f.name}=x" for f in fields(SOURCES[source]) if f.default == MISSING]


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_the_fast_settings_go_with_every_source(source: str, composed: Any) -> None:
    settings = composed(f"data={source}", "debug=fast", *_asked(source))
    assert type(settings.data) is SOURCES[source]
    assert settings.training.epochs == 2


FILES = sorted(path for name in SETS for path in Path(config.__file__).parent.glob(f"{name}/*"))


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_a_set_of_settings_holds_only_what_every_source_and_every_network_has(file: Path) -> None:
    asked = set(_names(yaml.safe_load(file.read_text(encoding="utf-8"))))
    for source, network in itertools.product(SOURCES.values(), NETWORKS.values()):
        whole = Config(data=source(), model=Model(network=network()))
        assert asked <= set(_names(settings_to_dict(whole)))


def _names(content: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """The dotted name of each setting."""
    for key, value in content.items():
        name = f"{prefix}{key}"
        yield from _names(value, f"{name}.") if isinstance(value, dict) else [name]


def test_a_setting_of_another_source_is_refused_with_the_source_that_has_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["train", "data=support2", "data.positive=yes"]) == 2
    line = capsys.readouterr().err
    assert line.startswith("error: no setting 'data.positive' with these choices; it is there with")
    assert "data=csv" in line


@pytest.mark.parametrize("network", sorted(NETWORKS))
def test_another_network_can_be_asked_for_and_set(network: str, composed: Any) -> None:
    words = [
        f"model/network={network}",
        "training.learning_rate=0.5",
        "training.epochs=3",
        "model.network.patience=2",
    ]
    settings = composed(f"data={FIRST_SOURCE}", *words)
    assert settings.model.network.name == network
    assert (
        settings.training.learning_rate,
        settings.training.epochs,
        settings.training.patience,
    ) == (0.5, 3, 2)


def test_without_a_word_the_projects_first_source_is_taken(composed: Any) -> None:
    assert composed().data.name == FIRST_SOURCE


def test_what_is_written_down_says_what_was_trained_with_and_refers_to_nothing(
    composed: Any,
) -> None:
    text = json.dumps(settings_to_dict(composed("training.epochs=7")))
    assert "${" not in text
    assert json.loads(text)["training"]["epochs"] == 7


def test_a_network_that_does_not_exist_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["train", "model/network=lstn"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


TABLE = ("data=csv", "data.path=t.csv", "data.outcome=died")


def test_free_texts_and_names_are_taken_as_they_stand(composed: Any) -> None:
    settings = composed(
        "data=csv",
        "data.path=${runs}/a, b.csv",
        "data.outcome=died (y/n)",
        'data.exclude=[lab (x), O\'Neil, Na [mmol/l], "a, b", müde, 007, NULL]',
        "data.held_out_sites=[01, Ward ${seed}]",
        "data.accept={lab (y): known at triage (small, but needed), 'a: b': it's known}",
        "data.decision.reason=a call (cheap) beats a miss, it's said: {so}",
        "data.decision.threshold_low=.1",
        "data.decision.threshold_high=.4",
        "accept=Dr. O'Neil: small, but needed",
        "output=[risks], {new}.csv",
    )
    assert settings.data.path == "${runs}/a, b.csv"
    assert settings.data.outcome == "died (y/n)"
    assert settings.data.exclude == "lab (x)|O'Neil|Na [mmol/l]|a, b|müde|007|NULL".split("|")
    assert settings.data.held_out_sites == ["01", "Ward ${seed}"]
    assert settings.data.accept == {
        "lab (y)": "known at triage (small, but needed)",
        "a: b": "it's known",
    }
    assert settings.data.decision.reason == "a call (cheap) beats a miss, it's said: {so}"
    assert (settings.accept, settings.output) == (
        "Dr. O'Neil: small, but needed",
        "[risks], {new}.csv",
    )
    assert settings_from_dict(json.loads(json.dumps(settings_to_dict(settings)))) == settings


DEFAULT = Table().missing


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("[999]", [*DEFAULT, "999"]),
        ("[-9, 99.90, NA]", [*DEFAULT, "-9", "99.90"]),
        ("[!NA, unknown]", [*(text for text in DEFAULT if text != "NA"), "unknown"]),
        ("[]", []),
    ],
)
def test_missing_codes_are_added_to_those_that_are_known(
    typed: str, expected: list[str], composed: Any
) -> None:
    settings = composed(*TABLE, f"data.missing={typed}")
    assert settings_to_dict(settings)["data"]["missing"] == expected


@pytest.mark.parametrize(("typed", "more"), [("[late]", ["late"]), ("[!death]", [])])
def test_what_is_recorded_later_is_added_to_what_the_source_says(
    typed: str, more: list[str], composed: Any
) -> None:
    later = composed("data=support2", f"data.recorded_after={typed}").data.recorded_after
    kept = [name for name in Support2().recorded_after if f"!{name}" not in typed]
    assert later == [*kept, *more]


def test_a_sweep_adds_to_the_list_of_each_job(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    received: list[Config] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(train, "train", received.append)
    words = ["data.exclude=[a],[b (c), d]", "data.missing=[9]", "runs=~/runs"]
    assert main(["train", "-m", *TABLE, *words]) == 0
    assert [settings.data.exclude for settings in received] == [["a"], ["b (c)", "d"]]
    assert [settings.data.missing for settings in received] == [[*DEFAULT, "9"]] * 2
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_tilde_is_the_home_in_every_path_and_nowhere_else(
    composed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    paths = ["runs", "run", "input", "output", "package", "deployment.registry"]
    paths += ["data.path", "data.schema", "data.cache"]
    words = [f"{name}=~/a b" for name in paths]
    settings = composed(
        "data=csv",
        "data.outcome=~/x",
        "data.exclude=[~/x]",
        "accept=~/x: why",
        "deployment.tracking_uri=sqlite:///~/mlflow.db",
        *words,
    )
    assert {value_of(settings, name) for name in paths} == {"/home/ada/a b"}
    assert settings.deployment.tracking_uri == "sqlite:////home/ada/mlflow.db"
    assert (settings.data.outcome, settings.data.exclude, settings.accept) == (
        "~/x",
        ["~/x"],
        "~/x: why",
    )


def value_of(settings: Any, name: str) -> Any:
    for part in name.split("."):
        settings = getattr(settings, part)
    return settings


@pytest.mark.parametrize("path", ["~$table.csv", "~nobody/t.csv", "a~/t.csv", "'~'.csv"])
def test_a_path_that_only_looks_like_a_home_is_left_alone(path: str) -> None:
    assert str(user_path(path)) == path


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("audit", ["~/audit.db"]),
        ("serve", ["--package=~/pack"]),
        ("serve", ["--registry=~/models"]),
        ("compare", ["~/one", "~/two"]),
    ],
)
def test_flags_know_the_home_too(
    command: str,
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    if command not in COMMANDS:
        pytest.skip(f"this edition has no {command}")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main([command, *words]) == 2
    message = capsys.readouterr().err
    assert str(tmp_path) in message
    assert "~" not in message
