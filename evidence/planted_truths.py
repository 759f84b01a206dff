"""Planted truths that the checks of the data find, and clean cohorts that they leave alone.

Each seed makes the synthetic cohort six times: clean, and with each of five truths planted.
"""

from __future__ import annotations

from collections.abc import Sequence

from risk_model import config
from risk_model.core.findings import Finding
from risk_model.data import load
from risk_model.data.leakage import check
from risk_model.data.quality import assess
from risk_model.data.split import split

SEEDS, SAMPLE = 20, 1
NEAR = 0.0  # counted, so exact on every machine
# What is planted: the kind of the finding that must name it, and what that finding must name.
PLANTS = {
    "leaking_column": ("leaking column", "clinic_contacts"),
    "duplicated_patient": ("duplicated patient", "identical records"),
    "site_shift": ("site shift", "Hospital C"),
    "drift": ("drift", "medications"),
    "underdiagnosis": ("under-diagnosis", "ethnicity: Black"),
}
BOUNDS = {**dict.fromkeys(PLANTS, (0.9, 1.0)), "clean cohort accused": (0.0, 0.05)}


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """By seed, 1 or 0: each planted truth found, and the clean cohort accused of anything."""
    columns: dict[str, list[float]] = {name: [] for name in BOUNDS}
    for seed in seeds:
        for plant, (kind, where) in PLANTS.items():
            matches = [f for f in findings(seed, plant) if f.kind == kind]
            columns[plant].append(float(any(where in f.where.split(", ") for f in matches)))
        columns["clean cohort accused"].append(float(bool(findings(seed))))
    return columns


def findings(seed: int, *plants: str) -> list[Finding]:
    """Warnings and errors of the leakage check and the quality report on one made-up cohort."""
    settings = config.Synthetic(seed=seed, plant=list(plants))
    cohort = load(settings)
    splits = split(cohort, config.Split(), settings, seed)
    noticed = check(cohort, splits) + assess(cohort, splits).findings
    return [finding for finding in noticed if finding.severity != "note"]
