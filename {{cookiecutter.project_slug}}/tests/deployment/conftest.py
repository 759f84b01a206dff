"""A small sealed package made by hand, a patient, and a real server process."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from risk_model.core.package import ModelPackage
from risk_model.deployment import admission, explanations
from risk_model.deployment.audit import log

from tests import made_service
from tests.made_service import Server


@pytest.fixture(autouse=True)
def no_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer of a test depends on how fast the machine is."""
    monkeypatch.setattr(explanations, "FIELD_SECONDS", made_service.GUARD)
    monkeypatch.setattr(log, "DISK_SECONDS", made_service.GUARD)
    monkeypatch.setattr(admission, "SECONDS", made_service.GUARD)


@pytest.fixture
def package(tmp_path: Path) -> ModelPackage:
    return made_service.make_package(tmp_path / "package")


@pytest.fixture
def patient() -> dict[str, Any]:
    return dict(made_service.PATIENT)


@pytest.fixture
def make_package() -> Callable[..., ModelPackage]:
    return made_service.make_package


@pytest.fixture
def running() -> Callable[..., AbstractContextManager[Server]]:
    return made_service.running


@pytest.fixture
def start() -> Callable[..., subprocess.Popen[str]]:
    return made_service.start
