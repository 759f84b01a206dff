"""A run to report on: small, with its documents, and the facts that they were written from."""

from __future__ import annotations

import json
from typing import Any

import pytest

from risk_model.core.findings import Finding

from tests.made_run import Run, small_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small run with its report and its documents."""
    return small_run(tmp_path_factory.mktemp("run"))


@pytest.fixture
def complete(run: Run) -> dict[str, Any]:
    """The facts of that run, free to be changed; under git, and with a finding."""
    facts: dict[str, Any] = json.loads(json.dumps(run.facts))
    facts["provenance"]["git"] = "ab12"
    facts["findings"].append(Finding("note", "imbalance", "outcome", "rare").to_dict())
    return facts
