"""The requests of task 7, and the risk that an answer to each must show."""

from __future__ import annotations

import json

import numpy as np

from take_home.checks.common import Request
from take_home.served import INTERCEPT, RISK_STEP, SCHEMA, THRESHOLD, WEIGHTS


def request(
    rng: np.random.Generator,
    risk: float | str | None = None,
    disk: str = "",
    id: str = "",
    explain: bool = False,
    query: str = "",
    subject: str = "",
    **unusual: float,
) -> Request:
    """One call of the service for a patient of whom the heart rate is not known."""
    patient = {
        "age": int(rng.integers(30, 90)),
        "lactate": round(float(rng.uniform(0.5, 12)), 7),
        "diabetes": bool(rng.random() < 0.5),
        **unusual,
    }
    units = {field.name: field.unit for field in SCHEMA.inputs if field.unit}
    optional = {"request_id": id, "explain": explain, "subject": subject}
    body = {
        "inputs": patient,
        "units": {name: unit for name, unit in units.items() if name in patient},
        **{name: value for name, value in optional.items() if value},
    }
    return {"body": json.dumps(body), "query": query, "risk": risk, "disk": disk}


def patient_row(asked: Request) -> np.ndarray:
    """The encoded patient of a body: float32[1, fields], NaN where not given."""
    patient = json.loads(asked["body"])["inputs"]
    values = [patient.get(field.name) for field in SCHEMA.inputs]
    return np.array([[np.nan if v is None else float(v) for v in values]], dtype=np.float32)


def expected_risk(asked: Request) -> float:
    """The risk that the request sets, or the served model's own."""
    if asked["risk"] is not None:
        return float(asked["risk"])
    weights = np.array([WEIGHTS[field.name] for field in SCHEMA.inputs])
    logit = np.nan_to_num(patient_row(asked)[0].astype(np.float64)) @ weights + INTERCEPT
    return float(1 / (1 + np.exp(-logit)))


def shown(risk: float) -> list[float]:
    """The multiple of RISK_STEP nearest to a risk on its own side of the threshold; where two are
    as near, but for the rounding of float32, both.
    """
    steps = round(1 / RISK_STEP)
    multiples = np.arange(1, steps) / steps
    multiples = multiples[(multiples >= THRESHOLD) == (risk >= THRESHOLD)]
    away = np.abs(multiples - risk)
    nearest: list[float] = multiples[away <= away.min() + 2e-6].tolist()
    return nearest
