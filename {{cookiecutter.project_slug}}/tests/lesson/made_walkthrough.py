"""Runs to walk through, each made up from one evaluation: no model is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal, get_args

from risk_model.config import Config, Synthetic
from risk_model.config.settings import LOSSES
from risk_model.core.estimate import Estimate
from risk_model.core.findings import Finding
from risk_model.core.package import VERDICTS, Manifest, Verdict
from risk_model.core.parts import DEVELOPMENT, OUT_OF_FOLD
from risk_model.evaluation.results import (
    GateVerdict,
    InternalExternalValidation,
    PartEvaluation,
    RunEvaluation,
)
from risk_model.lesson.walkthrough.records import RunRecords
from risk_model.model.table import MODELS
from risk_model.training.record import (
    CalibratorRecord,
    ChampionChoice,
    ModelComparison,
    PartSize,
    TrainingRecord,
)

from tests.made_record import POLICY

Choice = Literal["lowest", "within the margin", "forced"]
CHOICES: tuple[Choice, ...] = get_args(Choice)
NAMES = [row.name for row in MODELS]
REASONS: dict[Verdict, list[str]] = {
    "pass": [],
    "fail": ["AUROC 0.65 (0.55 to 0.75) is not surely above 0.6", "slope 0.30 is not between"],
    "cannot tell": ["slope 1.30 (1.10 to 1.50) is not surely between 0.7 and 1.4"],
    "too few to judge": ["9 events and 21 non-events; 10 of each are the least"],
}
SITE, PERIOD = "site: North", "last period"


@dataclass(frozen=True)
class Case:
    """What a made-up run is: each of these decides sentences."""

    loss: str = "bce"
    champion: str = "logistic_regression"
    choice: Choice = "lowest"
    site: bool = True
    period: bool = True
    verdict: Verdict = "pass"
    out_of_fold: bool = False
    cross_fitted: bool = True

    @property
    def worst(self) -> str:
        """The part that has the verdict: the last of them."""
        return list(self.parts)[-1]

    @property
    def parts(self) -> dict[str, str]:
        """The parts judged, and which part of the made-up evaluation each of them is."""
        first = OUT_OF_FOLD if self.out_of_fold else "test"
        others = {SITE: self.site, PERIOD: self.period}
        return {first: "test"} | {part: "North" for part, there in others.items() if there}


def cases() -> Iterator[Case]:
    """Each loss x champion x (site, time) x verdict, with a test split and out of fold.

    Why it is the champion, and whether there are folds, varies along: by numbers that share no
    factor with the others, so that each meets each.
    """
    whole = product(LOSSES, NAMES, (True, False), (True, False), VERDICTS, (False, True))
    for number, (loss, champion, site, period, verdict, out_of_fold) in enumerate(whole):
        choice = CHOICES[number % 3]
        if choice == "within the margin" and champion == NAMES[-1]:
            choice = "lowest"  # nothing is more complex
        folds = out_of_fold or number % 5 < 3
        yield Case(loss, champion, choice, site, period, verdict, out_of_fold, folds)


def made_run(case: Case, evaluation: RunEvaluation) -> RunRecords:
    """The records of such a run, its figures from `evaluation`, which has the parts test, North."""
    settings = Config(data=Synthetic())
    settings.training.loss = case.loss
    settings.split.folds = 5 if case.cross_fitted else 1
    settings.model.champion = case.champion if case.choice == "forced" else "auto"
    return RunRecords(
        name="made",
        settings=settings,
        training=_training(case),
        evaluation=_evaluation(case, evaluation),
        validated=InternalExternalValidation(),
    )


def _evaluation(case: Case, evaluation: RunEvaluation) -> RunEvaluation:
    parts = {name: evaluation.parts[source] for name, source in case.parts.items()}
    gates = {part: dict.fromkeys(NAMES, GateVerdict("pass", [])) for part in parts}
    gates[case.worst] = dict.fromkeys(NAMES, GateVerdict(case.verdict, REASONS[case.verdict]))
    return replace(evaluation, parts=parts, gates=gates, patients_identified=True)


def _training(case: Case) -> TrainingRecord:
    sizes = {"train": PartSize(700, 350, 170), "validation": PartSize(100, 50, 25)}
    if case.cross_fitted:
        sizes = {DEVELOPMENT: PartSize(1_000, 500, 250)}
    kind = "identity" if case.loss == "bce" else "temperature"
    calibrator = CalibratorRecord(kind, {"slope": 1.0, "intercept": 0.0})
    row: dict[str, int | float | None] = {
        "epoch": 1,
        "train_loss": 0.4,
        "train_auroc": 0.8,
        "validation_loss": 0.5,
        "validation_auroc": 0.75,
    }
    return TrainingRecord(
        cohort="made_up",
        outcome="event",
        fingerprint="f" * 64,
        champion=_choice(case),
        calibrators=dict.fromkeys(NAMES, calibrator),
        threshold=0.2,
        threshold_reason="",
        input_policy=POLICY,
        findings=[],
        sizes=sizes,
        history={"xgboost": [row, row], "network": [row | {"gradient_norm": 0.7}]},
        mlflow_run="",
        git="ab12cd",
        versions={},
        protocol="p" * 64,
        folds=5 if case.cross_fitted else 1,
        rounds={"xgboost": 120, "network": 9} if case.cross_fitted else {},
        chosen_out_of_fold={case.champion: 10} if case.out_of_fold else {},
    )


def _choice(case: Case) -> ChampionChoice:
    """The champion has the lowest log loss, unless a more complex one is a little better."""
    lowest = case.choice == "lowest"
    best = case.champion if lowest else NAMES[-1]
    gap = 0.02 if lowest else 0.002  # the margin lies between
    difference = Estimate(gap, gap / 2, gap * 1.5)
    table = [
        ModelComparison(name, 0.4, Estimate(0.0, 0.0, 0.0))
        if name == best
        else ModelComparison(name, 0.4 + gap, difference)
        for name in NAMES
    ]
    return ChampionChoice(case.champion, "chosen by nobody", table, 0.005)


def with_part(run: RunRecords, name: str, part: PartEvaluation) -> RunRecords:
    """The same run with another content of one part."""
    parts = {**run.evaluation.parts, name: part}
    return replace(run, evaluation=replace(run.evaluation, parts=parts))


def with_finding(run: RunRecords, kind: str, where: str = "somewhere") -> RunRecords:
    """The same run with a finding of this kind."""
    found = Finding("warning", kind, where, f"what was found about {kind}")
    training = replace(run.training, findings=[*(run.training.findings or []), found])
    return replace(run, training=training)


def made_manifest(run: RunRecords) -> Manifest:
    """The manifest of the champion's package."""
    return Manifest(
        model=run.champion,
        cohort=run.training.cohort,
        outcome=run.training.outcome,
        fingerprint=run.training.fingerprint,
        git="",
        versions={},
        operating_threshold=0.2,
        threshold_reason="",
        gates=run.verdicts,
        golden_risk=0.25,
        risk_step=0.01,
        input_policy=POLICY,
        calibration=None,
        files={"risk.onnx": "d" * 64, "schema.json": "d" * 64},
    )
