"""Patients whose right answers are known: computed from the package, without the service."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from risk_model.core.package import ModelPackage
from risk_model.core.schema import encode


@dataclass(frozen=True)
class Case:
    """A patient, and what every answer about it must say."""

    inputs: dict[str, Any]
    risk: float
    flagged: bool
    missing: list[str]


def cases(package: ModelPackage, count: int, seed: int) -> list[Case]:
    """Patients of the made package's schema, each with another risk than the others."""
    rng, found = random.Random(seed), dict[float, Case]()
    while len(found) < count:
        case = _case(package, _inputs(rng))
        found[case.risk] = case
    return list(found.values())


def _case(package: ModelPackage, inputs: dict[str, Any]) -> Case:
    names = [field.name for field in package.schema.inputs]
    row = encode({name: [inputs.get(name)] for name in names}, package.schema)
    risk = float(package.scorer(row)[0][0])
    missing = [name for name in names if inputs.get(name) is None]
    return Case(inputs, package.shown(risk), risk >= package.threshold, missing)


def _inputs(rng: random.Random) -> dict[str, Any]:
    inputs: dict[str, Any] = {
        "age": round(rng.uniform(22, 93), 1),
        "heart_rate": round(rng.uniform(48, 155), 1),
        "sex": rng.choice(["female", "male"]),
        "ward/unit": rng.choice(["ICU", 'surgery "B"']),
        "diabetes": rng.choice([True, False]),
    }
    return inputs if rng.random() < 0.3 else {**inputs, "lactate": round(rng.uniform(0.6, 8.8), 1)}
