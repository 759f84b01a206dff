"""The real patients on whom each mistake is made again, and what a row of no damage looks like."""

from __future__ import annotations

import pytest

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.data import load


@pytest.fixture(scope="session")
def critically_ill() -> Cohort:
    """SUPPORT2: 9,105 patients, a quarter of whom died in hospital."""
    return load(config.Support2())
