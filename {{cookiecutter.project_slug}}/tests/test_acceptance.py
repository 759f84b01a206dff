"""A model that its gate did not pass is served only when a named person answers for it, in card and
audit log.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from risk_model.config import Config, Synthetic
from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage, Verdict, seal
from risk_model.data.prepare import prepare
from risk_model.deployment.application import create_app
from risk_model.deployment.registry import RegisteredVersion, champion
from risk_model.deployment.serve import check_gate
from risk_model.pipeline import evaluate_run, register_run, train

WORDS = "Ada Okoro: test: a trial without patients"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Path]:
    home = tmp_path_factory.mktemp("home")
    settings = Config(data=Synthetic(subjects=2000), runs=str(home / "runs"))
    settings.split.folds, settings.split.test_events = 2, 0
    settings.model.logistic_regression.c = 0.1
    settings.model.xgboost.trees, settings.training.epochs = 10, 1
    settings.evaluation.resamples = 20
    network = settings.model.network
    network.members, network.width, network.blocks = 2, 8, 1
    settings.deployment.tracking_uri = f"sqlite:///{home / 'mlflow.db'}"
    directory = train(settings, prepare(settings))
    evaluate_run(settings, directory, prepare(settings))
    return settings, directory


@pytest.fixture
def failing(trained: tuple[Config, Path], tmp_path: Path) -> tuple[Config, Path, str]:
    """The run again, with a champion whose gate failed, and a registry of its own."""
    settings, directory = trained
    copy = tmp_path / directory.name
    shutil.copytree(directory, copy)
    name = json.loads((copy / "training.json").read_text())["champion"]["name"]
    manifest = ModelPackage.open(copy / "packages" / name).manifest
    seal(copy / "packages" / name, replace(manifest, gates={"test": "fail"}))
    settings.deployment.registry, settings.accept = str(tmp_path / "models"), ""
    return settings, copy, name


def row_of(rows: list[RegisteredVersion], model: str) -> RegisteredVersion:
    (row,) = [row for row in rows if row.model == model]
    return row


def test_a_model_that_failed_does_not_become_champion_and_the_remedy_is_told(
    failing: tuple[Config, Path, str],
) -> None:
    settings, directory, name = failing
    row = row_of(register_run(settings, directory), name)
    assert row.alias == ""
    assert "accept=" in row.refused
    with pytest.raises(UserError):
        champion(Path(settings.deployment.registry), "")


def test_a_named_persons_reason_makes_it_champion_and_stands_in_card_manifest_and_audit_log(
    failing: tuple[Config, Path, str], tmp_path: Path
) -> None:
    settings, directory, name = failing
    settings.accept = WORDS
    row = row_of(register_run(settings, directory), name)
    assert (row.alias, row.refused) == ("champion", "")
    package = ModelPackage.open(champion(Path(settings.deployment.registry), ""))
    told = package.manifest.accepted
    assert told is not None
    assert (told.by, told.reason) == ("Ada Okoro", "test: a trial without patients")
    assert told.verdicts == {"test": "fail"}
    assert package.json("evaluation.json")["accepted"] == told.to_json()
    card = (package.directory / "model_card.md").read_text()
    assert all(text in card for text in ("Ada Okoro", "a trial without patients", told.when))
    accepted = check_gate(package, "")
    assert accepted == WORDS
    with TestClient(create_app(package, tmp_path / "audit.db", accepted)) as client:
        assert client.get("/v1/model").json()["accepted"] == WORDS
    with sqlite3.connect(tmp_path / "audit.db") as log:
        assert any(
            WORDS.encode() in bytes(body) for (body,) in log.execute("SELECT body FROM record")
        )


def test_a_failed_model_that_nobody_accepted_is_not_served_whatever_is_said_at_the_door(
    failing: tuple[Config, Path, str],
) -> None:
    _, directory, name = failing
    package = ModelPackage.open(directory / "packages" / name)
    for accept in ("", WORDS):
        with pytest.raises(UserError, match="register run=DIRECTORY accept="):
            check_gate(package, accept)


@pytest.mark.parametrize("accept", ["Ada Okoro", "Ada Okoro:", ": a reason", " : "])
def test_an_acceptance_needs_a_name_and_a_reason_and_changes_nothing_without(
    failing: tuple[Config, Path, str], accept: str
) -> None:
    settings, directory, name = failing
    settings.accept = accept
    before = (directory / "packages" / name / "manifest.json").read_bytes()
    with pytest.raises(UserError, match="a name and a reason"):
        register_run(settings, directory)
    assert (directory / "packages" / name / "manifest.json").read_bytes() == before


def test_there_is_nothing_to_accept_where_the_gate_passed(
    failing: tuple[Config, Path, str],
) -> None:
    settings, directory, name = failing
    package = directory / "packages" / name
    manifest = ModelPackage.open(package).manifest
    seal(package, replace(manifest, gates={"test": "pass"}))
    settings.accept = WORDS
    with pytest.raises(UserError, match="nothing to accept"):
        register_run(settings, directory)


def test_what_was_accepted_cannot_be_edited_afterwards(failing: tuple[Config, Path, str]) -> None:
    settings, directory, _ = failing
    settings.accept = WORDS
    register_run(settings, directory)
    kept = champion(Path(settings.deployment.registry), "")
    card = kept / "model_card.md"
    card.write_text(card.read_text().replace("Ada Okoro", "Somebody Else"))
    with pytest.raises(UserError, match="differs from its manifest"):
        champion(Path(settings.deployment.registry), "")


def test_a_site_that_failed_keeps_a_model_from_patients_until_the_reason_names_it(
    failing: tuple[Config, Path, str],
) -> None:
    settings, directory, name = failing
    package = directory / "packages" / name
    verdicts: dict[str, Verdict] = {"test": "pass", "site: VA": "fail", "site: Bern": "cannot tell"}
    seal(package, replace(ModelPackage.open(package).manifest, gates=verdicts))
    assert ModelPackage.open(package).manifest.gate == "fail"
    assert "accept=" in row_of(register_run(settings, directory), name).refused
    settings.accept = "Ada Okoro: a trial"
    with pytest.raises(UserError, match="failed on site: VA; name each"):
        register_run(settings, directory)
    settings.accept = "Ada Okoro: VA is not served"
    assert row_of(register_run(settings, directory), name).alias == "champion"
    told = ModelPackage.open(champion(Path(settings.deployment.registry), "")).manifest.accepted
    assert told is not None
    assert told.verdicts == {"site: VA": "fail", "site: Bern": "cannot tell"}
