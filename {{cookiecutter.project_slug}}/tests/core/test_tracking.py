"""The store of all runs appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from risk_model.core.tracking import client, training_run


def test_a_store_whose_making_was_cut_short_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"

    real = SqlAlchemyStore.__init__

    def killed(self: SqlAlchemyStore, *words: str) -> None:
        real(self, *words)  # type: ignore[no-untyped-call]  # MLflow annotates nothing
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(SqlAlchemyStore, "__init__", killed)
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


@pytest.mark.parametrize("folder", ["ward%2Fmain 100%", "q?x#y%s", 'O\'Neil "ü" :b'])
def test_a_folder_may_have_any_name(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / folder)
    uri = "sqlite:///mlflow.db"
    with training_run(uri, "cohort", {"seed": "0"}) as run_id:
        pass
    store = client(f"sqlite:///{tmp_path / folder / 'mlflow.db'}")
    run = store.get_run(run_id)
    Path("card.md").write_text("a card")
    store.log_artifact(run_id, "card.md", "packages/abc")
    store.create_registered_model("cohort")
    source = f"{run.info.artifact_uri}/packages/abc"
    assert int(store.create_model_version("cohort", source, run_id).version) == 1
    assert run.data.params == {"seed": "0"}
    assert [path.name for path in tmp_path.iterdir()] == [folder]
    assert sorted(path.name for path in Path().iterdir()) == ["card.md", "mlartifacts", "mlflow.db"]
    assert [path.read_text() for path in Path("mlartifacts").rglob("card.md")] == ["a card"]
