"""The content of a report: what each layer before wrote down, and what moves the champion's
risks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import Markup

from risk_model.config import NETWORKS, Config
from risk_model.core.findings import Finding
from risk_model.core.openings import OpeningCount, count_openings
from risk_model.core.optional import optional_module, required_module
from risk_model.core.schema import Features, Field
from risk_model.core.scorer import Scorer
from risk_model.core.scores import Floats
from risk_model.core.table import Row
from risk_model.data.prepare import Prepared
from risk_model.data.quality import Quality
from risk_model.data.split_report import (
    PartSummary,
    RowSplitOverlap,
    shared_by_row_split,
    split_report,
)
from risk_model.evaluation.results import (
    InternalExternalValidation,
    LeftOutEvaluation,
    PooledPerformance,
    RunEvaluation,
)
from risk_model.model.exact_shapley import exact_values
from risk_model.model.explain import Explainer
from risk_model.training.record import CalibratorRecord, ChampionChoice, History, TrainingRecord

EXPLAINED_ROWS = 200  # validation rows behind the global SHAP plot
FINGERPRINT = "fingerprint"  # among the digests: that of the data the run learnt from


@dataclass(frozen=True)
class CohortSummary:
    """Whose data these are: name, source with its licence, number of rows, and the outcome.

    `subjects_named` is whether a column says whose row each is.
    """

    name: str
    source: str
    rows: int
    outcome: str = ""
    subjects_named: bool = False


@dataclass(frozen=True)
class NetworkStart:
    """What the network started from, for how many labels.

    `pretrained` and `alternatives` say where weights come from, "" for a start from scratch;
    `proposed` is whether the source of the data proposes this network.
    """

    labels: int
    network: str
    proposed: bool
    pretrained: str
    alternatives: dict[str, str]


@dataclass(frozen=True)
class GlobalExplanation:
    """SHAP values of many patients, [n, fields].

    `ranks` is where each value stands among the others of its field, 0 to 1; NaN for categories
    and missing values.
    """

    fields: list[str]
    shap: Floats
    ranks: Floats


@dataclass(frozen=True)
class RecordingExample:
    """One drawn recording: the rule that picked it, its risk, and whether the event happened."""

    rule: str
    risk: float
    event: bool
    drawing: Markup


@dataclass(frozen=True)
class RecordingExamples:
    """The drawn recordings, how many were asked for, and how what matters was measured.

    `calibrated` is whether it is on the scale of the calibrated risk's log odds.
    """

    requested: int
    method: Literal["Grad-CAM", "occlusion"]
    calibrated: bool
    recordings: list[RecordingExample]


@dataclass(frozen=True)
class Illustration:
    """What was found, in sentences, a table and a plot with its caption."""

    sentences: list[str]
    table: list[Row]
    plot: Markup
    caption: str


@dataclass(frozen=True)
class Provenance:
    """What a report rests on: digests of data and package, commit, versions, and settings."""

    digests: dict[str, str]
    git: str
    versions: dict[str, str]
    settings: Config


@dataclass(frozen=True)
class ReportContent:
    """Everything that a report shows. What is None or empty is "Not recorded" on the page."""

    title: str
    champion: ChampionChoice
    evaluation: RunEvaluation
    threshold_reason: str = ""
    cohort: CohortSummary | None = None
    fields: tuple[Field, ...] = ()
    split: list[PartSummary] = field(default_factory=list)
    row_split_overlap: RowSplitOverlap | None = None
    openings: OpeningCount | None = None
    quality: Quality | None = None
    findings: list[Finding] | None = None
    calibrators: dict[str, CalibratorRecord] = field(default_factory=dict)
    history: History = field(default_factory=dict)
    folds: int = 0  # not recorded
    rounds: dict[str, int] = field(default_factory=dict)
    chosen_out_of_fold: dict[str, int] = field(default_factory=dict)
    left_out: list[LeftOutEvaluation] = field(default_factory=list)
    heterogeneity: list[PooledPerformance] = field(default_factory=list)
    network_start: NetworkStart | None = None
    explanation: GlobalExplanation | None = None
    examples: RecordingExamples | None = None
    learning_curve: Illustration | None = None
    flow: Illustration | None = None
    provenance: Provenance | None = None


def report_content(
    settings: Config,
    directory: Path,
    prepared: Prepared,
    record: TrainingRecord,
    evaluation: RunEvaluation,
    validated: InternalExternalValidation,
) -> ReportContent:
    """The content of a run's report.

    Args:
        settings: Those the run was trained with.
        directory: The run's directory, which holds its packages.
        prepared: The data that it was trained on.
        record: What training decided.
        evaluation: What the evaluation of the run showed.
        validated: Sites and periods that were left out in turn; empty where none was.
    """
    cohort, splits, name = prepared.cohort, prepared.splits, record.champion.name
    named = cohort.recorded("subject_id")
    schema, package = cohort.schema, directory / "packages" / name
    flow = optional_module("reporting.event_flow")  # of a cohort that was selected from events
    curve = optional_module("reporting.learning_curve")  # what was made by then, in this edition
    test_share = len(splits.test) / len(cohort) or 1 / settings.split.folds
    return ReportContent(
        title=f"{schema.outcome} — {schema.name}",
        champion=record.champion,
        evaluation=evaluation,
        threshold_reason=record.threshold_reason,
        cohort=CohortSummary(schema.name, cohort.source, len(cohort), schema.outcome, named),
        fields=tuple(schema.fields),
        split=split_report(cohort, splits),
        row_split_overlap=shared_by_row_split(cohort, test_share, settings.seed),
        openings=count_openings(directory, record.fingerprint, record.protocol),
        quality=prepared.quality,
        findings=prepared.findings,
        calibrators=record.calibrators,
        history=record.history,
        folds=record.folds,
        rounds=record.rounds,
        chosen_out_of_fold=record.chosen_out_of_fold,
        left_out=validated.left_out,
        heterogeneity=validated.heterogeneity,
        network_start=network_start(settings, prepared),
        explanation=None if schema.signal else explain_globally(package, prepared, settings.seed),
        examples=_examples(settings, package, prepared, record) if schema.signal else None,
        learning_curve=curve.read_illustration(directory) if curve else None,
        flow=flow.illustration(cohort) if flow else None,
        provenance=Provenance(
            {FINGERPRINT: record.fingerprint}, record.git, record.versions, settings
        ),
    )


def _examples(
    settings: Config, package: Path, prepared: Prepared, record: TrainingRecord
) -> RecordingExamples | None:
    selection = required_module("reporting.example_selection")
    examples: RecordingExamples | None = selection.select_examples(
        package,
        prepared,
        record.calibrators[record.champion.name],
        record.threshold,
        settings.evaluation.examples,
    )
    return examples


def network_start(settings: Config, prepared: Prepared) -> NetworkStart | None:
    """What the network started from; None for a table, for which nobody has trained weights.

    A network's settings name those weights in the class attribute `pretrained`.
    """
    if prepared.cohort.schema.signal is None:
        return None
    network = settings.model.network
    family = {name: n for name, n in NETWORKS.items() if n.__module__ == type(network).__module__}
    pretrained = {name: _pretrained(n) for name, n in family.items() if name != network.name}
    return NetworkStart(
        labels=len(prepared.splits.train),
        network=network.name,
        proposed=settings.data.network == network.name,
        pretrained=_pretrained(network),
        alternatives={name: weights for name, weights in pretrained.items() if weights},
    )


def _pretrained(network: Any) -> str:
    return str(getattr(network, "pretrained", ""))


def explain_globally(package: Path, prepared: Prepared, seed: int) -> GlobalExplanation:
    """SHAP values for `splits.shown`: they stay in the report, no package holds them."""
    schema, graph = prepared.cohort.schema.served(), (package / "risk.onnx").read_bytes()
    scorer = Scorer(graph)
    background = np.load(package / "explain" / "background.npy")
    rows = np.random.default_rng(seed).permutation(prepared.splits.shown)[:EXPLAINED_ROWS]
    features = prepared.cohort.take(rows).encoded()
    field, names = schema.feature_field, [field.name for field in schema.inputs]
    if schema.cells:  # of a measurement, as its columns are, and of no field
        field, names = required_module("signals.event_schema").measurements(schema)
    inputs = (lambda x: scorer(x)[1]), background, field
    explainer = Explainer(*inputs, seed, exact_values(graph, *inputs))
    shap = np.stack([explainer.explain(row)[1] for row in features])
    return GlobalExplanation(names, shap, _ranks(features, field))


def _ranks(features: Features, field: npt.NDArray[np.intp]) -> Floats:
    """The rank of each value among the others of its field, 0 to 1; NaN where it has none."""
    columns = [np.flatnonzero(field == f) for f in range(int(field.max()) + 1)]
    first = [features[:, c[0]] if len(c) <= 2 else np.full(len(features), np.nan) for c in columns]
    return pd.DataFrame(np.stack(first, axis=1)).rank(pct=True).to_numpy(dtype=np.float64)
