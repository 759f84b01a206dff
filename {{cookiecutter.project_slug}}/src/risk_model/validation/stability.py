"""How much would a patient's risk change, had the model been developed on another sample of the
same size?

Bootstrap samples of the training split's subjects stand in for other samples (Riley and Collins,
Biometrical Journal 2023;65:2200302). The baselines are refitted on each, with the run's settings;
trees stop by the untouched validation split. A calibrator belongs to the model whose logits it was
fitted to, so the kind that the run chose is fitted anew to each refit, on the untouched calibration
split. What is asked is their risks for the rows of the test split.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from risk_model.config import Config
from risk_model.core.cohort import Splits
from risk_model.core.errors import UserError
from risk_model.core.files import read_json, write_json
from risk_model.core.package import Scorer
from risk_model.core.schema import Features
from risk_model.data.prepare import Prepared
from risk_model.evaluation.bootstrap import draw_counts
from risk_model.evaluation.instability import instability
from risk_model.reporting.stability import write_stability
from risk_model.training.calibration import Fit, candidates, prior_correction
from risk_model.training.fit import fit_baselines
from risk_model.training.loss import positive_weight
from risk_model.training.monitor import Monitor

LEAST = 50  # refits: with fewer, a 95 % range hangs on the single lowest and highest
BASELINES = ("logistic_regression", "xgboost")
Risks = dict[str, npt.NDArray[np.float64]]


def stability(
    settings: Config, directory: Path, prepared: Prepared, refits: int = 200
) -> dict[str, Any]:
    """Refits both baselines `refits` times; writes stability.json, .html and an .svg a model into
    the run's directory.

    `settings` are those the run was trained with. Returns the content of stability.json: what
    `instability` found, under "models". UserError when there are too few refits, the run is not
    evaluated, or its data have changed.
    """
    if refits < LEAST:
        raise UserError(
            f"evaluation.refits={refits}: must be at least {LEAST} to tell a 95 % range; 200 are "
            "advised"
        )
    facts, cohort, test = (
        _facts(settings, directory, prepared),
        prepared.cohort,
        prepared.splits.test,
    )
    original = _original(directory, prepared)
    kinds = {name: facts["calibrators"][name]["kind"] for name in BASELINES}
    refitted = refit(settings, prepared, kinds, refits)
    judged = {
        n: instability(original[n], refitted[n], facts["threshold"], cohort.labels[test])
        for n in BASELINES
    }
    found = {
        "refits": refits,
        "seed": settings.seed,
        "subjects": len(np.unique(cohort.subjects[prepared.splits.train])),
        "threshold": facts["threshold"],
        "champion": facts["champion"]["name"],
        "models": judged,
    }
    write_stability(directory, f"{cohort.schema.outcome} — {cohort.schema.name}", found, refitted)
    write_json(directory / "stability.json", found)
    return found


def _facts(settings: Config, directory: Path, prepared: Prepared) -> dict[str, Any]:
    if not (directory / "evaluation.json").is_file():
        raise UserError(f"run: {directory} is not evaluated; write evaluate run={directory}")
    facts: dict[str, Any] = read_json(directory / "training.json")
    if facts["fingerprint"] != prepared.cohort.fingerprint():
        raise UserError(
            f"{directory}: was trained on other data than {settings.data.name} holds now; train "
            "again"
        )
    return facts


def _original(directory: Path, prepared: Prepared) -> Risks:
    """The calibrated risks of the run's own baselines for the test rows."""
    features = prepared.cohort.take(prepared.splits.test).encoded()
    graphs = {name: directory / "packages" / name / "risk.onnx" for name in BASELINES}
    return {name: Scorer(path.read_bytes())(features)[0] for name, path in graphs.items()}


def refit(settings: Config, prepared: Prepared, kinds: dict[str, str], refits: int) -> Risks:
    """The test rows' risks from baselines refitted on bootstrap samples: float64[refits, n] by
    name; same per seed.

    `kinds` names the calibrator of each baseline. UserError when a sample holds a single class.
    """
    cohort, splits = prepared.cohort, prepared.splits
    simple = np.ascontiguousarray(cohort.encoded()[:, : cohort.schema.simple])
    table = {name: np.empty((refits, len(splits.test))) for name in kinds}
    samples = samples_of_subjects(splits, cohort.subjects[splits.train], refits, settings.seed)
    for k, sample in enumerate(
        tqdm(samples, total=refits, desc="stability", unit="refit", disable=None, leave=False)
    ):
        if len(np.unique(cohort.labels[sample.train])) < 2:
            raise UserError(
                "train: so few events that a sample of its subjects drew none; enlarge split.train"
            )
        for name, risk in _risks(settings, prepared, simple, sample, kinds).items():
            table[name][k] = risk
    return table


def samples_of_subjects(
    splits: Splits, subjects: npt.NDArray[Any], refits: int, seed: int
) -> Iterator[Splits]:
    """The splits with bootstrap samples in place of the training rows: all rows of a subject as
    often as it is drawn.

    `subjects` names the subject of each training row.
    """
    code, names = pd.factorize(subjects)
    for chunk in draw_counts(len(names), refits, seed):
        for counts in chunk:
            yield replace(splits, train=np.repeat(splits.train, counts[code]))


def _risks(
    settings: Config, prepared: Prepared, features: Features, sample: Splits, kinds: dict[str, str]
) -> Risks:
    """The test rows' calibrated risks from both baselines, developed on this sample."""
    cohort, held, test = prepared.cohort, sample.calibration, sample.test
    labels, weight = cohort.labels, positive_weight(cohort.labels[sample.train], settings.training)
    models = fit_baselines(features, labels, sample, cohort.schema, settings, Monitor())
    # With as many events as non-events the weight is 1, and the correction no candidate but still
    # right.
    fits: dict[str, Fit] = {
        "prior_correction": partial(prior_correction, weight),
        **candidates(settings.training.loss, weight, int(labels[held].sum())),
    }
    return {
        name: fits[kind](models[name].logit(features[held]), labels[held])(
            models[name].logit(features[test])
        )
        for name, kind in kinds.items()
    }
