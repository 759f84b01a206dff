"""The files of a run's directory: what one step leaves for the next, so that each can run alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.config import Config
from risk_model.config.serialisation import settings_to_dict
from risk_model.core.cohort import Cohort, Rows, Splits
from risk_model.core.errors import UserError
from risk_model.core.files import read_json, write_atomically, write_json
from risk_model.core.input_policy import InputCheck, InputPolicy, Unusual, input_policy
from risk_model.core.openings import OpeningCount, count_openings, protocol
from risk_model.core.package import (
    Acceptance,
    CalibrationLine,
    Manifest,
    ModelPackage,
    seal,
)
from risk_model.core.parts import LEARNT_FROM
from risk_model.core.person import person_and_reason
from risk_model.core.predictions import prediction_table
from risk_model.core.risk_step import risk_step
from risk_model.core.runs import code_versions
from risk_model.core.schema import Schema, encode
from risk_model.core.scorer import Scorer
from risk_model.core.scores import sigmoid
from risk_model.data.drift_reference import reference
from risk_model.data.prepare import Prepared
from risk_model.evaluation.results import InternalExternalValidation, RunEvaluation
from risk_model.evaluation.utility import operating_threshold
from risk_model.model.explain import background
from risk_model.reporting.model_card import model_card
from risk_model.training.develop import Developed
from risk_model.training.record import History, PartSize, TrainingRecord

POOLED = "out_of_fold.parquet"
TRAINING = "training.json"
EVALUATION = "evaluation.json"
INTERNAL_EXTERNAL = "internal_external.json"
PREDICTIONS = "predictions.parquet"
BACKGROUND = 100  # synthetic rows that explanations compare a patient with


def write_model(directory: Path, graph: bytes, prepared: Prepared, seed: int) -> None:
    """What training leaves of one model: its graph, its schema, summaries without a patient."""
    schema = requested(prepared)
    summary = reference(prepared.cohort, prepared.splits.train)
    write_atomically(directory / "risk.onnx", graph)
    write_atomically(directory / "schema.json", schema.to_json().encode())
    write_json(directory / "reference.json", summary)
    (directory / "explain").mkdir()
    # beside the neutral signal only the golden case is needed
    rows = background(summary, schema, n=1 if schema.signal else BACKGROUND, seed=seed)
    check = InputCheck(policy_of(prepared), schema)
    # the golden case also shows what a request looks like
    first = check.most_usual(rows)
    rows[[0, first]] = rows[[first, 0]]
    np.save(directory / "explain" / "background.npy", rows)


def policy_of(prepared: Prepared, unusual: Unusual = "warn") -> InputPolicy:
    """The input policy that the training rows give."""
    schema, rows = prepared.cohort.schema.served(), prepared.splits.train
    return input_policy(encode(prepared.cohort.inputs.iloc[rows], schema), schema, unusual)


def requested(prepared: Prepared) -> Schema:
    """The schema of a request: what no training row lacked is required.

    The model has learnt nothing about patients without it. A recording says itself what it holds,
    a page of events who is eligible.
    """
    schema, rows = prepared.cohort.schema.served(), prepared.splits.train
    if schema.signal or schema.spec:
        return schema
    lacked = prepared.cohort.inputs.iloc[rows].isna().any()
    allowed = {f.name: f.missing_allowed and bool(lacked[f.name]) for f in schema.fields}
    fields = tuple(replace(f, missing_allowed=allowed[f.name]) for f in schema.fields)
    return replace(schema, fields=fields)


def training_record(
    settings: Config,
    prepared: Prepared,
    developed: Developed,
    history: History,
    chosen: dict[str, int],
    mlflow_run: str,
) -> TrainingRecord:
    """What was decided before any test row was looked at, and the code that decided it."""
    cohort, code = prepared.cohort, code_versions()
    prevalence = float(cohort.labels[developed.held_out].mean())
    threshold, reason = operating_threshold(settings.data.decision, prevalence)
    unusual = cast("Unusual", settings.deployment.unusual_inputs)
    return TrainingRecord(
        cohort=cohort.schema.name,
        outcome=cohort.schema.outcome,
        fingerprint=cohort.fingerprint(),
        champion=developed.champion,
        calibrators={name: fitted.record for name, fitted in developed.calibrators.items()},
        threshold=threshold,
        threshold_reason=reason,
        input_policy=policy_of(prepared, unusual),
        findings=prepared.findings,
        sizes=_sizes(cohort, prepared.splits),
        history=history,
        folds=settings.split.folds,
        rounds=developed.rounds,
        chosen_out_of_fold=chosen,
        network=getattr(developed.models.get("network"), "trained", None),
        mlflow_run=mlflow_run,
        git=code.git,
        versions=code.versions,
        protocol=protocol(settings_to_dict(settings)),
    )


def _sizes(cohort: Cohort, splits: Splits) -> dict[str, PartSize]:
    """The sizes of the parts that a model learnt from."""
    return {
        name: PartSize(
            rows=len(rows),
            subjects=len(set(cohort.subjects[rows])) if cohort.patients_identified else None,
            events=int(cohort.labels[rows].sum()),
        )
        for name, rows in splits.items()
        if name in LEARNT_FROM
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


def read_evaluation(directory: Path) -> RunEvaluation:
    """The evaluation.json of a run or package; UserError when it is not of this version."""
    return RunEvaluation.from_json(read_json(directory / EVALUATION))


def read_internal_external(directory: Path) -> InternalExternalValidation:
    """What internal-external validation found; empty where it was not run."""
    path = directory / INTERNAL_EXTERNAL
    if not path.is_file():
        return InternalExternalValidation()
    return InternalExternalValidation.from_json(read_json(path))


def openings_of(directory: Path, record: TrainingRecord) -> OpeningCount | None:
    """How often the test split was opened before this run did; None where nothing tells."""
    return count_openings(directory, record.fingerprint, record.protocol)


def packages(directory: Path) -> dict[str, Path]:
    """The packages of a run by model, the simplest first."""
    names = [row.model for row in read_training(directory).champion.table]
    return {name: directory / "packages" / name for name in names}


def unseen_predictions(directory: Path, prepared: Prepared) -> pd.DataFrame:
    """The prediction table of the rows that no model has learnt from, scored by the packages."""
    cohort, splits = prepared.cohort, prepared.splits
    rows: Rows = np.concatenate([splits.test, *splits.external.values()])
    inputs = cohort.take(rows).model_inputs()
    raw: dict[str, npt.NDArray[np.float64]] = {}
    calibrated: dict[str, npt.NDArray[np.float64]] = {}
    for name, package in packages(directory).items():
        risk, logit = Scorer((package / "risk.onnx").read_bytes())(inputs)
        calibrated[name] = _at_rows(risk, rows, len(cohort))
        raw[name] = _at_rows(sigmoid(logit), rows, len(cohort))
    table = prediction_table(cohort, splits, calibrated, raw)
    table = table[~table["split"].isin(LEARNT_FROM)]
    pooled = directory / POOLED
    if not pooled.is_file():
        return table
    return pd.concat([table, pd.read_parquet(pooled)], ignore_index=True)


def _at_rows(values: npt.NDArray[np.float64], rows: Rows, n: int) -> npt.NDArray[np.float64]:
    every_row = np.full(n, np.nan)
    every_row[rows] = values
    return every_row


def accept_package(directory: Path, model: str, accept: str) -> None:
    """Writes who answers for a run's package, why and when: into evaluation, card and manifest.

    A part that failed must be named in the reason: whoever answers has seen it.

    Raises:
        UserError: the name, the reason or a part that failed is missing, or the gate passed.
    """
    package = packages(directory)[model]
    manifest = ModelPackage.open(package).manifest
    person = person_and_reason(accept, "register accept='your name: your reason'")
    if not manifest.not_passed:
        raise UserError(
            f"accept: the gate of {model} passed, so there is nothing to accept; leave it out"
        )
    failed = [part for part, verdict in manifest.not_passed.items() if verdict == "fail"]
    unnamed = [part for part in failed if part.removeprefix("site: ") not in person.reason]
    if unnamed:
        raise UserError(
            f"accept: {model} failed on {' and '.join(failed)}; name each of them in the reason, "
            f"so that it can be seen who answers for what: accept='{person.by}: "
            f"{' and '.join(failed)}: your reason'"
        )
    when = datetime.now(UTC).isoformat(timespec="seconds")
    accepted = Acceptance(person.by, person.reason, manifest.not_passed, when)
    evaluation = replace(read_evaluation(package), accepted=accepted)
    _write_evaluation(package, model, read_training(directory), evaluation)
    seal(package, replace(manifest, accepted=accepted))


def seal_packages(directory: Path, record: TrainingRecord, evaluation: RunEvaluation) -> None:
    """Adds its evaluation and its card to each package, and closes it with a manifest."""
    for name, package in packages(directory).items():
        _write_evaluation(package, name, record, evaluation)
        rows = np.load(package / "explain" / "background.npy")
        golden, _ = Scorer((package / "risk.onnx").read_bytes())(rows[:1])
        judged = next(iter(evaluation.parts.values()))
        manifest = Manifest(
            model=name,
            cohort=record.cohort,
            outcome=record.outcome,
            fingerprint=record.fingerprint,
            git=record.git,
            versions=record.versions,
            operating_threshold=record.threshold,
            threshold_reason=record.threshold_reason,
            gates=evaluation.verdicts(name),
            golden_risk=float(golden[0]),
            risk_step=risk_step(judged.subjects, judged.prevalence, record.threshold),
            input_policy=record.input_policy,
            calibration=_line(record, name),
        )
        seal(package, manifest)


def _write_evaluation(
    package: Path, model: str, record: TrainingRecord, evaluation: RunEvaluation
) -> None:
    write_json(package / EVALUATION, evaluation.to_json())
    directory = package.parent.parent
    pooled = read_internal_external(directory).heterogeneity
    card = model_card(model, record, evaluation, openings_of(directory, record), pooled)
    write_atomically(package / "model_card.md", card.encode())


def _line(record: TrainingRecord, model: str) -> CalibrationLine | None:
    """The calibrator as a line, on whose scale explanations are given; None for a curve."""
    parameters = record.calibrators[model].parameters
    return CalibrationLine.from_json(parameters) if "slope" in parameters else None
