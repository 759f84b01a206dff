"""A run to report on: small, with its documents, and the content that they were written from."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from risk_model.core.findings import Finding
from risk_model.reporting.content import ReportContent

from tests.made_run import Run, small_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small run with its report and its documents."""
    return small_run(tmp_path_factory.mktemp("run"))


@pytest.fixture
def complete(run: Run) -> ReportContent:
    """The content of that run's report, under git and with a finding; its settings are a copy."""
    content = run.content
    assert content.provenance is not None
    settings = deepcopy(content.provenance.settings)
    return replace(
        content,
        provenance=replace(content.provenance, git="ab12", settings=settings),
        findings=[
            *(content.findings or []),
            Finding("note", "imbalance", "outcome", "rare"),
        ],
    )
