"""The evaluation survives its file, and a misspelt key in that file cannot pass for an absent one.

Every record of evaluation.json is tried: each of its keys is misspelt once.
"""

from __future__ import annotations

import json
import re
from dataclasses import is_dataclass, replace
from typing import Any

import pytest

from risk_model.core.errors import UserError
from risk_model.core.package import Acceptance, Verdict
from risk_model.evaluation import results
from risk_model.evaluation.results import (
    HeadToHead,
    InternalExternalValidation,
    LeftOutEvaluation,
    PooledPerformance,
    RunEvaluation,
    SiteEffect,
)

Place = tuple[str | int, ...]
MODEL: Place = ("parts", "test", "models", "xgboost")
PLACES: dict[str, Place] = {
    "RunEvaluation": (),
    "Decision": ("decision",),
    "Acceptance": ("accepted",),
    "Finding": ("findings", 0),
    "GateVerdict": ("gates", "test", "xgboost"),
    "PartEvaluation": ("parts", "test"),
    "ModelEvaluation": MODEL,
    "Estimate": (*MODEL, "metrics", "auroc"),
    "OutcomesPer1000": (*MODEL, "per_1000"),
    "RequiredRows": (*MODEL, "required_rows", 0),
    "SubgroupEvaluation": (*MODEL, "subgroups", 0),
    "Parity": (*MODEL, "parity", "sex"),
    "RateDifference": (*MODEL, "parity", "sex", "equalised_odds_difference"),
    "HeadToHead": (*MODEL, "head_to_head", 0),
    "Curves": (*MODEL, "curves"),
    "RocCurve": (*MODEL, "curves", "roc"),
    "CalibrationCurve": (*MODEL, "curves", "calibration"),
    "RiskDistribution": (*MODEL, "curves", "risk_distribution"),
    "DecisionCurve": (*MODEL, "curves", "decision"),
    "Band": (*MODEL, "curves", "decision", "difference"),
}


# of internal_external.json
LEFT_OUT = {"LeftOutEvaluation", "SiteEffect", "PooledPerformance", "InternalExternalValidation"}


def record_at(content: Any, place: Place) -> dict[str, Any]:
    """The record at that place of a nested JSON value."""
    for key in place:
        content = content[key]
    record: dict[str, Any] = content
    return record


def beside_a_score(evaluation: RunEvaluation) -> RunEvaluation:
    """The same, with an existing score beside one model."""
    part = evaluation.parts["test"]
    metrics = part.models["xgboost"].metrics
    compared = HeadToHead("old", 400, 300, 90, metrics, metrics, {"auroc": metrics["auroc"]})
    models = {**part.models, "xgboost": replace(part.models["xgboost"], head_to_head=[compared])}
    return replace(evaluation, parts={**evaluation.parts, "test": replace(part, models=models)})


def test_every_record_of_the_evaluation_is_tried() -> None:
    records = {name for name, item in vars(results).items() if is_dataclass(item)}
    assert records - LEFT_OUT == PLACES.keys()


@pytest.mark.parametrize("name", PLACES)
def test_a_misspelt_key_is_refused_and_its_place_named(
    evaluation: RunEvaluation, name: str
) -> None:
    verdicts: dict[str, Verdict] = {"test": "too few to judge"}
    acceptance = Acceptance("A. Clinician", "few patients", verdicts, "2026-01-01")
    accepted = replace(beside_a_score(evaluation), accepted=acceptance)
    content, place = accepted.to_json(), PLACES[name]
    record, where = record_at(content, place), re.escape(".".join(map(str, place)))
    for key in list(record):
        record[f"{key}_"] = record.pop(key)
        with pytest.raises(UserError, match=rf"RunEvaluation: {where}\.?{key}_?: "):
            RunEvaluation.from_json(content)
        record[key] = record.pop(f"{key}_")
    assert RunEvaluation.from_json(content) == accepted


def test_a_value_of_another_type_is_refused(evaluation: RunEvaluation) -> None:
    content = evaluation.to_json()
    record_at(content, MODEL)["metrics"]["auroc"]["low"] = "about 0.7"
    with pytest.raises(UserError, match=r"models\.xgboost\.metrics\.auroc\.low: "):
        RunEvaluation.from_json(content)


def test_left_out_sites_survive_their_file_and_a_misspelt_key_is_refused(
    evaluation: RunEvaluation,
) -> None:
    metrics = evaluation.parts["North"].models["xgboost"].metrics
    effects = {"xgboost": {"auroc": SiteEffect(1.2, 0.1)}}
    site = LeftOutEvaluation("site", "North", 400, 120, "", {"xgboost": metrics}, effects)
    pooled = PooledPerformance("xgboost", "AUROC", "log odds", 3, metrics["auroc"], 0.2, (0.5, 0.9))
    whole = InternalExternalValidation([replace(site, missing={"ca": 0.9})], [pooled])
    content = json.loads(json.dumps(whole.to_json(), allow_nan=False))
    assert InternalExternalValidation.from_json(content) == whole
    places = ("left_out", 0), ("heterogeneity", 0), ("left_out", 0, "effects", "xgboost", "auroc")
    for place in places:
        record = record_at(content, place)
        for key in list(record):
            record[f"{key}_"] = record.pop(key)
            with pytest.raises(UserError, match=rf"{key}_?: "):
                InternalExternalValidation.from_json(content)
            record[key] = record.pop(f"{key}_")
    assert InternalExternalValidation.from_json(content) == whole
