"""PhysioNet 2012 as the readers would write it, and a page for death in hospital."""

# ruff: noqa: S608 queries over files that tests wrote

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from risk_model.signals.event_spec import TAKES, Spec
from risk_model.signals.event_spec_reading import spec_from_json

NUMBERS = """HR NISysABP NIDiasABP NIMAP SysABP DiasABP MAP Temp RespRate GCS Urine Weight FiO2 PaO2
PaCO2 pH SaO2 Lactate Glucose Na K HCO3 BUN Creatinine Mg Platelets HCT WBC Albumin ALP ALT AST
Bilirubin Cholesterol TroponinI TroponinT""".split()
DAY = 86_400_000_000 - 1


def view(source: Path, path: Path, day: int = DAY) -> Path:
    """The events of a set, whose dates without an hour count so many microseconds after midnight.

    Death and discharge are known by date alone.
    """
    dated = "code in ('MEDS_DEATH', 'DISCHARGE')"
    time = f"case when {dated} then time + to_microseconds({day}) else time end"
    duckdb.sql(
        f"copy (select subject_id::varchar as subject_id, {time} as time, code, numeric_value, "
        f"text_value, '' as unit, {time} as known, {dated} as day_only, row from '{source}' "
        f"where code <> '') to '{path}' (format parquet)"
    )
    return path


def physionet_spec() -> Spec:
    """Death in hospital from the first 48 hours."""
    static: dict[str, Any] = {n: {"code": n, "take": ["last"]} for n in ("Age", "Gender", "Height")}
    count = {"MechVent": {"code": "MechVent", "take": ["count", "hours_since"]}}
    return spec_from_json(
        {
            "index": {"event": "ADMISSION", "plus": "48h", "which": "first"},
            "eligible": {"five events": {"some_of": "*", "within": "48h", "at_least": 5}},
            "outcome": {"event": "MEDS_DEATH", "until": "DISCHARGE", "not_followed": "exclude"},
            "end_of_data": "none",
            "features": {
                "windows": ["since start"],
                "take": list(TAKES),
                "measured": {**{n: {"code": n} for n in NUMBERS}, **count, **static},
            },
            "sequence": {"every": "1h", "length": "48h", "take": "mean"},
        }
    )
