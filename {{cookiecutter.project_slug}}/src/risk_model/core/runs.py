"""A run's directory, which appears whole or not at all, and what its results depend on."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from risk_model.core.errors import UserError
from risk_model.core.json_record import JsonRecord
from risk_model.core.setting_syntax import setting

PARTIAL = ".partial-"
LIBRARIES = (
    "torch",
    "numpy",
    "pandas",
    "scikit-learn",
    "xgboost-cpu",
    "onnx",
    "onnxruntime",
    "mlflow",
    "shap",
)


@contextmanager
def new_run(runs: str, cohort: str) -> Iterator[tuple[Path, Path]]:
    """Makes a run's directory, which exists under its name once the block ended without an error.

    Args:
        runs: the directory of all runs.
        cohort: the cohort's name, with which the run's name begins.

    Yields:
        The directory to write into, and the path that it will have.
    """
    home = Path(runs).resolve()
    home.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(home)
    name = f"{cohort}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    partial = home / f"{PARTIAL}{os.getpid()}-{name}"
    partial.mkdir()
    try:
        yield partial, home / name
        partial.rename(home / name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _remove_leftovers(home: Path) -> None:
    """Removes what a killed run left behind, but not what a living process still writes."""
    for leftover in home.glob(f"{PARTIAL}*"):
        pid = leftover.name.removeprefix(PARTIAL).split("-")[0]
        if not (pid.isdigit() and _is_alive(int(pid))):
            shutil.rmtree(leftover, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def find_run(runs: str, run: str = "") -> Path:
    """The directory of the run that `run` names, or of the latest below `runs`.

    Raises:
        UserError: there is no trained run.
    """
    if run:
        directory = Path(run).resolve()
    else:
        finished = [d for d in Path(runs).resolve().glob("*/") if (d / "training.json").is_file()]
        finished = [d for d in finished if not d.name.startswith(".")]
        directory = max(finished, key=lambda d: d.stat().st_mtime, default=Path(runs))
    if not (directory / "training.json").is_file():
        raise UserError(
            f"run: {directory} holds no trained run; train one first, or write run=DIRECTORY"
        )
    return directory


def not_evaluated(where: str, directory: Path) -> UserError:
    """What to say of a run that is trained and not evaluated."""
    evaluate = f"evaluate {setting('run', str(directory))}"
    return UserError(f"{where}: {directory} is not evaluated; write {evaluate}")


@dataclass(frozen=True)
class CodeVersions(JsonRecord):
    """What a result depends on besides data and settings: the git commit and the libraries."""

    git: str
    versions: dict[str, str]


def code_versions() -> CodeVersions:
    """The commit of the current directory, and the versions of what is installed."""
    versions = {name: _version(name) for name in LIBRARIES}
    return CodeVersions(_git_commit() or "not under git", versions)


def _git_commit() -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    command = [git, "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
