"""What training decided before any test row was looked at: the typed content of training.json."""

from __future__ import annotations

from dataclasses import dataclass, field

from risk_model.core.estimate import Estimate
from risk_model.core.findings import Finding
from risk_model.core.input_policy import InputPolicy
from risk_model.core.json_record import JsonRecord
from risk_model.model import NetworkTraining

# by model, an epoch or a tree a row: its number, from 1, and the values measured
History = dict[str, list[dict[str, int | float | None]]]


@dataclass(frozen=True)
class ModelComparison(JsonRecord):
    """One model's log loss on rows it was made without, and its paired difference to the best."""

    model: str
    log_loss: float
    difference: Estimate


@dataclass(frozen=True)
class ChampionChoice(JsonRecord):
    """The model chosen, the sentence why, and a row a model, the simplest first.

    A log loss that is surely no more than `margin` above the best counts as equally good;
    `compared_on` says on which rows.
    """

    name: str
    reason: str
    table: list[ModelComparison]
    margin: float | None = None
    compared_on: str = "the calibration split"


@dataclass(frozen=True)
class CalibratorRecord(JsonRecord):
    """The kind of a calibrator, and its parameters by name: numbers, or the steps of a curve."""

    kind: str
    parameters: dict[str, float | list[float]]


@dataclass(frozen=True)
class PartSize(JsonRecord):
    """Rows, subjects and events of a part that a model learnt from."""

    rows: int
    subjects: int | None
    events: int


@dataclass(frozen=True)
class TrainingRecord(JsonRecord):
    """The content of training.json.

    `history` holds, by model, an epoch (or a tree) a row: its number and the values measured, with
    cross-fitting in the first of `folds` turns. `rounds` are the epochs (or trees) of a model that
    was then fitted on all development rows. Where all steps were cross-fitted,
    `chosen_out_of_fold` says how often each model was chosen.
    `input_policy` says what the training rows held, and so which records are answered.
    `findings` are those of the data, None where they were not recorded. `git` and `versions` say
    which code and which libraries made it, `protocol` is the hash of the settings.
    """

    cohort: str
    outcome: str
    fingerprint: str
    champion: ChampionChoice
    calibrators: dict[str, CalibratorRecord]
    threshold: float
    threshold_reason: str
    input_policy: InputPolicy
    findings: list[Finding] | None
    sizes: dict[str, PartSize]
    history: History
    mlflow_run: str
    git: str
    versions: dict[str, str]
    protocol: str
    folds: int = 0  # not recorded
    rounds: dict[str, int] = field(default_factory=dict)
    chosen_out_of_fold: dict[str, int] = field(default_factory=dict)
    network: NetworkTraining | None = None  # of recordings
