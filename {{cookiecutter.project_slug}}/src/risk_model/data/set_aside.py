"""Rows set aside: does a subject stand in several places because the number is not one person's?

Rows of a subject who also stands in a held-out site or period are left out. Where patient numbers
count within each hospital, different people share a number: most rows go, and what is left of two
people is taken for one.
"""

from __future__ import annotations

from risk_model.core.cohort import Cohort, Rows, Splits
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding

MUCH = 0.05  # share of the rows set aside that is worth a warning
SEVERAL = 20  # subjects of several sites: fewer say nothing about the numbers
CONTRADICT = 0.2  # of them whose sex or age is another elsewhere: slips of the pen are rarer
YEARS = 10.0  # of age between two rows of one subject: more is another person
REMEDY = (
    "if patient numbers count within each hospital, put hospital and number in one column and name "
    "it in data.subject; or hold out less"
)


def require_rows(development: Rows) -> Rows:
    """The rows to develop on; UserError where what is held out leaves none."""
    if not len(development):
        raise UserError(f"split: what is held out leaves no subject; {REMEDY}")
    return development


def set_aside_findings(cohort: Cohort, splits: Splits) -> list[Finding]:
    """Warnings: many rows set aside, and subjects who are somebody else at another site."""
    findings = []
    aside = len(splits.set_aside)
    if aside > MUCH * len(cohort):
        known, name = cohort.patients_identified, cohort.row_name
        also = "their subjects also stand" if known else f"equal {name} stand"
        message = (
            f"{aside:,} of {len(cohort):,} {name} are used nowhere: {also} in what is held out"
        )
        remedy = REMEDY if known else "ask why the same stands in several places, or hold out less"
        findings.append(Finding("warning", "rows set aside", "subjects", message, remedy))
    several, contradicting = contradicting_subjects(cohort)
    if several >= SEVERAL and contradicting >= CONTRADICT * several:
        message = (
            f"{contradicting:,} of {several:,} subjects seen at several sites have another sex "
            f"there, or an age more than {YEARS:g} years off: one number may be several people"
        )
        findings.append(Finding("warning", "shared numbers", "subjects", message, REMEDY))
    return findings


def contradicting_subjects(cohort: Cohort) -> tuple[int, int]:
    """How many subjects were seen at several sites, and of how many sex or age contradict that."""
    if not (cohort.recorded("subject_id") and cohort.recorded("site")):
        return 0, 0
    own = cohort.index.groupby(cohort.subjects)
    several = own["site"].nunique() > 1
    contradicts = several & False
    if cohort.recorded("sex"):
        contradicts |= own["sex"].nunique() > 1
    if cohort.recorded("age"):
        contradicts |= (own["age"].max() - own["age"].min()) > YEARS
    return int(several.sum()), int((several & contradicts).sum())
