"""External validation: a finished package on the patients of another hospital, and recalibration.

Does the model hold there, and what mends it? `evaluate package=champion data=csv data.path=…
data.outcome=…` evaluates it and trains nothing; `recalibrate` with the same words fits a line
behind its risk and touches nothing else (Janssen et al., J Clin Epidemiol 2008; Vergouwe et al.,
Stat Med 2017). The new package is evaluated on patients whose line was fitted without them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from risk_model import artifacts
from risk_model.config import Config
from risk_model.core.cohort import Cohort, Splits
from risk_model.core.decision import Decision
from risk_model.core.errors import UserError
from risk_model.core.files import write_atomically, write_json
from risk_model.core.findings import FLOW
from risk_model.core.optional import optional_module
from risk_model.core.package import CalibrationLine, ModelPackage, seal
from risk_model.core.predictions import prediction_table
from risk_model.core.risk_step import risk_step
from risk_model.core.runs import code_versions, new_run
from risk_model.core.scorer import Scorer
from risk_model.core.scores import Floats, logit, sigmoid
from risk_model.core.subject_folds import subject_folds
from risk_model.data import load
from risk_model.data.sources.coerce import REFUSED
from risk_model.deployment.registry import champion
from risk_model.evaluation import evaluate
from risk_model.evaluation.results import RunEvaluation
from risk_model.reporting.content import CohortSummary, Provenance, ReportContent
from risk_model.reporting.model_card import model_card
from risk_model.reporting.report import write_report
from risk_model.training.calibration import (
    Calibrator,
    choose_among,
    cross_fitted,
    platt,
    shifted,
)
from risk_model.training.record import ChampionChoice, TrainingRecord
from risk_model.validation.answered_rows import answered_rows
from risk_model.validation.recalibrated_graph import append_recalibration

Announce = Callable[[str, str], None]  # a step and what it has to say

FITS = {
    "identity": lambda logits, labels: Calibrator("identity"),
    "intercept": shifted,
    "platt": platt,
}
BEFORE = "before"


@dataclass(frozen=True)
class ExternalCohort:
    """A package, a cohort that it was not made from, and its risks there: float64[n].

    `raw` are those before calibration; `name` says where the cohort comes from.
    """

    name: str
    package: ModelPackage
    cohort: Cohort
    risk: Floats
    raw: Floats

    @property
    def model(self) -> str:
        """The package's model."""
        return self.package.manifest.model

    @property
    def decision(self) -> Decision:
        """What the package was made for; UserError when it does not say so."""
        evaluation = self.package.json(artifacts.EVALUATION)
        if "decision" not in evaluation:
            raise UserError(
                f"{self.package.directory}: does not say what it was made for; evaluate its run "
                "again"
            )
        return Decision(**evaluation["decision"])

    def evaluate(
        self, risks: dict[str, Floats], settings: Config
    ) -> tuple[pd.DataFrame, RunEvaluation]:
        """The prediction table, all rows in one external part, and its evaluation."""
        nobody = np.empty(0, dtype=np.int64)
        everybody = {f"elsewhere: {self.name}": np.arange(len(self.cohort))}
        splits = Splits(nobody, nobody, nobody, nobody, everybody)
        raw = dict.fromkeys(risks, self.raw)
        table = prediction_table(self.cohort, splits, risks, raw)
        threshold = self.package.threshold
        evaluation = evaluate(table, threshold, settings.evaluation, self.decision, settings.seed)
        known, row_name = self.cohort.patients_identified, self.cohort.row_name
        return table, replace(evaluation, patients_identified=known, row_name=row_name)


def read_external(settings: Config, announce: Announce = lambda step, text: None) -> ExternalCohort:
    """The package that `package=` names, and the cohort of `data=` read with its schema.

    Raises:
        UserError: the cohort lacks a field, or holds a single class of the outcome.
    """
    if not settings.package:
        raise UserError("package: which model? write package=champion, or package=DIRECTORY")
    name, registry = settings.deployment.registered_name, Path(settings.deployment.registry)
    by_alias = settings.package == "champion"
    directory = champion(registry, name) if by_alias else Path(settings.package)
    package, data = ModelPackage.open(directory), settings.data
    if hasattr(data, "schema") and not package.schema.signal:
        data = replace(data, schema=str(directory / "schema.json"))
    cohort = load(data)
    for note in cohort.notes:
        if (note.severity != "note" or note.kind == FLOW) and note.kind != REFUSED:
            announce("data", note.line())
    served = cohort.schema.served()
    if served.features != package.schema.features or served.signal != package.schema.signal:
        missing = [field for field in package.schema.names if field not in served.names]
        reason = (
            f"it lacks {', '.join(missing[:5])}" if missing else "its fields are of other kinds"
        )
        raise UserError(f"data={data.name}: is not what {directory} was trained on; {reason}")
    if len(np.unique(cohort.labels)) < 2:
        raise UserError(
            f"data={data.name}: holds a single class of the outcome, so there is nothing to judge"
        )
    for line in answered_rows(package, cohort.inputs):
        announce("data", line)
    risk, logits = package.scorer(cohort.model_inputs())
    source = Path(getattr(data, "path", "")).stem or data.name
    return ExternalCohort(source, package, cohort, risk, sigmoid(logits))


def evaluate_package(
    settings: Config, announce: Announce = lambda step, text: None
) -> tuple[Path, RunEvaluation]:
    """Evaluates a package on other patients; the new directory with its report, and the result."""
    external = read_external(settings, announce)
    table, evaluation = external.evaluate({external.model: external.risk}, settings)
    remark = "judged as it is; nothing was trained"
    return _write(settings, external, table, evaluation, remark), evaluation


def recalibrate(
    settings: Config, announce: Announce = lambda step, text: None
) -> tuple[Path, RunEvaluation, Path]:
    """Makes the package `output=` with a line behind its risk.

    Returns:
        The directory with the report, its evaluation, and the package.

    Raises:
        UserError: `output` is missing or taken, the package is itself recalibrated, or there are
            too few events to fit a line.
    """
    target = Path(settings.output)
    if not settings.output or target.exists():
        raise UserError(
            "output: write output=DIRECTORY, one that does not exist yet, for the recalibrated "
            "package"
        )
    external = read_external(settings, announce)
    _check_recalibration(external, settings)
    labels, subjects = external.cohort.labels, external.cohort.subjects
    logits = logit(external.risk)
    kind, line = choose_among(FITS, logits, labels, subjects, settings.seed)
    fold = subject_folds(subjects, labels, settings.seed)
    mended = cross_fitted(lambda rows: FITS[kind](logits[rows], labels[rows]), logits, fold)
    risks = {BEFORE: external.risk, external.model: mended}
    table, evaluation = external.evaluate(risks, settings)
    _write_package(external, line, evaluation, target)
    remark = f"recalibrated ({kind}), judged on patients whose line was fitted without them"
    return _write(settings, external, table, evaluation, remark), evaluation, target


def _check_recalibration(external: ExternalCohort, settings: Config) -> None:
    if external.package.manifest.recalibrated_from:
        raise UserError(
            f"{external.package.directory}: is itself recalibrated; take the package that it was "
            "made from"
        )
    labels, least = external.cohort.labels, settings.evaluation.minimum_events
    if min(labels.sum(), (1 - labels).sum()) < least:
        raise UserError(
            f"data={settings.data.name}: {least} events and {least} non-events are the least to "
            "fit a line"
        )


def _write_package(
    external: ExternalCohort, line: Calibrator, evaluation: RunEvaluation, target: Path
) -> None:
    """The package with the line behind its graph and the verdict here; whole or not at all."""
    old, model = external.package.manifest, external.model
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    # a signature is of the manifest that it was made for
    shutil.copytree(external.package.directory, partial, ignore=shutil.ignore_patterns("*.sig"))
    graph = append_recalibration((partial / "risk.onnx").read_bytes(), line)
    write_atomically(partial / "risk.onnx", graph)
    write_json(partial / artifacts.EVALUATION, evaluation.to_json())
    card = model_card(model, _record(external, line), evaluation)
    write_atomically(partial / "model_card.md", card.encode())
    golden, _ = Scorer(graph)(np.load(partial / "explain" / "background.npy")[:1])
    judged = next(iter(evaluation.parts.values()))
    manifest = replace(
        old,
        gates=evaluation.verdicts(model),
        golden_risk=float(golden[0]),
        risk_step=risk_step(judged.subjects, judged.prevalence, old.operating_threshold),
        calibration=_composed(old.calibration, line),
        accepted=None,
        recalibrated_from=external.package.sha256,
    )
    seal(partial, manifest)
    partial.rename(target)


def _record(external: ExternalCohort, line: Calibrator) -> TrainingRecord:
    """What a card says of the making of a recalibrated package."""
    manifest, model = external.package.manifest, external.model
    return TrainingRecord(
        cohort=manifest.cohort,
        outcome=manifest.outcome,
        fingerprint=manifest.fingerprint,
        champion=ChampionChoice(model, f"Recalibrated on {external.name}: {line.kind}.", []),
        calibrators={model: line.record},
        threshold=manifest.operating_threshold,
        threshold_reason=manifest.threshold_reason,
        input_policy=manifest.input_policy,
        findings=None,
        sizes={},
        history={},
        mlflow_run="",
        git=manifest.git,
        protocol="",
        versions=manifest.versions,
    )


def _composed(first: CalibrationLine | None, line: Calibrator) -> CalibrationLine | None:
    """Both lines as one, on whose scale explanations are given; None where the first is a curve."""
    if first is None:
        return None
    return CalibrationLine(first.slope * line.slope, first.intercept * line.slope + line.intercept)


def _write(
    settings: Config,
    external: ExternalCohort,
    table: pd.DataFrame,
    evaluation: RunEvaluation,
    remark: str,
) -> Path:
    """The run's directory with predictions, evaluation and report."""
    cohort, manifest, code = external.cohort, external.package.manifest, code_versions()
    reason = f"{external.model} of {manifest.cohort}, {remark}."
    flow = optional_module("reporting.event_flow")  # of a cohort that was selected from events
    content = ReportContent(
        title=f"{manifest.outcome} — {external.model} on {external.name}",
        champion=ChampionChoice(external.model, reason, []),
        evaluation=evaluation,
        threshold_reason=manifest.threshold_reason,
        cohort=CohortSummary(external.name, cohort.source, len(cohort)),
        findings=list(cohort.notes),
        flow=flow.illustration(cohort) if flow else None,
        provenance=Provenance(
            digests={
                "package": external.package.sha256,
                "trained on": manifest.fingerprint,
                "judged on": cohort.fingerprint(),
            },
            git=code.git,
            versions=code.versions,
            settings=settings,
        ),
    )
    with new_run(settings.runs, f"{manifest.cohort}-elsewhere") as (partial, final):
        table.to_parquet(partial / artifacts.PREDICTIONS)
        write_json(partial / artifacts.EVALUATION, evaluation.to_json())
        write_report(partial / "report.html", content)
    return final
