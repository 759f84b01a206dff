"""Data quality: how much is there, how noisy, what is missing, how unbalanced, and is it the same
everywhere?

Inputs of every row may be described. Outcomes of the test split and of external cohorts are neither
used nor shown here: what is found may change what the user does next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from risk_model.core.cohort import DEVELOPMENT, Cohort, Rows, Splits
from risk_model.core.findings import Finding, Severity
from risk_model.data import confounding, noise, shift, underdiagnosis
from risk_model.data.sample_size import required_rows
from risk_model.data.strata import strata

RARE = 0.05  # prevalence below which the report suggests what to try
MOSTLY = 0.5  # share missing worth a note
IDENTIFIER = 0.99  # distinct values a row


@dataclass
class Quality:
    """Each question's answer in sentences, the tables behind them, and what a reviewer
    should know.
    """

    answers: dict[str, list[str]] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values."""
        findings = [finding.to_dict() for finding in self.findings]
        return {"answers": self.answers, "tables": self.tables, "findings": findings}

    def note(
        self, severity: Severity, kind: str, where: str, message: str, remedy: str = ""
    ) -> None:
        """Adds a finding."""
        self.findings.append(Finding(severity, kind, where, message, remedy))


def assess(cohort: Cohort, splits: Splits) -> Quality:
    """The lesson's questions about the data, answered; findings are strict enough for a clean
    cohort to have none.
    """
    learned = np.sort(
        np.concatenate([getattr(splits, name) for name in DEVELOPMENT if name != "test"])
    )
    quality = Quality(findings=list(cohort.notes))
    _volume(quality, cohort, splits, learned)
    _balance(quality, cohort, learned)
    _noise(quality, cohort, learned)
    _missing(quality, cohort)
    _plausible(quality, cohort)
    _columns(quality, cohort)
    _sites(quality, cohort, learned)
    _time(quality, cohort, learned)
    _groups(quality, cohort, learned)
    _confounding(quality, cohort, learned)
    return quality


def _volume(quality: Quality, cohort: Cohort, splits: Splits, learned: Rows) -> None:
    events, rows = int(cohort.labels[learned].sum()), len(learned)
    parameters = max(
        sum(max(len(f.features) - (f.kind == "category"), 1) for f in cohort.schema.inputs), 1
    )
    needed = required_rows(parameters, events / rows)
    most = max(needed.values())
    fewer = min(events, rows - events)
    quality.tables["development sample size"] = [
        {"criterion": c, "rows needed": n} for c, n in needed.items()
    ]
    quality.answers["How much data is there?"] = [
        f"{len(cohort):,} rows of {len(set(cohort.subjects)):,} subjects; "
        f"{len(splits.set_aside):,} rows set aside.",
        f"{rows:,} rows teach, tune and calibrate, with {events:,} events: "
        f"{fewer / parameters:.1f} of the rarer class "
        f"for each of {parameters} candidate parameters.",
        f"A regression of that size needs {most:,} rows to train on (Riley 2020, assuming a modest "
        "R²); it has "
        f"{len(splits.train):,}.",
    ]
    if len(splits.train) < most:
        message = (
            f"{len(splits.train):,} rows to train on, {most:,} needed for {parameters} "
            "parameters (Riley 2020)"
        )
        quality.note(
            "warning",
            "small sample",
            "train",
            message,
            "use fewer candidate predictors or more patients",
        )


def _balance(quality: Quality, cohort: Cohort, learned: Rows) -> None:
    share = float(cohort.labels[learned].mean())
    sentences = [
        f"{share:.1%} of the rows have the outcome; accuracy would be {max(share, 1 - share):.1%} "
        "for no model at all."
    ]
    if min(share, 1 - share) < RARE:
        sentences.append(
            "The outcome is rare: compare training.loss=pos_weight, which is recalibrated, with "
            "the default."
        )
        quality.note(
            "note", "imbalance", cohort.schema.outcome, f"{share:.1%} of the rows have the outcome"
        )
    quality.answers["How unbalanced is the outcome?"] = sentences


def _noise(quality: Quality, cohort: Cohort, learned: Rows) -> None:
    repeated, digits = noise.repeatability(cohort), noise.rounded(cohort)
    quality.tables["repeatability"] = [dict(row) for row in repeated]
    alike = "least alike in two rows of one subject (intraclass correlation, true change included)"
    least = ", ".join(f"{row['column']} {row['icc']:.2f}" for row in repeated[:3])
    measured = (
        f"Measurement noise: {alike}: {least}."
        if repeated
        else "Measurement noise: not assessable, too few subjects have two rows."
    )
    rounding = (
        f"Digit preference: {', '.join(digits)} end in 0 too often."
        if digits
        else "Digit preference: none seen."
    )
    for name in digits:
        quality.note("note", "digit preference", name, "ends in 0 more often than a reading would")
    quality.answers["How noisy are labels and measurements?"] = [
        noise.label_noise(cohort, learned),
        measured,
        rounding,
    ]


def _missing(quality: Quality, cohort: Cohort) -> None:
    absent = cohort.inputs[[f.name for f in cohort.schema.inputs]].isna()
    shares = absent.mean().sort_values(ascending=False)
    table = pd.DataFrame({"all": shares})
    for stratum, groups in strata(cohort).items():
        if groups.nunique() <= 12:
            by = absent.groupby(groups.to_numpy(), observed=True).mean().T.reindex(shares.index)
            table = table.join(by.add_prefix(f"{stratum}: "))
    shown = table[shares > 0]
    quality.tables["missing"] = [
        {"column": str(c), **{str(k): float(v) for k, v in row.items()}}
        for c, row in shown.iterrows()
    ]
    worst = ", ".join(f"{name} {share:.0%}" for name, share in shares[shares > 0].head(3).items())
    quality.answers["What is missing?"] = [
        f"Most often missing: {worst}." if worst else "Nothing is missing."
    ]
    for name, share in shares[shares >= MOSTLY].items():
        quality.note("note", "mostly missing", str(name), f"{share:.0%} of the rows have no value")


def _plausible(quality: Quality, cohort: Cohort) -> None:
    known = [f.where for f in cohort.notes if f.kind == "implausible values"]
    sentences = (
        [f"Values outside their plausible range were taken as missing in {', '.join(known)}."]
        if known
        else []
    )
    for f in cohort.schema.inputs:
        low, high = (
            (-np.inf if f.minimum is None else f.minimum),
            (np.inf if f.maximum is None else f.maximum),
        )
        column = cohort.inputs[f.name] if f.kind == "number" else pd.Series(dtype=np.float64)
        outside = int(((column < low) | (column > high)).sum())
        if outside:
            message = f"{outside:,} values outside the plausible range ({f.range_text()})"
            quality.note(
                "warning",
                "implausible values",
                f.name,
                message,
                "correct them or the schema's range",
            )
            sentences.append(f"{f.name}: {message}.")
    quality.answers["Are the values plausible?"] = sentences or [
        "No value lies outside its plausible range."
    ]


def _columns(quality: Quality, cohort: Cohort) -> None:
    same = int(pd.DataFrame({"h": cohort.row_hash, "s": cohort.subjects}).duplicated().sum())
    sentences = [f"{same:,} rows repeat another row of the same subject in every field."]
    for f in cohort.schema.inputs:
        column = cohort.inputs[f.name]
        distinct, seen = column.nunique(), int(column.notna().sum())
        if distinct <= 1 and seen in (0, len(column)):
            quality.note(
                "warning",
                "constant column",
                f.name,
                "has one value in every row",
                "add it to data.exclude",
            )
            sentences.append(f"{f.name} never varies.")
        coded = f.kind == "category" or (
            f.kind == "number" and bool((column.dropna() % 1 == 0).all())
        )
        if coded and seen >= 100 and distinct >= IDENTIFIER * seen:
            quality.note(
                "warning",
                "identifier-like column",
                f.name,
                "differs in almost every row",
                "exclude it",
            )
            sentences.append(f"{f.name} looks like an identifier.")
    quality.answers["Do records repeat, and do columns vary?"] = sentences


def _sites(quality: Quality, cohort: Cohort, learned: Rows) -> None:
    found = _stand_out(cohort, learned, "site")
    findings = shift.site_shift(found or [])
    _answer(quality, "Do the sites agree?", "site", found, findings)


def _time(quality: Quality, cohort: Cohort, learned: Rows) -> None:
    found = _stand_out(cohort, learned, "period")
    _answer(quality, "Does the cohort change over time?", "date", found, shift.drift(found or []))


def _stand_out(cohort: Cohort, learned: Rows, stratum: str) -> list[shift.Contrast] | None:
    """The contrasts found; None when the stratum was not recorded."""
    if stratum not in strata(cohort):
        return None
    return [c for c in shift.contrasts(cohort, learned, stratum) if c.found]


def _answer(
    quality: Quality,
    question: str,
    what: str,
    found: list[shift.Contrast] | None,
    findings: list[Finding],
) -> None:
    if found is None:
        quality.answers[question] = [f"Not assessable: no {what} was recorded."]
        return
    quality.findings += findings
    quality.tables[question] = [vars(c) for c in found]
    quality.answers[question] = [f"{f.where}: {f.message}." for f in findings] or [
        "No difference beyond chance and case mix."
    ]


def _groups(quality: Quality, cohort: Cohort, learned: Rows) -> None:
    question = "Is the outcome recorded alike in every group?"
    judged = underdiagnosis.recorded(cohort.take(learned))
    findings = [finding for r in judged for finding in r.finding()]
    quality.findings += findings
    quality.tables["recorded and expected events"] = [vars(r) for r in judged]
    told = [f"{f.where}: {f.message}." for f in findings]
    nobody = "Not assessable: neither sex nor ethnicity was recorded, or too few events."
    quality.answers[question] = told or [
        "No group has its outcome recorded much less often than its inputs explain."
        if judged
        else nobody
    ]


def _confounding(quality: Quality, cohort: Cohort, learned: Rows) -> None:
    judged = confounding.alone(cohort.take(learned))
    quality.findings += [finding for known in judged for finding in known.findings()]
    quality.tables[confounding.TABLE] = [known.row() for known in judged]
    nobody = "Not assessable: neither age nor sex nor site was recorded, or too few events."
    quality.answers[confounding.QUESTION] = [known.sentence() for known in judged] or [nobody]
