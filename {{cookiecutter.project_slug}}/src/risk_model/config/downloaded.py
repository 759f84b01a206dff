"""The settings of tables that are downloaded; their network is that of tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from risk_model.config.sources import Data
from risk_model.core.decision import Decision

# --- sources


@dataclass
class Diabetes130(Data):
    """Diabetes 130-US hospitals, 1999-2008; readmission within 30 days. Downloaded.

    UCI 296, CC BY 4.0.
    """

    name: str = "diabetes130"
    decision: Decision = field(
        default_factory=lambda: Decision(
            harm_ratio=7.0,
            threshold_low=0.05,
            threshold_high=0.3,
            reason="a follow-up call to a patient who would have been well costs little beside a "
            "readmission",
        )
    )


SOURCES: dict[str, type[Data]] = {"diabetes130": Diabetes130}

# --- networks

NETWORKS: dict[str, type[Any]] = {}
