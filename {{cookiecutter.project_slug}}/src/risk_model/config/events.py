"""The settings for events: their sources, and the network of their sequence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from risk_model.config.sources import Data
from risk_model.core.decision import Decision

# --- sources


@dataclass
class Events(Data):
    """Anybody's events: MEDS, a long CSV or FHIR R4, and a page that says who the cohort is."""

    name: str = "events"
    path: str = ""  # a folder of Parquet, NDJSON or JSON files, or one file
    # the page, a YAML file; "": the codes are described, and a page to edit is written
    spec: str = ""
    labels: str = ""  # a file of labels in place of the one that the page names
    # of dates and of times without a zone; "": UTC for tables, and FHIR's such times are left out
    timezone: str = ""
    # codes whose events have a date and no hour, whatever their time says
    day_only: list[str] = field(default_factory=list)
    # of tables whose columns are not called as MEDS calls them: "subject_id=pid", "code=item"
    columns: list[str] = field(default_factory=list)
    # a package's schema.json, whose page is used instead: external validation sets it
    schema: str = ""


@dataclass
class SyntheticEvents(Data):
    """Made-up hospital stays as MEDS Parquet and FHIR NDJSON; death in hospital after a day."""

    name: str = "synthetic_events"
    subjects: int = 3_000
    seed: int = 0
    files: str = "meds"  # which of the two is read: meds or fhir
    spec: str = ""  # another page than the one that comes with them
    schema: str = ""
    decision: Decision = field(
        default_factory=lambda: Decision(
            harm_ratio=4.0,
            threshold_low=0.05,
            threshold_high=0.5,
            reason="a senior review that finds nothing costs less than a deterioration nobody saw "
            "coming",
        )
    )


SOURCES: dict[str, type[Data]] = {"events": Events, "synthetic_events": SyntheticEvents}

# --- networks


@dataclass
class Gru:
    """A recurrent layer over the hours before the moment; the page must have a sequence."""

    name: str = "gru"
    folds: int = 1  # a network of sequences takes minutes to fit
    # of PhysioNet 2012's set-a, out of three folds: log loss .308 and AUROC .829, after .313 and
    # .825 with a rate of 1e-3 and a width of 64; 256 was no better, nor were four networks
    learning_rate: float = 3e-3
    epochs: int = 40
    patience: int = 4
    cell: str = "gru"  # or lstm
    width: int = 128
    dropout: float = 0.3


NETWORKS: dict[str, type[Any]] = {"gru": Gru}
