"""A finding: something in the data or the predictions that a reviewer should act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from risk_model.core.json_record import JsonRecord

Severity = Literal["error", "warning", "note"]
FLOW = "flow"  # the kind of what says who was left out of the cohort: a run tells it at once


@dataclass(frozen=True)
class Finding(JsonRecord):
    """Something a reviewer should know.

    `error` stops a run unless the user accepted it with a reason, `warning` goes to the report's
    first screen, `note` to its data section. `where` names the column, group or site; never a
    patient's value.
    """

    severity: Severity
    kind: str
    where: str
    message: str
    remedy: str = ""

    def line(self) -> str:
        """The finding as one printable line."""
        remedy = f" — {self.remedy}" if self.remedy else ""
        return f"{self.severity}: {self.kind}: {self.where}: {self.message}{remedy}"
