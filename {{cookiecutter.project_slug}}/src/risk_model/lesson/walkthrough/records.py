"""A run as the walkthrough reads it: what its files hold, typed, and the facts that follow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from risk_model import artifacts
from risk_model.config import Config
from risk_model.config.serialisation import read_settings
from risk_model.core.files import read_json
from risk_model.core.package import MANIFEST, VERDICTS, Manifest, Verdict, worst
from risk_model.core.parts import OUT_OF_FOLD
from risk_model.core.runs import not_evaluated
from risk_model.evaluation.results import (
    InternalExternalValidation,
    ModelEvaluation,
    RunEvaluation,
)
from risk_model.reporting.sentences import first_part
from risk_model.training.record import ModelComparison, TrainingRecord


@dataclass(frozen=True)
class RunRecords:
    """The records of an evaluated run; `manifest` is that of the champion's package, if sealed."""

    name: str
    settings: Config
    training: TrainingRecord
    evaluation: RunEvaluation
    validated: InternalExternalValidation
    manifest: Manifest | None = None

    @property
    def champion(self) -> str:
        """The model that the run would have served."""
        return self.training.champion.name

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdict on the champion in each part."""
        return self.evaluation.verdicts(self.champion)

    @property
    def first(self) -> str:
        """The part that the figures are from: the test split where there is one."""
        return first_part(self.evaluation)

    @property
    def kept_apart(self) -> list[str]:
        """The parts beside test split and out-of-fold risks: sites, the last period, others."""
        return [part for part in self.evaluation.parts if part not in ("test", OUT_OF_FOLD)]

    @property
    def worst_part(self) -> str:
        """The first part with the worst verdict."""
        verdicts = self.verdicts
        return next(p for p in verdicts if verdicts[p] == worst(verdicts.values()))

    @property
    def elsewhere(self) -> str:
        """Of the parts kept apart the first with the worst verdict; "" where there is none."""
        verdicts = self.verdicts
        return min(self.kept_apart, key=lambda part: VERDICTS.index(verdicts[part]), default="")

    @property
    def own(self) -> ModelEvaluation:
        """The champion in the first part."""
        return self.evaluation.parts[self.first].models[self.champion]

    def row(self, model: str) -> ModelComparison | None:
        """A model's row of the comparison that chose the champion."""
        return next((row for row in self.training.champion.table if row.model == model), None)

    @property
    def lowest(self) -> str:
        """The model with the lowest log loss in that comparison; "" without one."""
        table = self.training.champion.table
        return min(table, key=lambda row: row.log_loss).model if table else ""

    @property
    def taught(self) -> str:
        """The part of `training.sizes` that taught: the first, whatever its name."""
        return next(iter(self.training.sizes))


def read_records(directory: Path) -> RunRecords:
    """The records in a run's directory.

    Raises:
        UserError: the run is not evaluated, or a file is of another version.
    """
    if not (directory / artifacts.EVALUATION).is_file():
        raise not_evaluated("walkthrough", directory)
    training = artifacts.read_training(directory)
    manifest = directory / manifest_file(training.champion.name)
    return RunRecords(
        name=directory.name,
        settings=read_settings(directory),
        training=training,
        evaluation=artifacts.read_evaluation(directory),
        validated=artifacts.read_internal_external(directory),
        manifest=Manifest.from_json(read_json(manifest)) if manifest.is_file() else None,
    )


def manifest_file(champion: str) -> str:
    """Where the manifest of the champion's package lies, below the run's directory."""
    return f"packages/{champion}/{MANIFEST}"
