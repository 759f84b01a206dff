"""One candidate's tables, made once for all tests that only read them."""

from __future__ import annotations

import pytest

from take_home import honest, plants
from take_home.tables import Tables


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
