"""Where does a run keep what it did? A directory that appears whole or not at all, and names what
it came from.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from risk_model.core.errors import UserError

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
    """Yields (where to write, where it will stand): the second exists only when the block ended
    without an error.
    """
    home = Path(runs).resolve()
    home.mkdir(parents=True, exist_ok=True)
    _sweep(home)
    name = f"{cohort}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    partial = home / f"{PARTIAL}{os.getpid()}-{name}"
    partial.mkdir()
    try:
        yield partial, home / name
        partial.rename(home / name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _sweep(home: Path) -> None:
    """Removes what a killed run left behind; a run whose process still lives is left alone."""
    for leftover in home.glob(f"{PARTIAL}*"):
        pid = leftover.name.removeprefix(PARTIAL).split("-")[0]
        if not (pid.isdigit() and _alive(int(pid))):
            shutil.rmtree(leftover, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def find_run(runs: str, run: str = "") -> Path:
    """The run that `run` names, or the latest below `runs`; UserError when there is none."""
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


def provenance() -> dict[str, Any]:
    """What a result depends on besides data and settings: versions and the git commit."""
    git = shutil.which("git")
    command = [git or "git", "describe", "--always", "--dirty", "--abbrev=12"]
    commit = (
        subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        if git
        else ""
    )
    return {
        "git": commit or "not under git",
        "versions": {name: _version(name) for name in LIBRARIES},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
