"""The take-home with its solutions and without, baked once for the tests of one process."""

from __future__ import annotations

from pathlib import Path

import pytest

from take_home import make


@pytest.fixture(scope="session")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree that submitted files are put over; tests write nothing there."""
    return make.reference_tree(tmp_path_factory.mktemp("solved"))


@pytest.fixture(scope="session")
def handed_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a candidate gets, without a cohort; tests write nothing there."""
    return make.hand_out(tmp_path_factory.mktemp("handed-out"))
