"""What was noticed in the data or the predictions, in words a reviewer can act on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing noticed.

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

    def to_dict(self) -> dict[str, str]:
        """The finding as JSON-able values."""
        return asdict(self)
