"""What does one room leave for the next? Files of the run's directory, so that each step can also
run alone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.config import Config
from risk_model.core.cohort import Cohort, Rows, Splits
from risk_model.core.errors import UserError
from risk_model.core.files import read_json, write_atomically, write_json
from risk_model.core.package import (
    Acceptance,
    CalibrationLine,
    Manifest,
    ModelPackage,
    Scorer,
    person_and_reason,
    seal,
)
from risk_model.core.predictions import prediction_table
from risk_model.data.drift_reference import reference
from risk_model.data.prepare import Prepared
from risk_model.evaluation.utility import operating_threshold
from risk_model.model.explain import background
from risk_model.reporting.model_card import model_card
from risk_model.training.calibration import Calibrator, sigmoid
from risk_model.training.champion import Champion

OUT_OF_FOLD = "out of fold"
POOLED = "out_of_fold.parquet"
BACKGROUND = 100  # synthetic rows that explanations compare a patient with


def write_model(directory: Path, graph: bytes, prepared: Prepared, seed: int) -> None:
    """What training leaves of one model: its graph, its schema, summaries without a patient."""
    schema = prepared.cohort.schema.served()
    summary = reference(prepared.cohort, prepared.splits.train)
    write_atomically(directory / "risk.onnx", graph)
    write_atomically(directory / "schema.json", schema.to_json().encode())
    write_json(directory / "reference.json", summary)
    (directory / "explain").mkdir()
    rows = (
        1 if schema.signal else BACKGROUND
    )  # beside the neutral signal only the golden case is needed
    np.save(
        directory / "explain" / "background.npy", background(summary, schema, n=rows, seed=seed)
    )


def decisions(
    settings: Config, prepared: Prepared, champion: Champion, calibrators: dict[str, Calibrator]
) -> dict[str, Any]:
    """What was decided before any test row was looked at: calibrators, champion and operating
    threshold.
    """
    cohort = prepared.cohort
    prevalence = float(cohort.labels[prepared.splits.calibration].mean())
    threshold, why = operating_threshold(settings.data.decision, prevalence)
    return {
        "cohort": cohort.schema.name,
        "outcome": cohort.schema.outcome,
        "fingerprint": cohort.fingerprint(),
        "champion": {"name": champion.name, "reason": champion.reason, "table": champion.table},
        "calibrators": {name: calibrator.to_dict() for name, calibrator in calibrators.items()},
        "threshold": threshold,
        "threshold_reason": why,
        "findings": [finding.to_dict() for finding in prepared.findings],
        "sizes": _sizes(cohort, prepared.splits),
    }


def _sizes(cohort: Cohort, splits: Splits) -> dict[str, dict[str, int]]:
    """Rows, subjects and events of the parts that a model learnt from."""
    return {
        name: {
            "rows": len(rows),
            "subjects": len(set(cohort.subjects[rows])),
            "events": int(cohort.labels[rows].sum()),
        }
        for name, rows in splits.items()
        if name in ("train", "validation", "calibration")
    }


def packages(directory: Path) -> dict[str, Path]:
    """The packages of a run by model, the simplest first."""
    table = read_json(directory / "training.json")["champion"]["table"]
    return {row["model"]: directory / "packages" / row["model"] for row in table}


def judged_predictions(directory: Path, prepared: Prepared) -> pd.DataFrame:
    """The prediction table of the rows that no model has learnt from, scored by the packaged
    graphs.
    """
    cohort, splits = prepared.cohort, prepared.splits
    rows: Rows = np.concatenate([splits.test, *splits.external.values()])
    features = cohort.take(rows).encoded()
    raw: dict[str, npt.NDArray[np.float64]] = {}
    calibrated: dict[str, npt.NDArray[np.float64]] = {}
    for name, package in packages(directory).items():
        risk, logit = Scorer((package / "risk.onnx").read_bytes())(features)
        calibrated[name] = _spread(risk, rows, len(cohort))
        raw[name] = _spread(sigmoid(logit), rows, len(cohort))
    table = prediction_table(cohort, splits, calibrated, raw)
    table = table[table["split"].isin(["test", *splits.external])]
    pooled = directory / POOLED
    return (
        pd.concat([table, pd.read_parquet(pooled)], ignore_index=True)
        if pooled.is_file()
        else table
    )


def _spread(values: npt.NDArray[np.float64], rows: Rows, n: int) -> npt.NDArray[np.float64]:
    spread = np.full(n, np.nan)
    spread[rows] = values
    return spread


def accept_package(directory: Path, model: str, accept: str) -> None:
    """Writes into a run's package who answers for it, why and when: into its evaluation, card and
    manifest.

    UserError without a name and a reason, and where the gate passed.
    """
    package = packages(directory)[model]
    manifest = ModelPackage.open(package).manifest
    person = person_and_reason(accept, "register accept='your name: your reason'")
    if manifest.gate == "pass":
        raise UserError(
            f"accept: the gate of {model} passed, so there is nothing to accept; leave it out"
        )
    when = datetime.now(UTC).isoformat(timespec="seconds")
    accepted = Acceptance(person.by, person.reason, manifest.gate, when)
    judged = {**read_json(package / "evaluation.json"), "accepted": accepted.to_json()}
    write_json(package / "evaluation.json", judged)
    card = model_card(model, read_json(directory / "training.json"), judged)
    write_atomically(package / "model_card.md", card.encode())
    seal(package, replace(manifest, accepted=accepted))


def seal_packages(directory: Path, facts: dict[str, Any], judged: dict[str, Any]) -> None:
    """Adds to each package how it was judged and its card, and closes it with a manifest."""
    for name, package in packages(directory).items():
        write_json(package / "evaluation.json", judged)
        write_atomically(package / "model_card.md", model_card(name, facts, judged).encode())
        rows = np.load(package / "explain" / "background.npy")
        golden, _ = Scorer((package / "risk.onnx").read_bytes())(rows[:1])
        line = facts["calibrators"][name]["parameters"]
        manifest = Manifest(
            model=name,
            cohort=facts["cohort"],
            outcome=facts["outcome"],
            fingerprint=facts["fingerprint"],
            git=facts["git"],
            versions=facts["versions"],
            operating_threshold=facts["threshold"],
            threshold_reason=facts["threshold_reason"],
            gate=judged["gates"]["test"][name]["verdict"],
            golden_risk=float(golden[0]),
            calibration=CalibrationLine(**line) if "slope" in line else None,
        )
        seal(package, manifest)
