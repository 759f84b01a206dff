"""The registry: every version of a model, and which of them is the champion that is served.

How does a new champion take over without a moment in which there is none or half of one? MLflow
keeps the history: a version for each package, and the aliases champion and challenger. The server
does not read MLflow: it reads a directory named by the package's SHA-256 and each alias's pointer
to one, replaced in one step after all that it points to is on disk. Where alias and pointer
disagree, after a crash between the two, the pointer is what is served.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from risk_model.core import tracking
from risk_model.core.errors import UserError
from risk_model.core.files import write_atomically, write_json
from risk_model.core.json_record import JsonRecord
from risk_model.core.package import FILES, MANIFEST, ModelPackage, check_name
from risk_model.deployment.origin import signing

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from risk_model import config

STAGING = ".staging-"


@dataclass(frozen=True)
class RegisteredVersion:
    """A package in the registry: its MLflow version, its own directory there, and its alias.

    `refused` says why a package that should be the champion is not; "" where nothing stood in the
    way.
    """

    model: str
    sha256: str
    path: Path
    version: str
    alias: str = ""
    refused: str = ""


@dataclass(frozen=True)
class AliasPointer(JsonRecord):
    """The content of ALIAS.json: the package that has the alias, and since when."""

    sha256: str
    model: str
    mlflow_version: str
    since: str


def register(
    packages: Mapping[str, Path],
    champion: str,
    challenger: str | None,
    name: str,
    settings: config.Deployment,
    run_id: str | None,
) -> list[RegisteredVersion]:
    """Registers every package and makes one the champion.

    A champion whose gate failed, and which nobody accepted, is registered without the alias, and
    the champion before it stays. Registering the same package again makes no second version.

    Args:
        packages: the directory of each package, by its model.
        champion: the key of the package that shall be served.
        challenger: the key of the next best; None for no challenger.
        name: of the registered model.
        settings: where the registry and the MLflow database are.
        run_id: the MLflow run that trained them; None for a new one.

    Raises:
        UserError: a package does not verify, or the name is not one of a folder.
    """
    check_name(name, "deployment.registered_name")
    opened = {model: ModelPackage.open(path) for model, path in packages.items()}
    aliases = {champion: "champion"} | ({challenger: "challenger"} if challenger else {})
    root = Path(settings.registry)
    with _locked(root):
        copies = {model: _copy(package, root) for model, package in opened.items()}
        if settings.sign_key:
            for package in copies.values():
                signing().sign(package, Path(settings.sign_key))
        client = tracking.client(settings.tracking_uri)
        run = _run(client, settings.tracking_uri, name, run_id)
        versions = {model: _version(client, run, name, model, p) for model, p in copies.items()}
        return [
            _promote(client, name, version, copies[model], aliases.get(model, ""))
            for model, version in versions.items()
        ]


def champion(registry: Path, name: str) -> Path:
    """The verified directory of a champion, as `package_of_alias` finds it."""
    return package_of_alias(registry, name, "champion")


def package_of_alias(registry: Path, name: str, alias: str) -> Path:
    """The verified directory of the package that has an alias.

    Args:
        registry: the registry's directory.
        name: of the registered model; "" for the only one there is.
        alias: champion or challenger.

    Raises:
        UserError: there is none, or what the pointer names was changed or is gone.
    """
    pointer = registry / _registered_name(registry, name, alias) / f"{alias}.json"
    try:
        sha256 = AliasPointer.from_json(json.loads(pointer.read_text(encoding="utf-8"))).sha256
    except (ValueError, OSError, UserError):
        sha256 = ""
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise UserError(f"{pointer}: not a pointer to a {alias}; register a run again")
    package = ModelPackage.open(registry / sha256)
    if package.sha256 != sha256:
        raise UserError(f"{package.directory}: its manifest was changed; register the run again")
    return package.directory


def _registered_name(registry: Path, name: str, alias: str) -> str:
    names = sorted(path.parent.name for path in registry.glob(f"*/{alias}.json"))
    if name in names or (not name and len(names) == 1):
        return name or names[0]
    remedy = f"it has {', '.join(names)}" if names else "register a run first"
    if len(names) > 1:
        remedy += "; name one: deployment.registered_name=…, or serve --name"
    problem = f"no {alias} '{name}'" if name else f"which {alias}?"
    raise UserError(f"{registry}: {problem}{';' if name else ''} {remedy}")


def point(package: ModelPackage, registry: Path, name: str, alias: str, version: str) -> None:
    """Gives a package in the registry an alias, in one step.

    A crash leaves it with the package that had it or with the new one.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    pointer = AliasPointer(package.sha256, package.manifest.model, version, now)
    write_json(registry / name / f"{alias}.json", pointer.to_json())
    _sync(registry / name)


def _copy(package: ModelPackage, registry: Path) -> ModelPackage:
    """The package as the registry's own directory `<sha256>`.

    It is renamed into place when all of it is on disk.
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
    copy = ModelPackage.open(target)
    if copy.sha256 != package.sha256:
        raise UserError(f"{target}: its manifest was changed; move it away and register again")
    return copy


def _promote(
    client: MlflowClient, name: str, version: RegisteredVersion, package: ModelPackage, alias: str
) -> RegisteredVersion:
    """The version with its alias; without it, and with the reason, where its gate failed."""
    manifest = package.manifest
    if alias == "champion" and manifest.gate == "fail" and not manifest.accepted:
        remedy = "unless somebody answers for it: register accept='name: reason'"
        refused = f"its gate failed, so it cannot become champion, {remedy}"
        return replace(version, refused=refused)
    if alias:
        client.set_registered_model_alias(name, alias, version.version)
        point(package, package.directory.parent, name, alias, version.version)
    return replace(version, alias=alias)


def _version(
    client: MlflowClient, run: Run, name: str, model: str, package: ModelPackage
) -> RegisteredVersion:
    """The MLflow version of a package, made once: plain artifacts, every byte as sealed."""
    row = RegisteredVersion(model, package.sha256, package.directory, version="")
    same = client.search_model_versions(f"name = '{name}' and tag.sha256 = '{package.sha256}'")
    if same:
        return replace(row, version=str(same[0].version))
    where = f"packages/{package.sha256}"
    client.log_artifacts(run.info.run_id, str(package.directory), where)
    tags = {"sha256": package.sha256, "model": model, "gate": package.manifest.gate}
    source = f"{run.info.artifact_uri}/{where}"
    version = client.create_model_version(name, source, run.info.run_id, tags=tags)
    return replace(row, version=str(version.version))


def _run(client: MlflowClient, uri: str, name: str, run_id: str | None) -> Run:
    """The run that trained the packages, or a new one; makes the registered model on first use."""
    from mlflow.exceptions import MlflowException

    with contextlib.suppress(MlflowException):  # it is there already
        client.create_registered_model(name)
    if run_id is not None:
        return client.get_run(run_id)
    run = client.create_run(tracking.experiment(client, uri, name), run_name="register")
    client.set_terminated(run.info.run_id)
    return run


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
