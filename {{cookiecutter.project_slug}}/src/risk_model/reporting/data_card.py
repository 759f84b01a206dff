"""The data card: what somebody must know of the data before trusting a model that learnt from them.

After Gebru et al., Datasheets for Datasets, Communications of the ACM 2021;64(12):86-92: those of
its questions that a run can answer. What the run did not compute and the settings do not state is
"Unknown".
"""

from __future__ import annotations

from typing import Any

from risk_model.core.parts import DEVELOPMENT, PARTS
from risk_model.core.predictions import OPPOSITE
from risk_model.core.schema import Field
from risk_model.core.table import Row
from risk_model.data.quality_answer import MISSING, SAMPLE_SIZE
from risk_model.reporting import tables
from risk_model.reporting.content import FINGERPRINT, ReportContent
from risk_model.reporting.markdown import (
    UNKNOWN,
    bullets,
    document,
    or_unknown,
    plain,
    section,
    table,
)
from risk_model.reporting.wording import percent

SET_ASIDE = "set aside"
MOST_CATEGORIES = 12  # of a field
STRATA = ("age band", "sex", "ethnicity", "site", "period")
SERVED = (
    "Train teaches the models, validation stops them, calibration fits the calibrators and chooses "
    "the champion. Every other part judges, but for rows set aside, which serve nothing."
)
INTRODUCTION = (
    "Written by the run, from what it computed and what its settings state. Where neither says "
    f'anything, it stands as "{UNKNOWN}", and whoever knows should add it.'
)


TRAINED_ON = (DEVELOPMENT, "train")


def data_card(content: ReportContent) -> bytes:
    """The data card of a run, as Markdown."""
    name = content.cohort.name if content.cohort else None
    return document(
        f"# Data card: {or_unknown(name)}",
        INTRODUCTION,
        _source(content),
        _outcome(content),
        _split(content),
        _sizes(content),
        _fields(content),
        _quality(content),
        _findings(content),
        _accepted(content),
        _left_out(content),
        _held_out(content),
        _strata(content),
    )


def data_settings(content: ReportContent) -> Any:
    """The settings of the source, `data` on the command line; None where they were not recorded."""
    return content.provenance.settings.data if content.provenance else None


def quality_table(content: ReportContent, name: str) -> list[Row] | None:
    """A table of the quality report; None where it was not made."""
    return content.quality.tables.get(name) if content.quality else None


def _source(content: ReportContent) -> str:
    cohort, provenance = content.cohort, content.provenance
    facts = {
        "Source and licence": or_unknown(cohort and cohort.source),
        "Rows": or_unknown(cohort and cohort.rows),
        "Fingerprint of the content, SHA-256": or_unknown(
            provenance and provenance.digests.get(FINGERPRINT)
        ),
        "Code that read them": or_unknown(provenance and provenance.git),
        "Who collected them, why and with which consent": UNKNOWN,
    }
    return section("Source", bullets(facts))


def _outcome(content: ReportContent) -> str:
    facts = {
        "Outcome": or_unknown(content.cohort and content.cohort.outcome),
        "Time horizon, how it was established, and by whom": UNKNOWN,
    }
    return section("Outcome", bullets(facts))


def _split(content: ReportContent) -> str:
    rows = [{k: v for k, v in row.items() if k != "largest imbalance"} for row in _parts(content)]
    overlap = content.row_split_overlap
    subjects = overlap.subjects if overlap and overlap.patients_identified else 0
    shared = f"A split by row would have put {subjects:,} subjects on both sides."
    return section(
        "Split", table(rows) or UNKNOWN, SERVED if rows else "", shared if subjects else ""
    )


def _parts(content: ReportContent) -> list[Row]:
    return tables.split(content.split)


def _sizes(content: ReportContent) -> str:
    train = next((part.rows for part in content.split if part.part in TRAINED_ON), None)
    needed = quality_table(content, SAMPLE_SIZE) or []
    rows: list[Row] = [{**row, "rows to train on": or_unknown(train)} for row in needed]
    source = "By Riley et al., BMJ 2020;368:m441." if rows else UNKNOWN
    return section("Sample size", source, table(rows))


def _fields(content: ReportContent) -> str:
    missing = quality_table(content, MISSING)
    shares = None if missing is None else {str(row["column"]): row["all"] for row in missing}
    rows = [_field_row(field, _missing(field, shares)) for field in content.fields]
    return section("Fields", table(rows) or UNKNOWN)


def _missing(field: Field, shares: dict[str, Any] | None) -> str:
    """The share of a field's values that is missing; fields without any are not in the table."""
    known = shares is not None and not field.recorded_after
    return percent(shares.get(field.name, 0.0)) if shares is not None and known else UNKNOWN


def _field_row(field: Field, missing: str) -> Row:
    return {
        "field": field.name,
        "what it is": or_unknown(field.description),
        "kind": field.kind,
        "unit": or_unknown(field.unit) if field.kind == "number" else "",
        "values": _values(field),
        "code": field.code.replace("|", " "),
        "missing": missing,
        "seen by models": not field.recorded_after,
    }


def _values(field: Field) -> str:
    """Categories, or the plausible range."""
    if field.kind != "number":
        more = len(field.categories) - MOST_CATEGORIES
        first = ", ".join(field.categories[:MOST_CATEGORIES])
        return first + (f" and {more:,} more" if more > 0 else "")
    ends = [UNKNOWN if end is None else f"{end:g}" for end in (field.minimum, field.maximum)]
    return UNKNOWN if ends == [UNKNOWN, UNKNOWN] else " to ".join(ends)


def _quality(content: ReportContent) -> str:
    answers = content.quality.answers if content.quality else {}
    blocks = [f"**{plain(q)}** {plain(' '.join(answer))}" for q, answer in answers.items()]
    return section("Quality", *(blocks or [UNKNOWN]))


def _findings(content: ReportContent) -> str:
    if content.findings is None:
        return section("Findings", UNKNOWN)
    return section("Findings", table(tables.findings(content.findings)) or "Nothing was found.")


def _accepted(content: ReportContent) -> str:
    settings = data_settings(content)
    if settings is None:
        return section("Accepted", UNKNOWN)
    rows: list[Row] = [
        {"finding at": column, "why": why, "by whom": UNKNOWN}
        for column, why in settings.accept.items()
    ]
    return section("Accepted", table(rows) or "No finding was accepted against the check.")


def _left_out(content: ReportContent) -> str:
    settings = data_settings(content)
    rows = sum(part.rows for part in content.split if part.part == SET_ASIDE)
    evaluation = content.evaluation
    why = "their subject already stands" if evaluation.patients_identified else "an equal stands"
    aside = f"{rows:,} {evaluation.row_name} are set aside: {why} in another part." if rows else ""
    if settings is None:
        return section("Left out", "Columns: Unknown.", aside)
    later = [field.name for field in content.fields if field.recorded_after]
    reasons = dict.fromkeys(
        later or settings.recorded_after,
        "known only after the prediction moment (data.recorded_after)",
    )
    reasons |= {
        name: "an existing score, judged beside the models (data.compare_with)"
        for name in later
        if {name, f"{OPPOSITE}{name}"} & {*settings.compare_with}
    }
    excluded = getattr(settings, "exclude", [])  # of tables
    reasons |= dict.fromkeys(excluded, "data.exclude; the reason is Unknown")
    columns: list[Row] = [{"column": column, "why": why} for column, why in reasons.items()]
    nothing = "No column is kept from the models by the settings."
    return section("Left out", table(columns) or nothing, aside)


def _held_out(content: ReportContent) -> str:
    inside = (DEVELOPMENT, *PARTS, SET_ASIDE)
    rows = [
        {key: row[key] for key in ("part", "rows", "events", "prevalence")}
        for row in _parts(content)
        if row["part"] not in inside
    ]
    nobody = "No site and no period was held out." if content.split else UNKNOWN
    return section("Held out", table(rows) or nobody)


def _strata(content: ReportContent) -> str:
    """The share of each stratum in each part, and which strata were not recorded."""
    rows = tables.strata(content.split)
    recorded = {str(row["stratum"]).partition(": ")[0] for row in rows}
    absent = [name for name in STRATA if name not in recorded]
    text = f"Not recorded: {', '.join(absent)}." if content.split and absent else ""
    return section("Demographics", table(rows) or UNKNOWN, text)
