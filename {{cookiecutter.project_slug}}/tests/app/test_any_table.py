"""Does a table that nobody prepared go all the way, with nothing said but its path and its
outcome?
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

Columns = dict[str, npt.NDArray[Any]]


def outcome(rng: np.random.Generator, log_odds: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Draws 0 or 1 for each row."""
    odds = np.exp(log_odds)
    return np.asarray(rng.random(len(odds)) < odds / (1 + odds), dtype=np.int64)


def no_index(rng: np.random.Generator) -> Columns:
    """Two measurements and a group; no subject, site, time or demographics."""
    x, y = rng.normal(size=(2, 3000)).round(2)
    return {
        "lactate": x,
        "urea": y,
        "ward": rng.choice(["A", "B"], 3000),
        "died": outcome(rng, x - 1),
    }


def hundred_columns(rng: np.random.Generator) -> Columns:
    """A hundred measurements, a tenth of them missing."""
    values = rng.normal(size=(100, 4000)).round(3)
    died = outcome(rng, values[0] + values[1] - 1.5)
    values[rng.random(values.shape) < 0.1] = np.nan
    return {**{f"test {i}": row for i, row in enumerate(values)}, "died": died}


def categories_only(rng: np.random.Generator) -> Columns:
    """Five yes-or-no columns: most patients look like another."""
    flags = rng.integers(2, size=(5, 2000))
    words = np.array(["no", "yes"])
    return {
        **{f"sign {i}": words[row] for i, row in enumerate(flags)},
        "died": words[outcome(rng, flags[0] * 2 - 2)],
    }


def repeated_patients(rng: np.random.Generator) -> Columns:
    """Several visits a patient, whose number nobody declared."""
    x = rng.normal(size=3000).round(2)
    return {"patient_id": rng.integers(0, 900, 3000), "sodium": x, "died": outcome(rng, x - 1)}


def many_rows(rng: np.random.Generator) -> Columns:
    """A hundred thousand visits of 70,000 patients."""
    n = 100_000
    x, y, z = rng.normal(size=(3, n)).round(2)
    who = {"patient_id": rng.integers(0, 70_000, n), "sex": rng.choice(["F", "M"], n)}
    return {
        **who,
        "sodium": x,
        "potassium": y,
        "urea": z,
        "died": outcome(rng, 0.8 * x + 0.3 * y * z - 3),
    }


TABLES = [no_index, hundred_columns, categories_only, repeated_patients, many_rows]


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__.replace("_", " "))
def test_a_table_nobody_prepared_becomes_a_registered_model(
    table: Callable[[np.random.Generator], Columns], tmp_path: Path
) -> None:
    pd.DataFrame(table(np.random.default_rng(0))).to_csv(tmp_path / "my table.csv", index=False)
    words = ["run", "data=csv", f"data.path={tmp_path / 'my table.csv'}", "data.outcome=died"]
    if table is many_rows:
        words.append("split.folds=1")  # cross-fitting takes six times as long
    line = [sys.executable, "-m", "risk_model", *words]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs").glob("*/")
    part = next(iter(json.loads((run / "evaluation.json").read_text())["parts"].values()))
    assert part["models"]["logistic_regression"]["metrics"]["auroc"]["estimate"] > 0.6
    assert list((tmp_path / "models").glob("my-table/champion.json"))
    if table is repeated_patients:
        assert part["subjects"] < part["n"]
