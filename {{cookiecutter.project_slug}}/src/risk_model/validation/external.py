"""Does the model hold in another hospital, and what mends it there? A finished package on somebody
else's patients.

`evaluate package=champion data=csv data.path=… data.outcome=…` judges it and trains nothing;
`recalibrate` with the same words fits a line behind its risk and touches nothing else (Janssen et
al., J Clin Epidemiol 2008; Vergouwe et al., Stat Med 2017). What the new package is judged by comes
from patients whose line was fitted without them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.config import Config
from risk_model.config.serialisation import settings_to_dict
from risk_model.core.cohort import Cohort, Splits
from risk_model.core.decision import Decision
from risk_model.core.errors import UserError
from risk_model.core.files import write_atomically, write_json
from risk_model.core.package import ModelPackage, Scorer, seal
from risk_model.core.predictions import prediction_table
from risk_model.core.runs import new_run, provenance
from risk_model.data import load
from risk_model.deployment.registry import champion
from risk_model.evaluation import evaluate
from risk_model.reporting.model_card import model_card
from risk_model.reporting.report import write_report
from risk_model.training.calibration import (
    Calibrator,
    choose_among,
    cross_fitted,
    platt,
    shifted,
    sigmoid,
)
from risk_model.training.folds import subject_folds
from risk_model.training.onnx_calibration import behind

Floats = npt.NDArray[np.float64]
FITS = {
    "identity": lambda logit, labels: Calibrator("identity"),
    "intercept": shifted,
    "platt": platt,
}
BEFORE = "before"


@dataclass(frozen=True)
class Elsewhere:
    """A package, and a cohort that it was not made from."""

    place: str
    package: ModelPackage
    cohort: Cohort
    risk: Floats
    raw: Floats

    @property
    def model(self) -> str:
        """The package's model."""
        return str(self.package.manifest["model"])

    @property
    def decision(self) -> Decision:
        """What the package was made for; UserError when it does not say so."""
        evaluation = self.package.json("evaluation.json")
        if "decision" not in evaluation:
            raise UserError(
                f"{self.package.directory}: does not say what it was made for; evaluate its run "
                "again"
            )
        return Decision(**evaluation["decision"])

    def table(self, risks: dict[str, Floats]) -> pd.DataFrame:
        """The prediction table, all rows in one external part."""
        nobody = np.empty(0, dtype=np.int64)
        everybody = {f"elsewhere: {self.place}": np.arange(len(self.cohort))}
        splits = Splits(nobody, nobody, nobody, nobody, everybody)
        return prediction_table(self.cohort, splits, risks, dict.fromkeys(risks, self.raw))


def read(settings: Config) -> Elsewhere:
    """The package that `package=` names and the cohort of `data=`, read with the package's schema.

    UserError when the cohort has no such fields, or holds a single class of the outcome.
    """
    if not settings.package:
        raise UserError("package: which model? write package=champion, or package=DIRECTORY")
    name, registry = settings.deployment.registered_name, Path(settings.deployment.registry)
    directory = (
        champion(registry, name) if settings.package == "champion" else Path(settings.package)
    )
    package = ModelPackage.open(directory)
    data = settings.data
    if hasattr(data, "schema") and not package.schema.signal:
        data = replace(data, schema=str(directory / "schema.json"))
    cohort = load(data)
    served = cohort.schema.served()
    if served.features != package.schema.features or served.signal != package.schema.signal:
        lacking = [field for field in package.schema.names if field not in served.names]
        told = f"it lacks {', '.join(lacking[:5])}" if lacking else "its fields are of other kinds"
        raise UserError(f"data={data.name}: is not what {directory} was trained on; {told}")
    if len(np.unique(cohort.labels)) < 2:
        raise UserError(
            f"data={data.name}: holds a single class of the outcome, so there is nothing to judge"
        )
    risk, logit = package.scorer(cohort.encoded())
    place = Path(getattr(data, "path", "")).stem or data.name
    return Elsewhere(place, package, cohort, risk, sigmoid(logit))


def evaluate_elsewhere(settings: Config) -> tuple[Path, dict[str, Any]]:
    """Judges a package on other patients; the new directory with its report, and what `evaluate`
    found.
    """
    found = read(settings)
    table = found.table({found.model: found.risk})
    judged = evaluate(
        table, found.package.threshold, settings.evaluation, found.decision, settings.seed
    )
    return _written(settings, found, table, judged, "judged as it is; nothing was trained"), judged


def recalibrate(settings: Config) -> tuple[Path, dict[str, Any], Path]:
    """Makes the package `output=` with a line behind its risk; the report's directory, what was
    found, the package.
    """
    target = Path(settings.output)
    if not settings.output or target.exists():
        raise UserError(
            "output: write output=DIRECTORY, one that does not exist yet, for the recalibrated "
            "package"
        )
    found = read(settings)
    if found.package.manifest.get("recalibrated_from"):
        raise UserError(
            f"{found.package.directory}: is itself recalibrated; take the package that it was made "
            "from"
        )
    labels, subjects = found.cohort.labels, found.cohort.subjects
    least = settings.evaluation.minimum_events
    if min(labels.sum(), (1 - labels).sum()) < least:
        raise UserError(
            f"data={settings.data.name}: {least} events and {least} non-events are the least to "
            "fit a line"
        )
    logit = np.log(np.clip(found.risk, 1e-9, 1)) - np.log(np.clip(1 - found.risk, 1e-9, 1))
    kind, line = choose_among(FITS, logit, labels, subjects, settings.seed)
    fold = subject_folds(subjects, labels, settings.seed)
    mended = cross_fitted(lambda rows: FITS[kind](logit[rows], labels[rows]), logit, fold)
    table = found.table({BEFORE: found.risk, found.model: mended})
    judged = evaluate(
        table, found.package.threshold, settings.evaluation, found.decision, settings.seed
    )
    _new_package(found, line, judged, target)
    told = f"recalibrated ({kind}), judged on patients whose line was fitted without them"
    return _written(settings, found, table, judged, told), judged, target


def _new_package(found: Elsewhere, line: Calibrator, judged: dict[str, Any], target: Path) -> None:
    """The package with the line behind its graph, and with the verdict of these patients; whole or
    not at all.
    """
    old = found.package.manifest
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(found.package.directory, partial)
    graph = behind((partial / "risk.onnx").read_bytes(), line)
    write_atomically(partial / "risk.onnx", graph)
    write_json(partial / "evaluation.json", judged)
    reason = f"Recalibrated on {found.place}: {line.kind}."
    facts = {
        **old,
        "champion": {"name": found.model, "reason": reason},
        "threshold": found.package.threshold,
    }
    card = model_card(found.model, {**facts, "calibrators": {found.model: line.to_dict()}}, judged)
    write_atomically(partial / "model_card.md", card.encode())
    golden, _ = Scorer(graph)(np.load(partial / "explain" / "background.npy")[:1])
    (gate,) = (gates[found.model]["verdict"] for gates in judged["gates"].values())
    changed = {
        "gate": gate,
        "golden_risk": float(golden[0]),
        "calibration": _composed(old.get("calibration"), line),
    }
    kept = {key: value for key, value in old.items() if key not in ("files", "accepted")}
    seal(partial, {**kept, **changed, "recalibrated_from": found.package.sha256})
    partial.rename(target)


def _composed(first: dict[str, float] | None, line: Calibrator) -> dict[str, float] | None:
    """Both lines as one, which explanations are told on the scale of; None where the first is a
    curve.
    """
    if first is None:
        return None
    return {
        "slope": first["slope"] * line.slope,
        "intercept": first["intercept"] * line.slope + line.intercept,
    }


def _written(
    settings: Config, found: Elsewhere, table: pd.DataFrame, judged: dict[str, Any], told: str
) -> Path:
    """The run's directory with predictions, figures and report."""
    cohort, manifest = found.cohort, found.package.manifest
    facts = {
        "title": f"{manifest['outcome']} — {found.model} on {found.place}",
        "cohort": {"name": found.place, "source": cohort.source, "rows": len(cohort)},
        "champion": {
            "name": found.model,
            "reason": f"{found.model} of {manifest['cohort']}, {told}.",
            "table": [],
        },
        "findings": [note.to_dict() for note in cohort.notes],
        "threshold_reason": manifest["threshold_reason"],
        "evaluation": judged,
        "provenance": {
            "package": found.package.sha256,
            "trained on": manifest["fingerprint"],
            "judged on": cohort.fingerprint(),
            "settings": settings_to_dict(settings),
            **provenance().to_json(),
        },
    }
    with new_run(settings.runs, f"{manifest['cohort']}-elsewhere") as (partial, final):
        table.to_parquet(partial / "predictions.parquet")
        write_json(partial / "evaluation.json", judged)
        write_report(partial / "report.html", facts)
    return final
