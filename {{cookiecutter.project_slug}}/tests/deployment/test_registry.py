"""Is there always one whole champion, whatever happens while the next one is registered?"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from risk_model.config import Deployment
from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.deployment import registry
from risk_model.deployment.registry import champion, register

Make = Callable[..., ModelPackage]
POINTER = {"sha256": "0" * 64, "model": "network", "mlflow_version": "1", "since": "2026-01-01"}


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database, made once: making one takes a second or two."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def settings(tmp_path: Path, new_database: Path) -> Deployment:
    place = tmp_path / "with a space"
    place.mkdir()
    shutil.copy(new_database, place / "mlflow.db")
    return Deployment(
        tracking_uri=f"sqlite:///{place / 'mlflow.db'}", registry=str(place / "models")
    )


def two(make_package: Make, tmp_path: Path, **facts: Any) -> dict[str, Path]:
    names = ("logistic_regression", "network")
    return {
        name: make_package(tmp_path / "run" / name, model=name, **facts).directory for name in names
    }


def test_packages_become_versions_and_one_of_them_the_champion(
    make_package: Make, tmp_path: Path, settings: Deployment
) -> None:
    from mlflow import MlflowClient

    packages = two(make_package, tmp_path)
    rows = register(packages, "network", "logistic_regression", "ward", settings, None)
    assert [(row.model, row.alias, row.refused) for row in rows] == [
        ("logistic_regression", "challenger", ""),
        ("network", "champion", ""),
    ]
    directory = champion(Path(settings.registry), "ward")
    assert (
        directory
        == champion(Path(settings.registry), "")
        == Path(settings.registry) / rows[1].sha256
    )
    assert ModelPackage.open(directory).sha256 == ModelPackage.open(packages["network"]).sha256
    client = MlflowClient(settings.tracking_uri)
    version = client.get_model_version_by_alias("ward", "champion")
    assert version.tags["sha256"] == rows[1].sha256
    stored = client.download_artifacts(str(version.run_id), f"packages/{rows[1].sha256}")
    assert ModelPackage.open(Path(stored)).sha256 == rows[1].sha256


def test_registering_again_changes_nothing_and_another_champion_takes_over(
    make_package: Make, tmp_path: Path, settings: Deployment
) -> None:
    packages = two(make_package, tmp_path)
    first = register(packages, "network", None, "ward", settings, None)
    again = register(packages, "network", None, "ward", settings, None)
    assert [row.version for row in first] == [row.version for row in again]
    register(packages, "logistic_regression", "network", "ward", settings, None)
    manifest = ModelPackage.open(champion(Path(settings.registry), "ward")).manifest
    assert manifest.model == "logistic_regression"


def test_versions_belong_to_the_run_that_trained_them(
    make_package: Make, tmp_path: Path, settings: Deployment
) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(settings.tracking_uri)
    experiment = client.create_experiment("ward", (tmp_path / "artifacts").as_uri())
    run_id = client.create_run(experiment).info.run_id
    register(two(make_package, tmp_path), "network", None, "ward", settings, run_id)
    assert client.get_model_version_by_alias("ward", "champion").run_id == run_id


def test_a_model_whose_gate_failed_is_registered_but_the_champion_before_it_stays(
    make_package: Make, tmp_path: Path, settings: Deployment
) -> None:
    good = make_package(tmp_path / "good")
    register(
        {"logistic_regression": good.directory}, "logistic_regression", None, "ward", settings, None
    )
    bad = make_package(tmp_path / "bad", gates={"test": "fail"})
    (row,) = register(
        {"logistic_regression": bad.directory}, "logistic_regression", None, "ward", settings, None
    )
    assert (row.alias, row.version) == ("", "2")
    assert "gate failed" in row.refused
    assert champion(Path(settings.registry), "ward").name == good.sha256


def test_a_changed_package_is_neither_registered_nor_served(
    make_package: Make, tmp_path: Path, settings: Deployment
) -> None:
    package = make_package(tmp_path / "package")
    (row,) = register({"m": package.directory}, "m", None, "ward", settings, None)
    kept = row.path
    card = (kept / "model_card.md").read_bytes()
    (kept / "model_card.md").write_bytes(card + b"x")
    with pytest.raises(UserError, match="differs from its manifest"):
        champion(Path(settings.registry), "ward")
    (kept / "model_card.md").write_bytes(card)
    manifest = (kept / "manifest.json").read_text()
    (kept / "manifest.json").write_text(
        manifest.replace('"operating_threshold": 0.2', '"operating_threshold": 0.9')
    )
    with pytest.raises(UserError, match="its manifest was changed"):
        champion(Path(settings.registry), "ward")
    with pytest.raises(UserError, match="its manifest was changed"):
        register({"m": package.directory}, "m", None, "ward", settings, None)
    (package.directory / "risk.onnx").unlink()
    with pytest.raises(UserError, match="is missing"):
        register({"m": package.directory}, "m", None, "ward", settings, None)


def test_an_absent_champion_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no champion 'ward'; register a run first"):
        champion(tmp_path, "ward")
    for name in ("icu", "ed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "champion.json").write_text("{")
    with pytest.raises(UserError, match=r"no champion 'ward'; it has ed, icu"):
        champion(tmp_path, "ward")
    with pytest.raises(UserError, match=r"which champion\? it has ed, icu"):
        champion(tmp_path, "")
    with pytest.raises(UserError, match=r"not a pointer"):
        champion(tmp_path, "icu")
    (tmp_path / "icu" / "champion.json").write_text(
        json.dumps(POINTER | {"sha256": "../../elsewhere"})
    )
    with pytest.raises(UserError, match=r"not a pointer"):
        champion(tmp_path, "icu")
    (tmp_path / "icu" / "champion.json").write_text(json.dumps(POINTER))
    with pytest.raises(UserError, match=r"not a finished model package"):
        champion(tmp_path, "icu")


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a b", "-x", "a'b"])
def test_a_name_that_is_no_folder_is_refused(
    name: str, tmp_path: Path, package: ModelPackage
) -> None:
    with pytest.raises(UserError, match="registered_name"):
        register(
            {"m": package.directory}, "m", None, name, Deployment(registry=str(tmp_path)), None
        )


def test_only_a_local_database_is_used(tmp_path: Path, package: ModelPackage) -> None:
    settings = Deployment(tracking_uri="http://example.org", registry=str(tmp_path / "models"))
    with pytest.raises(UserError, match="tracking_uri"):
        register({"m": package.directory}, "m", None, "ward", settings, None)


def promote(package: ModelPackage, root: Path) -> None:
    """What register does on disk, after MLflow."""
    with registry._locked(root):
        registry.point(registry._copy(package, root), root, "ward", "champion", "1")


def killed(package: ModelPackage, root: Path, steps: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Promotes in a child process that kills itself after so many steps; whether it came
    that far.
    """
    child = os.fork()
    if not child:
        left = iter(range(steps))

        def dying(call: Callable[..., Any]) -> Callable[..., Any]:
            return lambda *arguments: (
                call(*arguments) if next(left, None) is not None else os.kill(os.getpid(), 9)
            )

        for owner, name in ((os, "fsync"), (os, "mkdir"), (Path, "replace"), (Path, "rename")):
            monkeypatch.setattr(owner, name, dying(getattr(owner, name)))
        with contextlib.suppress(Exception):
            promote(package, root)
            os._exit(0)
        os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or status == 0, "it failed before it was killed"
    return os.WIFSIGNALED(status)


def test_kill_9_at_any_step_leaves_the_old_champion_or_the_new_one(
    make_package: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, before = tmp_path / "models", tmp_path / "before"
    old, new = (make_package(tmp_path / name, git=name) for name in ("old", "new"))
    promote(old, before)
    seen = set()
    for steps in range(100):
        shutil.copytree(before, root)
        died = killed(new, root, steps, monkeypatch)
        found = champion(root, "ward").name
        assert found in ((old.sha256, new.sha256) if died else (new.sha256,))
        seen.add((died, found))
        promote(new, root)
        assert champion(root, "ward").name == new.sha256
        assert not list(root.glob(".staging-*"))
        shutil.rmtree(root)
        if not died:
            break
    assert {(True, old.sha256), (False, new.sha256)} <= seen
    assert steps > 20
