"""Patient numbers: does anything tell whose each row is, and what is not known without them?"""

from __future__ import annotations

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.core.findings import Finding
from risk_model.core.setting_syntax import setting
from risk_model.data.sources.column_roles import NONE

KIND = "no patient numbers"


def patient_findings(cohort: Cohort, settings: config.Data) -> list[Finding]:
    """A warning where the settings can name the missing column; a note for other sources."""
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
