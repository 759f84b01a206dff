"""The history of all runs, an MLflow store: one local SQLite file, with its artifacts beside it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from risk_model.core.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient


ARTIFACTS = "mlartifacts"


def client(uri: str) -> MlflowClient:
    """A client of the store that `uri` names, which is made on first use.

    Raises:
        UserError: `uri` is not "sqlite:///<file>".
    """
    from mlflow import MlflowClient

    for library in ("mlflow", "alembic"):  # after the import, which sets levels of its own
        logging.getLogger(library).setLevel(logging.WARNING)
    database = database_path(uri)
    if not database.exists():
        _make(database)
    return MlflowClient(tracking_uri=_url(database), registry_uri=_url(database))


def _url(database: Path) -> str:
    """The SQLAlchemy URL of a file whose path may hold "%", "?" or "#".

    It names the driver: of a bare "sqlite:///" MLflow would make the folders, taking the URL for
    the path.
    """
    from sqlalchemy import URL

    return str(URL.create("sqlite+pysqlite", database=str(database)))


def _make(database: Path) -> None:
    """Makes a store in one step: a process killed while the tables are made leaves none."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    folder = database.parent
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".mlflow.db-", dir=folder, ignore_cleanup_errors=True) as hidden:
        partial = Path(hidden) / database.name
        # MLflow writes the place of its first experiment into SQL between apostrophes: as a URI it
        # holds none, while a folder may. It gives the class no annotations.
        SqlAlchemyStore(_url(partial), (folder / ARTIFACTS).as_uri())  # type: ignore[no-untyped-call]
        with suppress(FileExistsError):  # somebody else was first
            os.link(partial, database)


def experiment(store: MlflowClient, uri: str, name: str) -> str:
    """The id of the experiment of that name, made on first use."""
    recorded = store.get_experiment_by_name(name)
    if recorded:
        return str(recorded.experiment_id)
    artifacts = database_path(uri).parent / ARTIFACTS / name
    return str(store.create_experiment(name, artifacts.as_uri()))


@contextmanager
def training_run(uri: str, name: str, parameters: Mapping[str, str]) -> Iterator[str]:
    """Yields the id of a new MLflow run, which ends as FINISHED, or FAILED if the block raised."""
    store = client(uri)
    run_id = str(store.create_run(experiment(store, uri, name)).info.run_id)
    for key, value in parameters.items():
        store.log_param(run_id, key, value)
    try:
        yield run_id
    except BaseException:
        store.set_terminated(run_id, "FAILED")
        raise
    store.set_terminated(run_id, "FINISHED")


def database_path(uri: str) -> Path:
    """The absolute path of the SQLite file that a tracking URI names."""
    if not uri.startswith("sqlite:///"):
        raise UserError(
            f"deployment.tracking_uri: '{uri}' is not sqlite:///<file>; name a local database file"
        )
    return Path(uri.removeprefix("sqlite:///")).resolve()
