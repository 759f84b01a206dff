"""Where the log of a server under attack lies, and its checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "audit.db"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "checkpoints"
