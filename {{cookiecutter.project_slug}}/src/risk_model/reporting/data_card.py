"""What must somebody know of the data before trusting a model that learnt from them? Out of a run's
facts alone.

After Gebru et al., Datasheets for Datasets, Communications of the ACM 2021;64(12):86-92: those of
its questions that a run can answer. What the run did not compute and the settings do not state is
"Unknown".
"""

from __future__ import annotations

from typing import Any

from risk_model.core.cohort import DEVELOPMENT
from risk_model.reporting import tables
from risk_model.reporting.markdown import (
    UNKNOWN,
    Row,
    bullets,
    document,
    known,
    plain,
    section,
    table,
)
from risk_model.reporting.wording import percent

Facts = dict[str, Any]
SET_ASIDE = "set aside"
MISSING, SIZES = "missing", "development sample size"  # tables of the quality report
SHOWN = 12  # categories of a field
STRATA = ("age band", "sex", "ethnicity", "site", "period")
SERVED = (
    "Train teaches the models, validation stops them, calibration fits the calibrators and chooses "
    "the champion. "
    "Every other part judges, but for rows set aside, which serve nothing."
)
INTRODUCTION = (
    "Written by the run, from what it computed and what its settings state. Where neither says "
    "anything, it stands as "
    f'"{UNKNOWN}", and whoever knows should add it.'
)


def data_card(facts: Facts) -> bytes:
    """The data card as Markdown; `facts` is what `report_facts` returns, of which every part may be
    absent.
    """
    name = facts.get("cohort", {}).get("name", "")
    parts = (
        _source,
        _outcome,
        _split,
        _sizes,
        _fields,
        _quality,
        _findings,
        _accepted,
        _left_out,
        _held_out,
        _strata,
    )
    return document(f"# Data card: {known(name)}", INTRODUCTION, *(part(facts) for part in parts))


def data_settings(facts: Facts) -> Facts | None:
    """The settings of the source, `data` on the command line; None where they were not recorded."""
    settings: Facts | None = facts.get("provenance", {}).get("settings", {}).get("data")
    return settings


def quality_table(facts: Facts, name: str) -> list[Row] | None:
    """A table of the quality report; None where it was not made."""
    rows: list[Row] | None = facts.get("quality", {}).get("tables", {}).get(name)
    return rows


def _source(facts: Facts) -> str:
    cohort, provenance = facts.get("cohort", {}), facts.get("provenance", {})
    told = {
        "Source and licence": known(cohort.get("source")),
        "Rows": known(cohort.get("rows")),
        "Fingerprint of the content, SHA-256": known(provenance.get("fingerprint")),
        "Code that read them": known(provenance.get("git")),
        "Who collected them, why and with which consent": UNKNOWN,
    }
    return section("Source", bullets(told))


def _outcome(facts: Facts) -> str:
    told = {
        "Outcome": known(facts.get("cohort", {}).get("outcome")),
        "Time horizon, how it was established, and by whom": UNKNOWN,
    }
    return section("Outcome", bullets(told))


def _split(facts: Facts) -> str:
    rows = [{k: v for k, v in row.items() if k != "largest imbalance"} for row in _parts(facts)]
    shared = facts.get("shared_by_row_split")
    told = (
        f"A split by row would have put {shared[0]:,} subjects on both sides."
        if shared and shared[0]
        else ""
    )
    return section("Split", table(rows) or UNKNOWN, SERVED if rows else "", told)


def _parts(facts: Facts) -> list[Row]:
    return tables.split(facts.get("split", []))["rows"]


def _sizes(facts: Facts) -> str:
    train = next((row["rows"] for row in _parts(facts) if row["part"] == "train"), None)
    needed = quality_table(facts, SIZES)
    rows = [{**row, "rows to train on": known(train)} for row in needed or []]
    return section(
        "Sample size", "By Riley et al., BMJ 2020;368:m441." if rows else UNKNOWN, table(rows)
    )


def _fields(facts: Facts) -> str:
    absent = quality_table(facts, MISSING)
    shares = None if absent is None else {row["column"]: row["all"] for row in absent}
    if facts.get("fields"):
        return section("Fields", table([_field(field, shares) for field in facts["fields"]]))
    rows = [{"field": name, "missing": percent(share)} for name, share in (shares or {}).items()]
    told = "Units, ranges and descriptions: Unknown."
    if shares is None:
        return section("Fields", UNKNOWN)
    return section("Fields", told, table(rows) or "No value of any field is missing.")


def _field(field: Row, shares: dict[str, float] | None) -> Row:
    seen = not field["recorded_after"]
    return {
        "field": field["name"],
        "what it is": known(field["description"]),
        "kind": field["kind"],
        "unit": known(field["unit"]) if field["kind"] == "number" else "",
        "values": _values(field),
        "code": field["code"].replace("|", " "),
        "missing": percent(shares.get(field["name"], 0.0))
        if shares is not None and seen
        else UNKNOWN,
        "seen by models": seen,
    }


def _values(field: Row) -> str:
    """Categories, or the plausible range."""
    if field["kind"] != "number":
        more = len(field["categories"]) - SHOWN
        return ", ".join(field["categories"][:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
    low, high = (
        UNKNOWN if field[end] is None else f"{field[end]:g}" for end in ("minimum", "maximum")
    )
    return UNKNOWN if low == high == UNKNOWN else f"{low} to {high}"


def _quality(facts: Facts) -> str:
    answers = tables.answers(facts.get("quality", {}))
    return section(
        "Quality",
        "\n\n".join(f"**{plain(a['question'])}** {plain(a['answer'])}" for a in answers) or UNKNOWN,
    )


def _findings(facts: Facts) -> str:
    if "findings" not in facts:
        return section("Findings", UNKNOWN)
    urgent, notes = tables.findings(facts["findings"])
    return section("Findings", table([*urgent, *notes]) or "Nothing was found.")


def _accepted(facts: Facts) -> str:
    settings = data_settings(facts)
    if settings is None or "accept" not in settings:
        return section("Accepted", UNKNOWN)
    rows = [
        {"finding at": k, "why": why, "by whom": UNKNOWN} for k, why in settings["accept"].items()
    ]
    return section("Accepted", table(rows) or "No finding was accepted against the check.")


def _left_out(facts: Facts) -> str:
    settings = data_settings(facts)
    aside = [row["rows"] for row in _parts(facts) if row["part"] == SET_ASIDE]
    told = (
        f"{sum(aside):,} rows are set aside: their subject already stands in another part."
        if aside
        else ""
    )
    if settings is None:
        return section("Left out", "Columns: Unknown.", told)
    later = [f["name"] for f in facts.get("fields", []) if f["recorded_after"]] or settings.get(
        "recorded_after", []
    )
    rows = [
        {"column": c, "why": "known only after the prediction moment (data.recorded_after)"}
        for c in later
    ]
    rows += [
        {"column": c, "why": "data.exclude; the reason is Unknown"}
        for c in settings.get("exclude", [])
    ]
    return section(
        "Left out", table(rows) or "No column is kept from the models by the settings.", told
    )


def _held_out(facts: Facts) -> str:
    inside = (*DEVELOPMENT, SET_ASIDE)
    parts = [row for row in _parts(facts) if row["part"] not in inside]
    rows = [{key: row[key] for key in ("part", "rows", "events", "prevalence")} for row in parts]
    nobody = "No site and no period was held out." if _parts(facts) else UNKNOWN
    return section("Held out", table(rows) or nobody)


def _strata(facts: Facts) -> str:
    """The share of each stratum in each part, and which strata were not recorded."""
    rows = tables.split(facts.get("split", []))["strata"]
    absent = [
        name for name in STRATA if not any(row["stratum"].startswith(f"{name}: ") for row in rows)
    ]
    told = f"Not recorded: {', '.join(absent)}." if _parts(facts) and absent else ""
    return section("Demographics", table(rows) or UNKNOWN, told)
