"""Recordings that these tests read are kept for the test alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from risk_model.data.sources import recording_cache


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_cache, "FOLDER", str(tmp_path / "cache"))
