"""Made-up stays as events whose truth is known, written as MEDS Parquet and as FHIR NDJSON.

The outcome is death in hospital, 24 hours or more after admission. Its risk is a logistic function
of the heart rate, the lactate and the age that the first day shows. Planted are what hospitals'
tables hide: laboratory results that are known hours after the draw, deaths in the gap of 6 hours
after the first day, patients nobody saw again, a tenth of glucose in mg/dL, and results at the very
same time of which the later row counts. `truth.json` counts each of them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from risk_model.config.events import Events, SyntheticEvents
from risk_model.core.errors import UserError
from risk_model.data.sources import events
from risk_model.signals.events import COLUMNS, Event
from risk_model.signals.events_fhir import events_of

HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR
START = int(datetime(2021, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
GAP = 6 * HOUR
MIXED = 0.1  # of the glucose results are in mg/dL
MG_PER_MMOL = 18.0
IN_GAP, LOST = 0.03, 0.04  # of the patients die in the gap, or are not seen again
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
HEART_RATE, LACTATE, GLUCOSE = "8867-4", "2524-7", "2345-7"

Json = dict[str, Any]


@dataclass
class Truth:
    """What was planted, in events or patients."""

    subjects: int = 0
    died: int = 0
    died_in_gap: int = 0
    lost: int = 0
    late_results: int = 0
    glucose: int = 0
    glucose_in_mg: int = 0
    ties: int = 0


def load(settings: SyntheticEvents) -> events.EventCohort:
    """The stays of `settings.subjects` patients, from files written on the first call.

    UserError for fewer than 100 patients, or files that are neither meds nor fhir.
    """
    if settings.subjects < 100:
        raise UserError(
            f"data.subjects={settings.subjects}: too few to make a cohort of; use at least 100"
        )
    if settings.files not in ("meds", "fhir"):
        raise UserError(f"data.files={settings.files}: use meds or fhir")
    folder = Path("generated") / f"synthetic_events-{settings.subjects}-{settings.seed}"
    if not folder.exists():
        write(folder, settings.subjects, settings.seed)
    page = settings.spec or str(Path(__file__).with_suffix(".yaml"))
    source = Events(
        path=str(folder / settings.files),
        spec=page,
        schema=settings.schema,
        recorded_after=settings.recorded_after,
        compare_with=settings.compare_with,
    )
    read = events.page_for(source)
    assert read is not None  # noqa: S101 there is a page
    return events.cohort_from(source, read, "synthetic_events", "made-up hospital stays")


def write(folder: Path, subjects: int, seed: int) -> Truth:
    """Writes `meds/data/0.parquet`, `fhir/*.ndjson` and `truth.json`; all of it or nothing.

    Both hold the same events: the Parquet file has those that the FHIR resources are.
    """
    rng = np.random.default_rng(seed)
    truth = Truth(subjects=subjects)
    resources = [r for i in range(subjects) for r in _stay(f"P{i:05d}", rng, truth)]
    partial = folder.with_name(f".{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "meds/data").mkdir(parents=True)
    (partial / "fhir").mkdir()
    _write_fhir(partial / "fhir", resources)
    _write_meds(partial / "meds/data/0.parquet", _in_file_order(resources))
    (partial / "truth.json").write_text(json.dumps(asdict(truth), indent=1) + "\n")
    partial.rename(folder)
    return truth


def _stay(subject: str, rng: np.random.Generator, truth: Truth) -> list[Json]:
    """The resources of one patient's stay."""
    age, ill = int(rng.integers(20, 90)), rng.normal()
    start = START + int(rng.integers(365 * 24 * 60)) * 60_000_000
    rate, lactate = 85 + 15 * (ill + rng.normal() / 2), np.exp(0.6 + 0.6 * (ill + rng.normal() / 2))
    score = -2.7 + 0.03 * (rate - 85) + 0.25 * (lactate - 2) + 0.03 * (age - 55)
    dies, fate = rng.random() < 1 / (1 + np.exp(-score)), rng.random()
    in_gap, lost = fate < IN_GAP, IN_GAP <= fate < IN_GAP + LOST
    length = DAY + GAP + int(rng.integers(1, 8 * 24 * 60)) * 60_000_000
    end = start + (DAY + int(rng.integers(1, 6 * 60)) * 60_000_000 if in_gap else length)
    truth.died_in_gap += in_gap
    truth.lost += lost
    truth.died += bool(dies and not in_gap and not lost)
    seen = start + DAY if lost else end
    results = _results(subject, start, seen, float(rate), float(lactate), rng, truth)
    patient: Json = {
        "resourceType": "Patient",
        "id": subject,
        "birthDate": f"{2021 - age}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}",
        "gender": str(rng.choice(["female", "male"])),
    }
    if in_gap or (dies and not lost):
        patient["deceasedDateTime"] = _instant(end)
    period = (
        {"start": _instant(start)} if lost else {"start": _instant(start), "end": _instant(end)}
    )
    stay: Json = {
        "resourceType": "Encounter",
        "id": f"{subject}-stay",
        "status": "in-progress" if lost else "finished",
        "class": {"code": "IMP"},
        "subject": {"reference": f"Patient/{subject}"},
        "period": period,
    }
    return [patient, stay, *results]


def _results(
    subject: str,
    start: int,
    end: int,
    rate: float,
    lactate: float,
    rng: np.random.Generator,
    truth: Truth,
) -> list[Json]:
    """The results of a stay: heart rate about every two hours, blood every eight, known later."""
    found: list[Json] = []

    def add(code: str, time: int, known: int, value: float, unit: str) -> None:
        name = f"{subject}-{len(found)}"
        found.append(_observation(subject, name, code, time, known, value, unit))

    for time in _times(start, end, 2 * HOUR, rng):
        add(HEART_RATE, time, time, _round(rate + 6 * rng.normal()), "/min")
        if rng.random() < 0.02:  # the monitor's value, then the nurse's
            truth.ties += 1
            add(HEART_RATE, time, time, _round(rate + 30), "/min")
    for time in _times(start, end, 8 * HOUR, rng):
        known = time + int(rng.integers(1, 6 * 60)) * 60_000_000
        truth.late_results += 2
        add(LACTATE, time, known, _round(max(lactate + 0.3 * rng.normal(), 0.25)), "mmol/L")
        glucose = _round(float(np.clip(rng.normal(7, 2), 2, 30)))
        truth.glucose += 1
        in_mg = rng.random() < MIXED
        truth.glucose_in_mg += in_mg
        value, unit = (glucose * MG_PER_MMOL, "mg/dL") if in_mg else (glucose, "mmol/L")
        add(GLUCOSE, time, known, value, unit)
    return found


def _times(start: int, end: int, about: int, rng: np.random.Generator) -> list[int]:
    """Times from start to end, in whole minutes, half to one and a half of `about` apart."""
    minute = 60_000_000
    steps = rng.integers(about // 2 // minute, 3 * about // 2 // minute, 2 * (end - start) // about)
    times = start + np.cumsum(steps) * minute
    return [int(time) for time in times[times < end]]


def _round(value: float) -> float:
    """An eighth is the same number in single and in double precision, so files agree on it."""
    return round(value * 8) / 8


def _observation(
    subject: str, name: str, code: str, time: int, known: int, value: float, unit: str
) -> Json:
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": f"Patient/{subject}"},
        "effectiveDateTime": _instant(time),
        "issued": _instant(known),
        "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
    }


def _instant(time: int) -> str:
    return datetime.fromtimestamp(time // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _in_file_order(resources: list[Json]) -> list[Json]:
    """The resources as a reader of the folder meets them: file by file, by name."""
    return sorted(resources, key=lambda resource: str(resource["resourceType"]))


def _write_fhir(folder: Path, resources: list[Json]) -> None:
    lines: dict[str, list[str]] = {}
    for resource in resources:
        lines.setdefault(resource["resourceType"], []).append(json.dumps(resource))
    for kind, written in lines.items():
        (folder / f"{kind}.ndjson").write_text("\n".join(written) + "\n", encoding="utf-8")


def _write_meds(path: Path, resources: list[Json]) -> None:
    events: list[Event] = []
    for resource in resources:
        events += events_of(resource, len(events)).events
    moment = pa.timestamp("us")
    types: dict[str, Callable[[], pa.DataType]] = {
        "subject_id": pa.string,
        "time": lambda: moment,
        "code": pa.string,
        "numeric_value": pa.float32,
        "text_value": pa.large_string,
        "unit": pa.string,
        "known": lambda: moment,
        "day_only": pa.bool_,
        "row": pa.int64,
    }
    schema = pa.schema([(name, types[name]()) for name in COLUMNS])
    columns = zip(*events, strict=True)
    arrays = [pa.array(c, field.type) for c, field in zip(columns, schema, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)
