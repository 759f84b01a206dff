"""Which model is the champion, and how does a new one take over without a moment in which there is
none or half of one?

MLflow keeps the history: a version for each package, and the aliases champion and challenger. The
server does not read MLflow: it reads a directory named by the package's SHA-256 and a pointer to
it, replaced in one step after all that it points to is on disk. Where alias and pointer disagree,
after a crash between the two, the pointer is what is served.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from risk_model.core import tracking
from risk_model.core.errors import UserError
from risk_model.core.files import write_atomically
from risk_model.core.package import FILES, MANIFEST, ModelPackage

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from risk_model import config

POINTER = "champion.json"
STAGING = ".staging-"


def register(
    packages: Mapping[str, Path],
    champion: str,
    challenger: str | None,
    name: str,
    settings: config.Deployment,
    run_id: str | None,
) -> list[dict[str, Any]]:
    """Registers every package and makes one the champion; a row each: model, version, sha256, path,
    alias, refused.

    `champion` and `challenger` are keys of `packages`; `run_id` is the MLflow run that trained them
    (None: a new one). A champion whose gate failed, and which nobody accepted, is registered
    without the alias, `refused` says so, and the champion before it stays. Registering the same
    package again makes no second version. UserError when a package does not verify.
    """
    _check_name(name)
    opened = {model: ModelPackage.open(path) for model, path in packages.items()}
    aliases = {champion: "champion"} | ({challenger: "challenger"} if challenger else {})
    root = Path(settings.registry)
    with _locked(root):
        kept = {model: _keep(package, root) for model, package in opened.items()}
        client = tracking.client(settings.tracking_uri)
        run = _run(client, settings.tracking_uri, name, run_id)
        rows = [_version(client, run, name, model, package) for model, package in kept.items()]
        for row in rows:
            row |= _promoted(
                client,
                name,
                kept[row["model"]],
                row["version"],
                aliases.get(row["model"], ""),
                root,
            )
    return rows


def champion(registry: Path, name: str) -> Path:
    """The verified directory of the champion of that name; of the only one there is when the name
    is "".

    UserError when there is none, or when what the pointer names was changed or is gone.
    """
    names = sorted(path.parent.name for path in registry.glob(f"*/{POINTER}"))
    if name not in names and (name or len(names) != 1):
        known = f"it has {', '.join(names)}" if names else "register a run first"
        known += (
            "; name one: deployment.registered_name=…, or serve --name" if len(names) > 1 else ""
        )
        raise UserError(
            f"{registry}: no champion '{name}'; {known}"
            if name
            else f"{registry}: which champion? {known}"
        )
    pointer = registry / (name or names[0]) / POINTER
    try:
        sha256 = str(json.loads(pointer.read_text(encoding="utf-8"))["sha256"])
    except (ValueError, KeyError, TypeError, OSError):
        sha256 = ""
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise UserError(f"{pointer}: not a pointer to a champion; register a run again")
    package = ModelPackage.open(registry / sha256)
    if package.sha256 != sha256:
        raise UserError(f"{package.directory}: its manifest was changed; register the run again")
    return package.directory


def point(package: ModelPackage, registry: Path, name: str, version: str) -> None:
    """Makes a package kept in the registry the champion, in one step: a crash leaves the old
    champion or the new.
    """
    fact = {"sha256": package.sha256, "model": package.manifest["model"], "mlflow_version": version}
    content = json.dumps(
        {**fact, "since": datetime.now(UTC).isoformat(timespec="seconds")}, indent=1
    )
    write_atomically(registry / name / POINTER, content.encode())
    _sync(registry / name)


def _keep(package: ModelPackage, registry: Path) -> ModelPackage:
    """The package as the registry's own directory `<sha256>`, renamed into place when all of it is
    on disk.
    """
    target = registry / package.sha256
    if not target.exists():
        staging = registry / f"{STAGING}{package.sha256}"
        shutil.rmtree(staging, ignore_errors=True)
        for file in (*FILES, MANIFEST):
            write_atomically(staging / file, (package.directory / file).read_bytes())
        for directory in (*(path for path in staging.rglob("*") if path.is_dir()), staging):
            _sync(directory)
        staging.rename(target)
        _sync(registry)
    kept = ModelPackage.open(target)
    if kept.sha256 != package.sha256:
        raise UserError(f"{target}: its manifest was changed; move it away and register again")
    return kept


def _promoted(
    client: MlflowClient, name: str, package: ModelPackage, version: str, alias: str, registry: Path
) -> dict[str, str]:
    if (
        alias == "champion"
        and package.manifest.get("gate") == "fail"
        and not package.manifest.get("accepted")
    ):
        remedy = "unless somebody answers for it: register accept='name: reason'"
        return {"alias": "", "refused": f"its gate failed, so it cannot become champion, {remedy}"}
    if alias:
        client.set_registered_model_alias(name, alias, version)
    if alias == "champion":
        point(package, registry, name, version)
    return {"alias": alias, "refused": ""}


def _version(
    client: MlflowClient, run: Run, name: str, model: str, package: ModelPackage
) -> dict[str, Any]:
    """The MLflow version of a package, made once: plain artifacts, no MLmodel and no pickle, every
    byte as sealed.
    """
    row = {"model": model, "sha256": package.sha256, "path": str(package.directory)}
    known = client.search_model_versions(f"name = '{name}' and tag.sha256 = '{package.sha256}'")
    if known:
        return {**row, "version": str(known[0].version)}
    where = f"packages/{package.sha256}"
    client.log_artifacts(run.info.run_id, str(package.directory), where)
    tags = {"sha256": package.sha256, "model": model, "gate": str(package.manifest.get("gate", ""))}
    version = client.create_model_version(
        name, f"{run.info.artifact_uri}/{where}", run.info.run_id, tags=tags
    )
    return {**row, "version": str(version.version)}


def _run(client: MlflowClient, uri: str, name: str, run_id: str | None) -> Run:
    """The run that trained the packages, or a new one; the registered model is made on first
    use.
    """
    from mlflow.exceptions import MlflowException

    with contextlib.suppress(MlflowException):  # it is there already
        client.create_registered_model(name)
    if run_id is not None:
        return client.get_run(run_id)
    run = client.create_run(tracking.experiment(client, uri, name), run_name="register")
    client.set_terminated(run.info.run_id)
    return run


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise UserError("deployment.registered_name: use letters, digits, '.', '_' and '-'")


@contextlib.contextmanager
def _locked(registry: Path) -> Iterator[None]:
    """One registration at a time; what an interrupted one left in staging goes."""
    registry.mkdir(parents=True, exist_ok=True)
    with (registry / ".lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for leftover in registry.glob(f"{STAGING}*"):
            shutil.rmtree(leftover)
        yield


def _sync(directory: Path) -> None:
    """Makes the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
