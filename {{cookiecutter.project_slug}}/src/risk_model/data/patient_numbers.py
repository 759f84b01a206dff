"""Patient numbers: does anything tell whose each row is, and what is lost where nothing does?

Without them rows with equal inputs are kept together, and nobody can say that two other rows are
not one patient's: whether somebody stands both in what teaches and in what judges is not known.
"""

from __future__ import annotations

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.core.findings import Finding
from risk_model.core.setting_syntax import setting
from risk_model.data.sources.column_roles import NONE

KIND = "no patient numbers"


def patient_findings(cohort: Cohort, settings: config.Data) -> list[Finding]:
    """One finding where it is not known whose row each is, none where it is.

    A warning that asks for the column where the settings can name one; a note where the source
    publishes none.
    """
    if cohort.patients_identified:
        return []
    rows = cohort.row_name
    message = (
        f"nothing tells whose these {len(cohort):,} {rows} are, so it is not known whether one "
        "patient stands both in what teaches and in what judges, which makes figures too good"
    )
    if not isinstance(settings, config.Table):
        return [Finding("note", KIND, rows, f"{message}; the source publishes no such numbers")]
    remedy = (
        f"name their column, data.subject=COLUMN; if no two {rows} are of one patient, "
        f"{setting('data.subject', NONE)}; without either, {rows} are counted and not patients"
    )
    return [Finding("warning", KIND, rows, message, remedy)]
