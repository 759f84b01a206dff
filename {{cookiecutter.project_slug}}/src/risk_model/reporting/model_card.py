"""The model card: what somebody must know before using a model, and what nobody stated.

After Mitchell et al., Model Cards for Model Reporting, FAT* 2019. "Not stated" is what the settings
leave open, "Unknown" what the run did not record.
"""

from __future__ import annotations

from collections.abc import Sequence

from risk_model.core.decision import Decision
from risk_model.core.openings import OpeningCount
from risk_model.core.optional import optional_module
from risk_model.core.package import Acceptance
from risk_model.core.table import Row
from risk_model.evaluation.gates import FAIL, PASS
from risk_model.evaluation.metric_table import metrics_in
from risk_model.evaluation.results import (
    PartEvaluation,
    PooledPerformance,
    RunEvaluation,
    SubgroupEvaluation,
)
from risk_model.evaluation.subgroups import PARTITIONS
from risk_model.evaluation.utility import per_cent
from risk_model.model.table import label as model_label
from risk_model.reporting import tables
from risk_model.reporting.head_to_head import CAVEAT, head_to_head_sentences
from risk_model.reporting.markdown import (
    UNKNOWN,
    bullets,
    document,
    or_unknown,
    plain,
    section,
    table,
)
from risk_model.reporting.sentences import development, subgroup_rule
from risk_model.reporting.wording import openings_note, percent
from risk_model.training.record import ChampionChoice, TrainingRecord

NOT_STATED = "Not stated"


def model_card(
    name: str,
    record: TrainingRecord,
    evaluation: RunEvaluation,
    openings: OpeningCount | None = None,
    heterogeneity: Sequence[PooledPerformance] = (),
) -> str:
    """The model card of one model, in Markdown.

    Args:
        name: The model.
        record: What training decided; what it lacks (findings, sizes) is "Unknown".
        evaluation: Of the run; where somebody accepted the model, the card says who and why.
        openings: Of the test split; None where nothing tells.
        heterogeneity: Of the baselines over the sites that were left out in turn.
    """
    calibrator = tables.calibrators({name: record.calibrators[name]})
    flow = optional_module("reporting.event_flow")
    sites = optional_module("reporting.heterogeneity")  # in an edition that leaves some out
    performance = (_part(key, name, part) for key, part in evaluation.parts.items())
    blocks = (
        f"# {plain(record.outcome)}: {model_label(name)}",
        _role(name, record),
        _accepted(evaluation.accepted),
        _use(record, evaluation.decision),
        _gate(name, evaluation),
        _scope(name, evaluation),
        flow.card_section(record) if flow else "",
        _sizes(record, evaluation, openings),
        section("Performance", _development(record), *performance),
        _subgroups(name, evaluation),
        sites.card_section(name, heterogeneity) if sites else "",
        _beside(name, evaluation),
        _choice(record.champion),
        section("Calibration", table(calibrator)),
        _limits(record, evaluation),
    )
    return document(*blocks).decode()


def _role(name: str, record: TrainingRecord) -> str:
    champion = record.champion.name
    other = f"not the champion, which is {model_label(champion)}"
    return bullets(
        {
            "Predicts": plain(record.outcome),
            "Trained on the cohort": plain(record.cohort),
            "Role": "the champion" if champion == name else other,
            "Data fingerprint": or_unknown(record.fingerprint),
            "Code": or_unknown(record.git),
        }
    )


def _accepted(acceptance: Acceptance | None) -> str:
    if acceptance is None:
        return ""
    facts = {
        "By": plain(acceptance.by),
        "Why": plain(acceptance.reason),
        "Verdict of the gate": "; ".join(
            f"{plain(part)}: {verdict}" for part, verdict in acceptance.verdicts.items()
        ),
        "When": plain(acceptance.when),
    }
    return section("Accepted in spite of its gate", bullets(facts))


def _use(record: TrainingRecord, decision: Decision) -> str:
    """Only what the settings say."""
    low, high = decision.threshold_low, decision.threshold_high
    ratio = f"{decision.harm_ratio:g} false alerts" if decision.harm_ratio else NOT_STATED
    between = f"{percent(low)} and {percent(high)}" if high else NOT_STATED
    threshold = f"{per_cent(record.threshold)}. {plain(record.threshold_reason)}"
    facts = {
        "Why act on it": plain(decision.reason) or NOT_STATED,
        "A missed patient weighs as much as": ratio,
        "A clinician would act at a risk between": between,
        "Operating threshold": threshold,
        "Patients, users and place in their care": NOT_STATED,
    }
    return section("Intended use", bullets(facts))


def _gate(name: str, evaluation: RunEvaluation) -> str:
    rows: list[Row] = [
        {
            "part": part,
            "verdict": gates[name].verdict,
            "reasons": "; ".join(gates[name].reasons) or "within all bounds",
        }
        for part, gates in evaluation.gates.items()
    ]
    return section("Gate", f"Bounds: {tables.bounds(evaluation.bounds)}.", table(rows))


def _scope(name: str, evaluation: RunEvaluation) -> str:
    verdicts = {plain(part): gates[name].verdict for part, gates in evaluation.gates.items()}
    failed = [part for part, verdict in verdicts.items() if verdict == FAIL]
    unclear = [part for part, verdict in verdicts.items() if verdict not in (FAIL, PASS)]
    facts = {
        "Not to be used on": ", ".join(failed) or "no part that was judged has failed",
        "Not shown to work on": ", ".join(unclear)
        or f"no {'other ' * bool(failed)}part was judged and did not pass",
        "Never judged on": "any other site, period or group of patients",
    }
    return section("Out of scope", bullets(facts))


def _sizes(record: TrainingRecord, evaluation: RunEvaluation, openings: OpeningCount | None) -> str:
    taught = [
        _size_row(part, "teach", size.rows, size.subjects, size.events)
        for part, size in record.sizes.items()
    ]
    tested = [
        _size_row(
            name,
            "judge",
            part.n,
            part.subjects if evaluation.patients_identified else None,
            part.events,
        )
        for name, part in evaluation.parts.items()
    ]
    absent = "" if taught else f"Sizes of the parts that taught it: {UNKNOWN}."
    return section("Sample sizes", table([*taught, *tested]), absent, openings_note(openings))


def _development(record: TrainingRecord) -> str:
    rows = sum(size.rows for size in record.sizes.values())
    return development(record.folds, rows, record.chosen_out_of_fold)


def _size_row(part: str, use: str, rows: int, subjects: int | None, events: int) -> Row:
    people = tables.subjects_cell(subjects)
    return {"part": part, "used to": use, "rows": rows, "subjects": people, "events": events}


def _part(name: str, model: str, part: PartEvaluation) -> str:
    estimates = part.models[model].metrics
    rows: list[Row] = [
        {"metric": metric.label, "estimate (95 % interval)": estimates[metric.name]}
        for metric in metrics_in("models")
        if metric.name in estimates and metric.when != "on request"
    ]
    return f"### {plain(name)}\n\nEvent rate {percent(part.prevalence)}.\n\n{table(rows)}"


def _subgroups(name: str, evaluation: RunEvaluation) -> str:
    groups = {key: part.models[name].subgroups for key, part in evaluation.parts.items()}
    least = evaluation.minimum_events
    blocks = [_groups(part, rows, least) for part, rows in groups.items() if rows]
    judged = any(group.evaluated for rows in groups.values() for group in rows)
    rule = [subgroup_rule(evaluation)] if judged else []
    return section("Subgroups", *(rule + blocks or ["No group was recorded."]))


def _groups(part: str, groups: list[SubgroupEvaluation], least: int) -> str:
    """The groups that are large enough, and the names of the others; of pairs, few are."""
    few = [g for g in groups if g.partition in PARTITIONS and not g.evaluated]
    names = ", ".join(plain(f"{group.partition} {group.group}") for group in few)
    large = [group for group in groups if group.evaluated]
    rows = [*tables.subgroups(large), *tables.subgroups(large, crossed=True)]
    absent = f"Fewer than {least} events or non-events, so not judged: {names}." if few else ""
    blocks = f"### Groups of {plain(part)}", table(rows), absent
    return "\n\n".join(block for block in blocks if block)


def _beside(name: str, evaluation: RunEvaluation) -> str:
    """The model beside existing scores, in each part."""
    lines = [
        f"- {plain(key)}: {plain(sentence)}"
        for key, part in evaluation.parts.items()
        for sentence in head_to_head_sentences(name, part, evaluation.patients_identified)
    ]
    absent = "No existing score was compared with it (data.compare_with)."
    return section("Head to head", *(["\n".join(lines), CAVEAT] if lines else [absent]))


def _choice(champion: ChampionChoice) -> str:
    reason = f"{plain(champion.reason).rstrip('.')}."
    return section("How it was chosen", reason, table(tables.choice(champion)))


def _limits(record: TrainingRecord, evaluation: RunEvaluation) -> str:
    rows = tables.findings([*(record.findings or []), *evaluation.findings])
    absent = "" if record.findings is not None else f"What was found in the data: {UNKNOWN}."
    return section("Limits", table(rows) or "No finding of the evaluation.", absent)
