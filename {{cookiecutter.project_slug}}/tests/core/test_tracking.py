"""The store of all runs appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient

from risk_model.core.tracking import client


def test_a_store_whose_making_was_cut_short_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"

    def killed(self: MlflowClient) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "search_experiments", killed)
        with pytest.raises(KeyboardInterrupt):
            client(uri)
    assert not (tmp_path / "mlflow.db").exists()
    assert [experiment.name for experiment in client(uri).search_experiments()] == ["Default"]
    assert sorted(path.name for path in tmp_path.glob("*mlflow.db*")) == ["mlflow.db"]


def test_a_store_that_somebody_else_made_meanwhile_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client(uri).create_experiment("theirs")
    real = Path.exists
    monkeypatch.setattr(Path, "exists", lambda self: self != tmp_path / "mlflow.db" and real(self))
    assert {experiment.name for experiment in client(uri).search_experiments()} == {
        "Default",
        "theirs",
    }
