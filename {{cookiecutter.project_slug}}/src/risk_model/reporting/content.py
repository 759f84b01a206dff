"""What goes into the report? What the rooms before wrote down, and what moves the champion's
risks.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.config import NETWORKS, Config
from risk_model.config.compose import to_container
from risk_model.core.package import Scorer
from risk_model.core.schema import Features
from risk_model.data.prepare import Prepared
from risk_model.data.quality_answer import SIMPLE_MODELS
from risk_model.data.split_report import PartSummary, shared_by_row_split, split_report
from risk_model.model.explain import Explainer
from risk_model.reporting.example_selection import examples

EXPLAINED = 200  # validation rows behind the global SHAP plot


def report_facts(
    settings: Config,
    directory: Path,
    prepared: Prepared,
    facts: dict[str, Any],
    judged: dict[str, Any],
) -> dict[str, Any]:
    """Everything `write_report` shows, as JSON-able values; `facts` is the run's training.json."""
    cohort, splits = prepared.cohort, prepared.splits
    schema = cohort.schema
    described = {
        "name": schema.name,
        "outcome": schema.outcome,
        "source": cohort.source,
        "rows": len(cohort),
    }
    champion = directory / "packages" / facts["champion"]["name"]
    quality = prepared.quality.to_json()
    shared = shared_by_row_split(cohort, len(splits.test) / len(cohort), settings.seed)
    return {
        "title": f"{schema.outcome} — {schema.name}",
        "cohort": described,
        "fields": [asdict(field) for field in schema.fields],
        "split": [_split_row(part) for part in split_report(cohort, splits)],
        "shared_by_row_split": [shared.subjects, shared.test_rows],
        "quality": quality,
        "findings": [finding.to_json() for finding in prepared.findings],
        "calibrators": facts["calibrators"],
        "champion": facts["champion"],
        "threshold_reason": facts["threshold_reason"],
        "training": facts["history"],
        "evaluation": judged,
        "alone": quality["tables"].get(SIMPLE_MODELS, []),
        "start": starting_point(settings, prepared),
        "explanation": {}
        if schema.signal
        else global_explanation(champion, prepared, settings.seed),
        "examples": examples(champion, prepared, facts, settings.evaluation.examples),
        "provenance": {
            "settings": to_container(settings),
            **{k: facts[k] for k in ("fingerprint", "git", "versions")},
        },
    }


def _split_row(part: PartSummary) -> dict[str, Any]:
    row = {key.replace("_", " "): value for key, value in vars(part).items() if key != "shares"}
    return {**row, **part.shares}


def starting_point(settings: Config, prepared: Prepared) -> dict[str, Any]:
    """What the network started from, for how many labels: from scratch or from weights learnt
    elsewhere.

    A network's settings name those weights in the class attribute `pretrained`.
    """
    network = settings.model.network
    kin = {
        name: n
        for name, n in NETWORKS.items()
        if n.__module__ == type(network).__module__ and _weights(n)
    }
    return {
        "labels": len(prepared.splits.train),
        "network": network.name,
        "proposed": settings.data.network == network.name,
        "pretrained": _weights(network),
        "others": {name: _weights(n) for name, n in kin.items() if name != network.name},
        "signal": prepared.cohort.schema.signal is not None,
    }


def _weights(network: Any) -> str:
    return str(getattr(network, "pretrained", ""))


def global_explanation(package: Path, prepared: Prepared, seed: int) -> dict[str, Any]:
    """A model's SHAP values for validation rows: they stay in the report, no package holds them."""
    schema, scorer = prepared.cohort.schema.served(), Scorer((package / "risk.onnx").read_bytes())
    background = np.load(package / "explain" / "background.npy")
    rows = np.random.default_rng(seed).permutation(prepared.splits.validation)[:EXPLAINED]
    features = prepared.cohort.take(rows).encoded()
    explainer = Explainer(lambda x: scorer(x)[1], background, schema.feature_field, seed)
    shap = [explainer.explain(row)[1].tolist() for row in features]
    ranks = _ranks(features, schema.feature_field)
    values = [[None if np.isnan(v) else float(v) for v in row] for row in ranks]
    return {"fields": [f.name for f in schema.inputs], "shap": shap, "values": values}


def _ranks(features: Features, field: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Where each value stands among the others of its field, 0 to 1; NaN for categories and missing
    values.
    """
    columns = [np.flatnonzero(field == f) for f in range(int(field.max()) + 1)]
    first = [features[:, c[0]] if len(c) <= 2 else np.full(len(features), np.nan) for c in columns]
    return pd.DataFrame(np.stack(first, axis=1)).rank(pct=True).to_numpy(dtype=np.float64)
