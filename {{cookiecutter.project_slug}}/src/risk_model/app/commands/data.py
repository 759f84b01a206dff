"""data: what a cohort holds, how it is split, and what a reviewer would ask about it."""

from __future__ import annotations

from pathlib import Path

from risk_model.app.console import print_data
from risk_model.config import Config
from risk_model.core.files import write_atomically
from risk_model.data.prepare import prepare


def data(settings: Config) -> None:
    """Reads, splits and checks a cohort; prints it, and writes its schema to review."""
    prepared = prepare(settings)
    schema = prepared.cohort.schema
    path = Path(settings.runs) / f"{schema.name}-schema.json"
    write_atomically(path, schema.to_json().encode())
    print_data(prepared, path)
