"""The texts of the assignment and of the interviewer's rubric, one TOML table each."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parent


def dictionary() -> pd.DataFrame:
    """dictionary.csv: column, meaning, unit and source, one row a column of the cohort."""
    columns = tomllib.loads((FOLDER / "columns.toml").read_text(encoding="utf-8"))["columns"]
    return pd.DataFrame([{"column": name, **facts} for name, facts in columns.items()])
