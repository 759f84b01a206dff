"""What all tests share: one thread, no telemetry, no downloads, and predictions to evaluate."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    import pandas as pd

    from risk_model.evaluation.results import RunEvaluation

SOURCES = str(Path(__file__).parents[1] / "src")

# Before any test module is imported: numeric libraries read these once, and commands that tests
# start inherit them.
os.environ.update(OMP_NUM_THREADS="1", MLFLOW_DISABLE_TELEMETRY="true", MPLBACKEND="Agg")
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [SOURCES, os.environ.get("PYTHONPATH", "")])
)

settings.register_profile("project", deadline=None, derandomize=True, database=None)
settings.load_profile("project")


@pytest.fixture(scope="session")
def downloaded() -> Callable[[str], Path]:
    """Finds a public file in $CLINICAL_DATA_CACHE; skips the test if it is absent, fails in CI."""

    def find(name: str) -> Path:
        path = Path(os.environ.get("CLINICAL_DATA_CACHE", "")) / name
        if not os.environ.get("CLINICAL_DATA_CACHE") or not path.exists():
            stop = pytest.fail if os.environ.get("CI") else pytest.skip
            stop(f"set CLINICAL_DATA_CACHE to a folder with the download {name}")
        return path

    return find


@pytest.fixture(scope="session")
def predictions() -> pd.DataFrame:
    """Predictions of three models for a test split and two external cohorts."""
    from tests.made_predictions import make_predictions

    return make_predictions()


@pytest.fixture(scope="session")
def part() -> Callable[..., pd.DataFrame]:
    """Makes rows of one split; see `make_part`."""
    from tests.made_predictions import make_part

    return make_part


@pytest.fixture(scope="session")
def evaluation(predictions: pd.DataFrame) -> RunEvaluation:
    """The evaluation of `predictions`."""
    from tests.made_predictions import make_evaluation

    return make_evaluation(predictions)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the numbers that tests have measured, whichever process they ran in."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, text in report.user_properties if report.when == "call" else ():
                if name == "figures":
                    terminalreporter.write_line(f"\n{text}")
