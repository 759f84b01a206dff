"""Recordings that these tests read are kept outside the tree."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from risk_model.data.sources import recording_cache


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording_cache, "FOLDER", str(tmp_path_factory.mktemp("cache")))
        yield
