"""What the report's page shows, section by section: the values that its template names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from risk_model.config.serialisation import settings_to_dict
from risk_model.core.findings import Finding
from risk_model.core.optional import optional_module, required_module
from risk_model.core.package import Verdict
from risk_model.core.parts import DEVELOPMENT
from risk_model.core.predictions import OPPOSITE
from risk_model.core.table import Row
from risk_model.data.quality_answer import SIMPLE_MODELS
from risk_model.data.split_report import RowSplitOverlap
from risk_model.evaluation.results import CURVE_EVENTS, GateVerdict
from risk_model.model.table import label as model_label
from risk_model.model.table import step
from risk_model.reporting import sentences, tables
from risk_model.reporting.content import (
    Illustration,
    Provenance,
    RecordingExamples,
    ReportContent,
)
from risk_model.reporting.head_to_head import (
    CAVEAT,
    head_to_head_sentences,
    head_to_head_table,
)
from risk_model.reporting.plots import CorePlots, core_plots, difference_plot
from risk_model.reporting.sentences import VerdictSummary
from risk_model.reporting.tables import MetricRow
from risk_model.reporting.training_plots import explanation_plot, history_plots
from risk_model.reporting.wording import capitalise, openings_note, percent
from risk_model.training.record import ChampionChoice

SECTIONS = {
    "core": "Core figures",
    "split": "Split",
    "findings": "Findings",
    "models": "Models",
    "places": "Places and times",
    "sample-size": "Sample size",
    "recalibration": "Recalibration",
    "head-to-head": "Head to head",
    "subgroups": "Subgroups",
    "parity": "Parity",
    "choice": "Choice of champion",
    "explanation": "Explanation",
    "training": "Training",
    "data": "Data quality",
    "provenance": "Provenance",
}


@dataclass(frozen=True)
class ModelColumn:
    """The head of a model's column: its label, whether it is champion, and its verdict."""

    label: str
    champion: bool
    verdict: Verdict


@dataclass(frozen=True)
class PartView:
    """What is shown of one part of the cohort."""

    name: str
    heading: str
    columns: list[ModelColumn]
    metric_rows: list[MetricRow]
    reasons: list[str]
    dropped: int
    differences: list[Row]
    difference_plot: Markup | None
    required_rows: list[Row]
    recalibration: list[Row]
    subgroups: list[Row]
    intersections: list[Row]
    group_curves: list[Markup]
    without_curve: str
    parity: list[Row]
    plots: CorePlots | None
    head_to_head: list[Row]
    head_to_head_sentences: list[str]


@dataclass(frozen=True)
class ChampionView:
    """The champion: its label, why it was chosen, and the comparison behind that."""

    label: str
    reason: str
    table: list[Row]


@dataclass(frozen=True)
class TrainingView:
    """How one model's training went."""

    model: str
    plots: list[Markup]
    caption: str


@dataclass(frozen=True)
class ExampleView:
    """One drawn recording and its caption."""

    drawing: Markup
    caption: str


@dataclass(frozen=True)
class ExamplesView:
    """The drawn recordings, and what is said above them."""

    introduction: str
    examples: list[ExampleView]


@dataclass(frozen=True)
class Places:
    """How performance varies over sites and times, and where missing values may be the cause."""

    forest: Markup | None = None
    table: list[Row] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    pooled: list[Row] = field(default_factory=list)
    missing_causes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ReportView:
    """Everything that `report.html.j2` names."""

    title: str
    cohort_line: str
    unit: str
    row_name: str
    summary: VerdictSummary
    comparisons: list[str]
    threshold_reason: str
    sections: dict[str, str]
    first_part: str
    plots: CorePlots | None
    split: list[Row]
    row_split: str
    openings: str
    strata: list[Row]
    urgent: list[Finding]
    notes: list[Finding]
    resamples: str
    minimum_events: int
    curve_events: int
    subgroup_rule: str
    parts: list[PartView]
    compared: bool
    caveat: str
    comparator: str
    left_out: bool
    places: Places
    calibrators: list[Row]
    champion: ChampionView
    baseline: str
    compared_on: str
    development: str
    network_start: str
    explanation: Markup | None
    examples: ExamplesView | None
    training: list[TrainingView]
    learning_curve: Illustration | None
    flow: Illustration | None
    answers: dict[str, str]
    quality_tables: dict[str, list[Row]]
    provenance: dict[str, str]
    settings: str
    bounds: str
    decision_reason: str


def report_view(content: ReportContent) -> ReportView:
    """The content as the page shows it."""
    evaluation, name = content.evaluation, content.champion.name
    first, quality = sentences.first_part(evaluation), content.quality
    simple_models = quality.tables.get(SIMPLE_MODELS, []) if quality else []
    comparisons = sentences.baseline(content.champion), sentences.simple_models(simple_models)
    urgent, notes = tables.sort_findings([*(content.findings or []), *evaluation.findings])
    return ReportView(
        title=capitalise(content.title),
        cohort_line=_cohort_line(content),
        unit=evaluation.unit,
        row_name=evaluation.row_name,
        summary=sentences.summarise(name, evaluation),
        comparisons=[sentence for sentence in comparisons if sentence],
        threshold_reason=content.threshold_reason,
        sections=SECTIONS,
        first_part="the test split" if first == "test" else first,
        plots=core_plots(evaluation.parts[first], name, evaluation.threshold),
        split=tables.split(content.split),
        row_split=row_split(content.row_split_overlap, evaluation.row_name),
        openings=openings_note(content.openings),
        strata=tables.strata(content.split),
        urgent=urgent,
        notes=notes,
        resamples=f"{evaluation.resamples:,}",
        minimum_events=evaluation.minimum_events,
        curve_events=CURVE_EVENTS,
        subgroup_rule=sentences.subgroup_rule(evaluation),
        parts=[_part_view(part, content, simple_models) for part in evaluation.parts],
        compared=any(part.models[name].head_to_head for part in evaluation.parts.values()),
        caveat=CAVEAT,
        comparator=model_label(evaluation.comparator),
        left_out=bool(content.left_out),
        places=_places(content),
        calibrators=tables.calibrators(content.calibrators),
        champion=_champion_view(content.champion),
        baseline=comparisons[0],
        compared_on=content.champion.compared_on,
        development=_development(content),
        network_start=sentences.start(content.network_start),
        explanation=explanation_plot(content.explanation) if content.explanation else None,
        examples=_examples_view(content.examples, evaluation.row_name),
        training=[_training_view(*item, content) for item in content.history.items()],
        learning_curve=content.learning_curve,
        flow=content.flow,
        answers={q: " ".join(a) for q, a in quality.answers.items()} if quality else {},
        quality_tables={k: v for k, v in quality.tables.items() if v} if quality else {},
        provenance=_provenance(content.provenance),
        settings=_settings(content.provenance),
        bounds=tables.bounds(evaluation.bounds),
        decision_reason=evaluation.decision.reason,
    )


def _part_view(part: str, content: ReportContent, simple_models: Sequence[Row]) -> PartView:
    evaluation, champion = content.evaluation, content.champion.name
    own, gates = evaluation.parts[part], evaluation.gates[part]
    model, first = own.models[champion], part == sentences.first_part(evaluation)
    threshold, comparator = evaluation.threshold, evaluation.comparator
    curves = optional_module("reporting.group_curves")
    # Age, sex and site alone were judged on development rows: they stand beside no other place.
    note = sentences.simple_models_note(simple_models) if first else ""
    counts = f"{own.n:,} {evaluation.row_name}, {own.events:,} events ({percent(own.prevalence)})"
    return PartView(
        name=part,
        heading=f"{part}: {counts}",
        columns=[
            ModelColumn(model_label(name), name == champion, gates[name].verdict)
            for name in own.models
        ],
        metric_rows=tables.metric_rows(own, threshold, note),
        reasons=[_reasons(name, gate) for name, gate in gates.items() if gate.reasons],
        dropped=own.resamples_dropped,
        differences=tables.differences(own, comparator),
        difference_plot=difference_plot(own, champion, comparator, threshold),
        required_rows=tables.required_rows(model, own.n),
        recalibration=tables.recalibration(own),
        subgroups=tables.subgroups(model.subgroups),
        intersections=tables.subgroups(model.subgroups, crossed=True),
        group_curves=curves.group_curves(model.subgroups) if curves else [],
        without_curve=curves.without_curve(model.subgroups) if curves else "",
        parity=tables.parity(model),
        plots=None if first else core_plots(own, champion, threshold),
        head_to_head=head_to_head_table(champion, model.head_to_head),
        head_to_head_sentences=head_to_head_sentences(
            champion, own, evaluation.patients_identified, _descriptions(content)
        ),
    )


def _descriptions(content: ReportContent) -> dict[str, str]:
    """What each field is, also by the name under which it may be compared the other way round."""
    described = {field.name: field.description for field in content.fields}
    return {f"{OPPOSITE}{name}": text for name, text in described.items()} | described


def _reasons(model: str, gate: GateVerdict) -> str:
    return f"{model_label(model)}: {'; '.join(gate.reasons)}."


def _places(content: ReportContent) -> Places:
    """Empty in an edition that leaves no site out."""
    forest = optional_module("reporting.forest")
    if forest is None:
        return Places()
    heterogeneity = required_module("reporting.heterogeneity")
    rows = forest.forest_rows(content.evaluation, content.left_out, content.champion.name)
    return Places(
        forest.forest_plot(rows),
        forest.forest_table(rows) if len(rows) > 1 else [],
        heterogeneity.heterogeneity_sentences(content.heterogeneity),
        heterogeneity.heterogeneity_table(content.heterogeneity),
        heterogeneity.missing_causes(rows, content.left_out, content.evaluation.bounds),
    )


def _cohort_line(content: ReportContent) -> str:
    if (cohort := content.cohort) is None:
        return ""
    rows = f"{cohort.rows:,} {content.evaluation.row_name}"
    return " · ".join(filter(None, (cohort.name, rows, cohort.source)))


def _champion_view(champion: ChampionChoice) -> ChampionView:
    """Why the champion was chosen, with the models' names as a reader says them."""
    reason = champion.reason
    for row in champion.table:
        reason = reason.replace(row.model, model_label(row.model))
    reason = f"{capitalise(reason).removesuffix('.')}."
    return ChampionView(model_label(champion.name), reason, tables.choice(champion))


def row_split(overlap: RowSplitOverlap | None, row_name: str = "rows") -> str:
    """What a split by row would have shared, and whether anybody can know; "" where unknown."""
    if overlap is None:
        return ""
    known, no_two = "No patient stands in two parts.", f"No patient has two {row_name}."
    if not overlap.patients_identified:
        known = (
            f"Whether a patient stands in two parts is not known: whose the {row_name} are was not "
            "recorded, and those of one patient that differ may stand in two."
        )
        no_two = f"No two {row_name} are equal."
    if not overlap.repeated:
        return f"{known} {no_two}"
    if not overlap.patients_identified:
        return f"{known} {overlap.repeated:,} stand there more than once, and are kept together."
    if not overlap.subjects:
        return f"{known} {overlap.repeated:,} subjects have several rows, which are kept together."
    return (
        f"{known} {overlap.repeated:,} subjects have several rows. A random split by row would "
        f"have put {overlap.subjects:,} of them on both sides, and {overlap.test_rows:,} of their "
        "rows on the tested side: that is why subjects are kept together."
    )


def _examples_view(examples: RecordingExamples | None, row_name: str) -> ExamplesView | None:
    if examples is None:
        return None
    recordings = [ExampleView(e.drawing, sentences.caption(e)) for e in examples.recordings]
    return ExamplesView(sentences.examples(examples, row_name), recordings)


def _development(content: ReportContent) -> str:
    rows = sum(part.rows for part in content.split if part.part == DEVELOPMENT)
    return sentences.development(content.folds, rows, content.chosen_out_of_fold)


def _training_view(
    model: str, history: list[dict[str, float | None]], content: ReportContent
) -> TrainingView:
    last = history[-1]["epoch"] if history else 0
    counted = step(model)
    recorded = f"{last:.0f} {counted}s recorded"
    if model in content.rounds:
        recorded += (
            f" without the first fold; made from all development rows with {content.rounds[model]}"
        )
    return TrainingView(model_label(model), history_plots(history, counted), f"{recorded}.")


def _provenance(provenance: Provenance | None) -> dict[str, str]:
    return {} if provenance is None else {**provenance.digests, "git": provenance.git}


def _settings(provenance: Provenance | None) -> str:
    content = {}
    if provenance:
        settings = settings_to_dict(provenance.settings)
        content = {"settings": settings, "versions": provenance.versions}
    return json.dumps(content, indent=1, ensure_ascii=False)
