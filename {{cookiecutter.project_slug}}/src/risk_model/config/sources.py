"""The settings of each source of tables, and what every source has; `SOURCES` lists them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from omegaconf import MISSING

from risk_model.core.decision import Decision
from risk_model.core.reading_rules import NOT_RECORDED


@dataclass
class Data:
    """What every source has.

    `network` names the network proposed for it, `module` its reader in `data.sources`.
    """

    network: ClassVar[str] = "mlp"
    module: ClassVar[str] = ""  # "": the source's name
    name: str = MISSING
    # columns known only after the prediction moment
    recorded_after: list[str] = field(default_factory=list)
    # columns with another model's or a clinician's risk, judged beside the models and never an
    # input; "1-survival" for a column that holds the probability of no event
    compare_with: list[str] = field(default_factory=list)
    accept: dict[str, str] = field(default_factory=dict)  # findings that may pass: {column: reason}
    # whole sites kept for external validation
    held_out_sites: list[str] = field(default_factory=lambda: ["auto"])
    # the last part of the calendar kept for external validation, where dates are recorded
    held_out_period: float = 0.1
    decision: Decision = field(default_factory=Decision)
    cache: str = ""  # where downloads are kept; "": $CLINICAL_DATA_CACHE or ~/.cache/clinical-data


@dataclass
class Support2(Data):
    """SUPPORT2: critically ill adults in five US hospitals, 1989-94; death in hospital.

    UCI 880, CC BY 4.0.
    """

    name: str = "support2"
    recorded_after: list[str] = field(
        default_factory=lambda: (
            "death slos d.time charges totcst totmcst avtisst surv2m surv6m prg2m prg6m dnr dnrday "
            "sfdm2 adlp adls adlsc sps aps"
        ).split()
    )
    # two months' survival, by the study's model and by a physician
    compare_with: list[str] = field(default_factory=lambda: ["1-surv2m", "1-prg2m"])
    decision: Decision = field(
        default_factory=lambda: Decision(
            harm_ratio=4.0,
            threshold_low=0.1,
            threshold_high=0.5,
            reason="a goals-of-care talk held too early costs less than one never held",
        )
    )


@dataclass
class HeartDisease(Data):
    """UCI Heart Disease: four hospitals; a coronary artery narrowed by more than half.

    UCI 45, CC BY 4.0.
    """

    name: str = "heart_disease"
    held_out_sites: list[str] = field(default_factory=lambda: ["VA Long Beach", "Switzerland"])
    decision: Decision = field(
        default_factory=lambda: Decision(
            harm_ratio=4.0,
            threshold_low=0.1,
            threshold_high=0.6,
            reason="a missed stenosis costs more than an angiography that finds none",
        )
    )


@dataclass
class Table(Data):
    """Anybody's CSV or Parquet file.

    Columns left at "auto" are recognised by name, and printed for review.
    """

    module: ClassVar[str] = "table"
    name: str = "csv"
    path: str = MISSING
    outcome: str = MISSING
    # the outcome's value that counts as an event; "": recognised from 0/1, true/false, yes/no
    positive: str = ""
    # column of each index entry: a name, "auto" or "none"; two joined by + name a subject together
    subject: str = "auto"
    time: str = "auto"
    site: str = "auto"
    age: str = "auto"
    sex: str = "auto"
    ethnicity: str = "auto"
    exclude: list[str] = field(default_factory=list)  # columns no model shall see
    schema: str = ""  # a schema.json to use instead of the inferred one
    # texts and numbers that mean "not recorded": in every column, and in one ("smoker=9")
    missing: list[str] = field(default_factory=lambda: list(NOT_RECORDED))
    missing_in: list[str] = field(default_factory=list)
    decimal: str = "."  # the mark before a fraction, and that between thousands
    thousands: str = ""
    censored: str = ""  # what "<8.1" becomes: "limit", "half" of it, or "": refused
    numbers: list[str] = field(default_factory=list)  # columns of numbers beside a unit, say
    categories: list[str] = field(default_factory=list)  # columns whose numbers are codes
    ticked: list[str] = field(default_factory=list)  # columns in which an empty cell means no
    folded: list[str] = field(default_factory=list)  # columns in which "St. Mary" is "st mary"


@dataclass
class Synthetic(Data):
    """Readmission in five made-up hospitals, with truths that can be planted one by one."""

    name: str = "synthetic"
    subjects: int = 14_000
    seed: int = 0
    held_out_period: float = 0.16  # enough of the last period's new patients to judge by
    # any of leaking_column, duplicated_patient, site_shift, drift, underdiagnosis
    plant: list[str] = field(default_factory=list)
    held_out_sites: list[str] = field(default_factory=lambda: ["Hospital E"])
    decision: Decision = field(
        default_factory=lambda: Decision(
            harm_ratio=9.0,
            threshold_low=0.03,
            threshold_high=0.3,
            reason="a home visit nobody needed costs little beside a readmission",
        )
    )


SOURCES: dict[str, type[Data]] = {
    "support2": Support2,
    "heart_disease": HeartDisease,
    "csv": Table,
    "synthetic": Synthetic,
}
