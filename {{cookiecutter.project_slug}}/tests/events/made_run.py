"""A small run on made-up stays: settings, the run, and requests of its patients."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from risk_model import config
from risk_model.config.events import SyntheticEvents
from risk_model.core.cohort import Cohort

SUBJECTS = 700


def small_settings(**data: Any) -> config.Config:
    """Settings with which a run takes seconds."""
    source = SyntheticEvents(**{"subjects": SUBJECTS, "held_out_period": 0.0, **data})
    settings = config.Config(data=source)
    settings.split.folds, settings.split.test_events = 2, 10
    settings.model.logistic_regression.c, settings.model.xgboost.trees = 0.1, 20
    network = settings.model.network
    network.members, network.width, network.blocks = 2, 16, 1
    settings.training.epochs = 2
    settings.evaluation.resamples = 50
    # by its whole path, as a process keeps what it has opened
    settings.deployment.tracking_uri = f"sqlite:///{Path('mlflow.db').resolve()}"
    return settings


def instant(micros: int) -> str:
    """A time as a request has it."""
    return datetime.fromtimestamp(micros / 1e6, UTC).isoformat(timespec="microseconds")


def moments(cohort: Cohort) -> dict[str, str]:
    """The moment of each subject of the cohort."""
    times = cohort.index["prediction_time"].astype("datetime64[us]").astype(np.int64)
    return dict(zip(cohort.index["subject_id"], map(instant, times), strict=True))


def requested_events(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The events of each subject of a MEDS file, as requests list them, in the file's order."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in pq.read_table(path).sort_by("row").to_pylist():
        event = {"code": row["code"], "value": row["numeric_value"], "unit": row["unit"]}
        for name in ("time", "known"):
            moment = row[name]
            event[name] = None if moment is None else moment.replace(tzinfo=UTC).isoformat()
        found[row["subject_id"]].append(event)
    return dict(found)


def bundles(folder: Path) -> dict[str, dict[str, Any]]:
    """A Bundle for each patient of a folder of NDJSON files."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in sorted(folder.glob("*.ndjson")):
        for line in file.read_text(encoding="utf-8").splitlines():
            resource = json.loads(line)
            reference = resource.get("subject", {}).get("reference", f"Patient/{resource['id']}")
            found[reference.removeprefix("Patient/")].append({"resource": resource})
    return {
        subject: {"resourceType": "Bundle", "type": "collection", "entry": entries}
        for subject, entries in found.items()
    }


def body(at: str, **sent: Any) -> bytes:
    """The body of a request."""
    return json.dumps({"inputs": {"events": {"at": at, **sent}}}).encode()
