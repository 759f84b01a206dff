"""What must somebody know before using this model? What the run computed or the settings stated,
and what nobody did.

After Mitchell et al., Model Cards for Model Reporting, FAT* 2019. "Not stated" is what the settings
leave open, "Unknown" what the run did not record.
"""

from __future__ import annotations

from typing import Any

from risk_model.evaluation.gates import FAIL, PASS
from risk_model.evaluation.subgroups import PARTITIONS
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
from risk_model.reporting.plots import words
from risk_model.reporting.tables import LABELS
from risk_model.reporting.wording import percent

Facts = dict[str, Any]
NOT_STATED = "Not stated"


def model_card(name: str, facts: Facts, judged: Facts) -> str:
    """The model card of one model, in Markdown.

    `facts` is a run's training.json, `judged` what `evaluation.evaluate` returned. Read where
    present: in `facts` the "sizes" {part: {rows, subjects, events}} of the parts that taught the
    model and the "findings" of the data, in `judged` the "decision" that the settings state, and
    "accepted" {by, reason, verdict, when}: who answers for it in spite of its gate.
    """
    blocks = (
        f"# {plain(facts['outcome'])}: {words(name)}",
        _role(name, facts),
        _accepted(judged.get("accepted")),
        _use(facts, judged),
        _gate(name, judged),
        _scope(name, judged),
        _sizes(facts, judged),
        section("Performance", *(_part(part, name, judged) for part in judged["parts"])),
        _subgroups(name, judged),
        _choice(facts),
        section("Calibration", table(tables.calibrators({name: facts["calibrators"][name]}))),
        _limits(facts, judged),
    )
    return document(*blocks).decode()


def _role(name: str, facts: Facts) -> str:
    champion = facts["champion"]["name"]
    told = {
        "Predicts": plain(facts["outcome"]),
        "Trained on the cohort": plain(facts["cohort"]),
        "Role": "the champion"
        if champion == name
        else f"not the champion, which is {words(champion)}",
        "Data fingerprint": known(facts.get("fingerprint")),
        "Code": known(facts.get("git")),
    }
    return bullets(told)


def _accepted(accepted: Facts | None) -> str:
    if not accepted:
        return ""
    names = {"By": "by", "Why": "reason", "Verdict of the gate": "verdict", "When": "when"}
    told = {label: known(accepted.get(key)) for label, key in names.items()}
    return section("Accepted in spite of its gate", bullets(told))


def _use(facts: Facts, judged: Facts) -> str:
    """Only what the settings say; a decision that was not recorded is Unknown."""
    reason = ratio = between = UNKNOWN
    if "decision" in judged:
        decision = judged["decision"]
        low, high = decision["threshold_low"], decision["threshold_high"]
        reason = plain(decision["reason"]) or NOT_STATED
        ratio = f"{decision['harm_ratio']:g} false alerts" if decision["harm_ratio"] else NOT_STATED
        between = f"{percent(low)} and {percent(high)}" if high else NOT_STATED
    told = {
        "Why act on it": reason,
        "A missed patient weighs as much as": ratio,
        "A clinician would act at a risk between": between,
        "Operating threshold": f"{percent(facts['threshold'])}. {plain(facts['threshold_reason'])}",
        "Patients, users and place in their care": NOT_STATED,
    }
    return section("Intended use", bullets(told))


def _gate(name: str, judged: Facts) -> str:
    gates = {part: gate[name] for part, gate in judged["gates"].items()}
    rows = [
        {
            "part": part,
            "verdict": gate["verdict"],
            "reasons": "; ".join(gate["reasons"]) or "within all bounds",
        }
        for part, gate in gates.items()
    ]
    return section("Gate", f"Bounds: {tables.gates(judged['bounds'])}.", table(rows))


def _scope(name: str, judged: Facts) -> str:
    verdicts = {part: gate[name]["verdict"] for part, gate in judged["gates"].items()}
    failed = [plain(part) for part, verdict in verdicts.items() if verdict == FAIL]
    unclear = [plain(part) for part, verdict in verdicts.items() if verdict not in (FAIL, PASS)]
    told = {
        "Not to be used on": ", ".join(failed) or "no part that was judged has failed",
        "Not shown to work on": ", ".join(unclear) or "no part that was judged was too small",
        "Never judged on": "any other site, period or group of patients",
    }
    return section("Out of scope", bullets(told))


def _sizes(facts: Facts, judged: Facts) -> str:
    keys = ("rows", "subjects", "events")
    taught = [
        {"part": part, "used to": "teach", **{k: row[k] for k in keys}}
        for part, row in _taught(facts).items()
    ]
    tested = [
        {
            "part": part,
            "used to": "judge",
            "rows": content["n"],
            **{k: content[k] for k in keys[1:]},
        }
        for part, content in judged["parts"].items()
    ]
    absent = "" if taught else f"Sizes of the parts that taught it: {UNKNOWN}."
    return section("Sample sizes", table([*taught, *tested]), absent)


def _taught(facts: Facts) -> dict[str, Row]:
    sizes: dict[str, Row] = facts.get("sizes", {})
    return sizes


def _part(part: str, name: str, judged: Facts) -> str:
    metrics = judged["parts"][part]["models"][name]["metrics"]
    rows = [
        {"figure": label, "estimate (95 % interval)": metrics[key]}
        for key, label in LABELS.items()
        if key in metrics
    ]
    prevalence = percent(judged["parts"][part]["prevalence"])
    return f"### {plain(part)}\n\nEvent rate {prevalence}.\n\n{table(rows)}"


def _subgroups(name: str, judged: Facts) -> str:
    parts = {
        part: content["models"][name]["subgroups"] for part, content in judged["parts"].items()
    }
    told = [_groups(part, rows, judged["minimum_events"]) for part, rows in parts.items() if rows]
    return section("Subgroups", *(told or ["No group was recorded."]))


def _groups(part: str, rows: list[Row], least: int) -> str:
    single = [
        row for row in rows if row["partition"] in PARTITIONS
    ]  # of their pairs, few are large enough
    few = [plain(f"{row['partition']} {row['group']}") for row in single if not row["judged"]]
    large = {"subgroups": [row for row in rows if row["judged"]]}
    judged = table([*tables.subgroups(large), *tables.subgroups(large, crossed=True)])
    absent = (
        f"Fewer than {least} events or non-events, so not judged: {', '.join(few)}." if few else ""
    )
    return "\n\n".join(block for block in (f"### Groups of {plain(part)}", judged, absent) if block)


def _choice(facts: Facts) -> str:
    champion = facts["champion"]
    return section(
        "How it was chosen",
        f"{plain(champion['reason']).rstrip('.')}.",
        table(tables.choice(champion)),
    )


def _limits(facts: Facts, judged: Facts) -> str:
    urgent, notes = tables.findings([*facts.get("findings", []), *judged.get("findings", [])])
    absent = "" if "findings" in facts else f"What was found in the data: {UNKNOWN}."
    return section("Limits", table([*urgent, *notes]) or "No finding of the evaluation.", absent)
