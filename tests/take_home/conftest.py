"""The take-home with its solutions and without, and one candidate's tables: made once a process."""

from __future__ import annotations

from pathlib import Path

import pytest

from take_home import honest, make, plants
from take_home.tables import Tables


@pytest.fixture(scope="session")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree that submitted files are put over; tests write nothing there."""
    return make.reference_tree(tmp_path_factory.mktemp("solved"))


@pytest.fixture(scope="session")
def handed_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a candidate gets, without a cohort; tests write nothing there."""
    return make.hand_out(tmp_path_factory.mktemp("handed-out"))


@pytest.fixture(scope="session")
def made() -> plants.Made:
    """The tables and the key of one seed."""
    return plants.make(0)


@pytest.fixture(scope="session")
def tables(made: plants.Made) -> Tables:
    """What that candidate gets."""
    return made.tables


@pytest.fixture(scope="session")
def answer(tables: Tables) -> honest.Answer:
    """The honest answer to that candidate's tables."""
    return honest.answer(tables)
