"""Does each source propose its network, and does what was set go before what was proposed?"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from omegaconf import MISSING

from risk_model.app.cli import main
from risk_model.app.commands import train
from risk_model.app.hydra_settings import PROPOSED
from risk_model.config import FIRST_SOURCE, NETWORKS, SOURCES, Config
from risk_model.config.serialisation import settings_to_dict


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
