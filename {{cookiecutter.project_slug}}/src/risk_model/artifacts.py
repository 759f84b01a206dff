"""The files of a run's directory: what one step leaves for the next, so that each can run alone."""

from __future__ import annotations

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
from risk_model.core.package import ModelPackage, Scorer, person_and_reason, seal
from risk_model.core.predictions import prediction_table
from risk_model.core.runs import provenance
from risk_model.core.scores import sigmoid
from risk_model.data.drift_reference import reference
from risk_model.data.prepare import Prepared
from risk_model.evaluation.utility import operating_threshold
from risk_model.model.explain import background
from risk_model.reporting.model_card import model_card
from risk_model.training.calibration import Calibrator
from risk_model.training.record import ChampionChoice, History, PartSize, TrainingRecord

OUT_OF_FOLD = "out of fold"
POOLED = "out_of_fold.parquet"
TRAINING = "training.json"
LEFT_OUT = "leave_out.json"
BACKGROUND = 100  # synthetic rows that explanations compare a patient with


def write_model(directory: Path, graph: bytes, prepared: Prepared, seed: int) -> None:
    """What training leaves of one model: its graph, its schema, summaries without a patient."""
    schema = prepared.cohort.schema.served()
    summary = reference(prepared.cohort, prepared.splits.train)
    write_atomically(directory / "risk.onnx", graph)
    write_atomically(directory / "schema.json", schema.to_json().encode())
    write_json(directory / "reference.json", summary)
    (directory / "explain").mkdir()
    # beside the neutral signal only the golden case is needed
    rows = background(summary, schema, n=1 if schema.signal else BACKGROUND, seed=seed)
    np.save(directory / "explain" / "background.npy", rows)


def training_record(
    settings: Config,
    prepared: Prepared,
    champion: ChampionChoice,
    calibrators: dict[str, Calibrator],
    history: History,
    mlflow_run: str,
) -> TrainingRecord:
    """What was decided before any test row was looked at, and the code that decided it."""
    cohort, code = prepared.cohort, provenance()
    prevalence = float(cohort.labels[prepared.splits.calibration].mean())
    threshold, reason = operating_threshold(settings.data.decision, prevalence)
    return TrainingRecord(
        cohort=cohort.schema.name,
        outcome=cohort.schema.outcome,
        fingerprint=cohort.fingerprint(),
        champion=champion,
        calibrators={name: calibrator.record for name, calibrator in calibrators.items()},
        threshold=threshold,
        threshold_reason=reason,
        findings=prepared.findings,
        sizes=_sizes(cohort, prepared.splits),
        history=history,
        mlflow_run=mlflow_run,
        git=code["git"],
        versions=code["versions"],
    )


def _sizes(cohort: Cohort, splits: Splits) -> dict[str, PartSize]:
    """The sizes of the parts that a model learnt from."""
    return {
        name: PartSize(
            rows=len(rows),
            subjects=len(set(cohort.subjects[rows])),
            events=int(cohort.labels[rows].sum()),
        )
        for name, rows in splits.items()
        if name in ("train", "validation", "calibration")
    }


def read_training(directory: Path) -> TrainingRecord:
    """The training.json of a run; UserError when it is not of this version."""
    return TrainingRecord.from_json(read_json(directory / TRAINING))


def read_training_of(directory: Path, cohort: Cohort) -> TrainingRecord:
    """The same, for a run that was trained on this very cohort; UserError when it was not."""
    record = read_training(directory)
    if record.fingerprint != cohort.fingerprint():
        raise UserError(
            f"{directory}: was trained on other data than {cohort.schema.name} holds now; train "
            "again"
        )
    return record


def packages(directory: Path) -> dict[str, Path]:
    """The packages of a run by model, the simplest first."""
    names = [row.model for row in read_training(directory).champion.table]
    return {name: directory / "packages" / name for name in names}


def judged_predictions(directory: Path, prepared: Prepared) -> pd.DataFrame:
    """The prediction table of the rows that no model has learnt from, by the packaged graphs."""
    cohort, splits = prepared.cohort, prepared.splits
    rows: Rows = np.concatenate([splits.test, *splits.external.values()])
    features = cohort.take(rows).encoded()
    raw: dict[str, npt.NDArray[np.float64]] = {}
    calibrated: dict[str, npt.NDArray[np.float64]] = {}
    for name, package in packages(directory).items():
        risk, logit = Scorer((package / "risk.onnx").read_bytes())(features)
        calibrated[name] = _at_rows(risk, rows, len(cohort))
        raw[name] = _at_rows(sigmoid(logit), rows, len(cohort))
    table = prediction_table(cohort, splits, calibrated, raw)
    table = table[table["split"].isin(["test", *splits.external])]
    pooled = directory / POOLED
    return (
        pd.concat([table, pd.read_parquet(pooled)], ignore_index=True)
        if pooled.is_file()
        else table
    )


def _at_rows(values: npt.NDArray[np.float64], rows: Rows, n: int) -> npt.NDArray[np.float64]:
    every_row = np.full(n, np.nan)
    every_row[rows] = values
    return every_row


def accept_package(directory: Path, model: str, accept: str) -> None:
    """Writes into a run's package who answers for it, why and when.

    Into its evaluation, card and manifest. UserError without a name and a reason, and where the
    gate passed.
    """
    package = packages(directory)[model]
    manifest = ModelPackage.open(package).manifest
    person = person_and_reason(accept, "register accept='your name: your reason'")
    if manifest["gate"] == "pass":
        raise UserError(
            f"accept: the gate of {model} passed, so there is nothing to accept; leave it out"
        )
    when = datetime.now(UTC).isoformat(timespec="seconds")
    accepted = {**person, "verdict": manifest["gate"], "when": when}
    judged = {**read_json(package / "evaluation.json"), "accepted": accepted}
    write_json(package / "evaluation.json", judged)
    card = model_card(model, read_training(directory).to_json(), judged)
    write_atomically(package / "model_card.md", card.encode())
    seal(
        package,
        {**{key: value for key, value in manifest.items() if key != "files"}, "accepted": accepted},
    )


def seal_packages(directory: Path, record: TrainingRecord, judged: dict[str, Any]) -> None:
    """Adds to each package how it was judged and its card, and closes it with a manifest."""
    facts = record.to_json()
    kept = {
        key: facts[key]
        for key in ("cohort", "outcome", "fingerprint", "git", "versions", "threshold_reason")
    }
    for name, package in packages(directory).items():
        write_json(package / "evaluation.json", judged)
        write_atomically(package / "model_card.md", model_card(name, facts, judged).encode())
        rows = np.load(package / "explain" / "background.npy")
        golden, _ = Scorer((package / "risk.onnx").read_bytes())(rows[:1])
        checks = {"gate": judged["gates"]["test"][name]["verdict"], "golden_risk": float(golden[0])}
        line = record.calibrators[name].parameters
        # of what a served explanation tells
        scale = {"calibration": line if "slope" in line else None}
        seal(
            package,
            {**kept, **checks, **scale, "model": name, "operating_threshold": record.threshold},
        )
