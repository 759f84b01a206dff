"""What training would have written about a cohort, without any training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from risk_model.core.cohort import Cohort
from risk_model.core.input_policy import InputPolicy
from risk_model.training.calibration import Calibrator
from risk_model.training.record import ChampionChoice, ModelComparison, TrainingRecord

POLICY = InputPolicy(rows=1000, least_recorded=2, hardly_missing={}, bounds={})


def made_record(
    cohort: Cohort,
    champion: str,
    table: Sequence[ModelComparison] = (),
    calibrators: Mapping[str, Calibrator] | None = None,
) -> TrainingRecord:
    """The record of a champion that nobody chose, with a threshold of 10 %."""
    return TrainingRecord(
        cohort=cohort.schema.name,
        outcome=cohort.schema.outcome,
        fingerprint=cohort.fingerprint(),
        champion=ChampionChoice(champion, "chosen by nobody", list(table)),
        calibrators={name: fitted.record for name, fitted in (calibrators or {}).items()},
        threshold=0.1,
        threshold_reason="",
        input_policy=POLICY,
        findings=[],
        sizes={},
        history={},
        mlflow_run="",
        git="",
        versions={},
        protocol="p" * 64,
    )
