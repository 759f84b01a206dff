"""What can be set, with its type, its default and its reason: one dataclass a room, no YAML to keep
in step.

`data=heart_disease` chooses a group, `training.epochs=20` sets a value; files in `experiment/` and
`debug/` name whole sets of them. `settings` turns what Hydra composed into these classes and
refuses what they do not know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar

from omegaconf import MISSING

from risk_model.core.decision import Decision


@dataclass
class Data:
    """What every source has. `network` names the network proposed for it, `module` the reader in
    `data.sources`.
    """

    network: ClassVar[str] = "mlp"
    module: ClassVar[str] = ""  # "": the source's name
    name: str = MISSING
    recorded_after: list[str] = field(
        default_factory=list
    )  # columns known only after the prediction moment
    accept: dict[str, str] = field(default_factory=dict)  # findings that may pass: {column: reason}
    held_out_sites: list[str] = field(
        default_factory=lambda: ["auto"]
    )  # whole sites kept for external validation
    held_out_period: float = (
        0.1  # the last part of the calendar kept for external validation, where dates are recorded
    )
    decision: Decision = field(default_factory=Decision)
    cache: str = ""  # where downloads are kept; "": $CLINICAL_DATA_CACHE or ~/.cache/clinical-data


@dataclass
class Support2(Data):
    """SUPPORT2: critically ill adults in five US hospitals, 1989-94; death in hospital (UCI 880, CC
    BY 4.0).
    """

    name: str = "support2"
    recorded_after: list[str] = field(
        default_factory=lambda: (
            "death slos d.time charges totcst totmcst avtisst surv2m surv6m prg2m prg6m dnr dnrday "
            "sfdm2 "
            "adlp adls adlsc sps aps"
        ).split()
    )
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
    """UCI Heart Disease: four hospitals; narrowing of a coronary artery by more than half (UCI 45,
    CC BY 4.0).
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
class Diabetes130(Data):
    """Diabetes 130-US hospitals, 1999-2008; readmission within 30 days (UCI 296, CC BY 4.0).
    Downloaded.
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


@dataclass
class Table(Data):
    """Anybody's CSV or Parquet file. Columns left at "auto" are recognised by name, and printed for
    review.
    """

    module: ClassVar[str] = "table"
    name: str = "csv"
    path: str = MISSING
    outcome: str = MISSING
    # the outcome's value that counts as an event; "": recognised from 0/1, true/false, yes/no
    positive: str = ""
    subject: str = "auto"  # column of each index entry: a name, "auto" or "none"
    time: str = "auto"
    site: str = "auto"
    age: str = "auto"
    sex: str = "auto"
    ethnicity: str = "auto"
    exclude: list[str] = field(default_factory=list)  # columns no model shall see
    schema: str = ""  # a schema.json to use instead of the inferred one
    missing: list[str] = field(
        default_factory=lambda: ["", "NA", "N/A", "NaN", "nan", "null", "NULL", ".", "?"]
    )  # texts that mean "not recorded"


@dataclass
class Recordings(Table):
    """Anybody's images, waveforms or notes: a table of one row a recording, with outcome, patient
    and file.
    """

    file: str = "file"  # the column that names each recording's file, beside the table or below it
    set_aside: int = (
        0  # so many recordings that cannot be read are left out and told; one more stops the run
    )
    held_out_period: float = 0.0


@dataclass
class Synthetic(Data):
    """Readmission in five made-up hospitals, with truths that can be planted one by one."""

    name: str = "synthetic"
    subjects: int = 12_000
    seed: int = 0
    plant: list[str] = field(default_factory=list)
    # leaking_column, duplicated_patient, site_shift, drift, underdiagnosis
    held_out_sites: list[str] = field(default_factory=lambda: ["Hospital E"])
    decision: Decision = field(
        default_factory=lambda: Decision(
            harm_ratio=9.0,
            threshold_low=0.03,
            threshold_high=0.3,
            reason="a home visit nobody needed costs little beside a readmission",
        )
    )


@dataclass
class Split:
    """Shares of the subjects that are not held out; what is left of 1 is the test split."""

    train: float = 0.6
    validation: float = 0.1  # stops the training
    calibration: float = 0.1  # fits the calibrator, chooses the champion
    # above 1: every subject is tested once, out of fold, and the pooled predictions are reported
    # too
    folds: int = 1


@dataclass
class LogisticRegression:
    """The first baseline."""

    c: float = 0.1  # inverse strength of the L2 penalty, on standardised features


@dataclass
class XGBoost:
    """The second baseline; early stopping on the validation split chooses the number of trees."""

    trees: int = 1000
    depth: int = 4
    learning_rate: float = 0.05
    subsample: float = 0.8
    colsample: float = 0.5
    min_child_weight: float = 5.0
    patience: int = 40


@dataclass
class Mlp:
    """The network for tables: residual MLP over embedded numbers, an ensemble of members that share
    weights.
    """

    name: str = "mlp"
    learning_rate: float = 7e-4
    epochs: int = 100
    patience: int = 12
    members: int = 4
    width: int = 64
    blocks: int = 2
    dropout: float = 0.15
    bins: int = 16  # of the piecewise-linear embedding of each number
    embedding: int = 4


@dataclass
class Model:
    """What is fitted. `champion` forces one of logistic_regression, xgboost, network; "auto" lets
    the data choose.
    """

    champion: str = "auto"
    logistic_regression: LogisticRegression = field(default_factory=LogisticRegression)
    xgboost: XGBoost = field(default_factory=XGBoost)
    network: Any = field(default_factory=Mlp)  # one of NETWORKS: model/network=…


@dataclass
class Training:
    """How the models learn. Learning rate, epochs and patience are what the network proposes,
    unless they are set.
    """

    loss: str = "bce"  # bce, pos_weight or focal; the last two are always recalibrated
    focal_gamma: float = 2.0
    learning_rate: float = 7e-4
    weight_decay: float = 1e-2
    batch_size: int = 0  # 0: by the number of rows, 32 to 256
    epochs: int = 100
    patience: int = 12  # epochs without a better validation log loss
    clip_norm: float = 1.0
    threads: int = 1


@dataclass
class Widths:
    """How wide a 95 % interval may be in a judgement: Riley et al., BMJ 2024. Wider ones cannot
    pass the gate.
    """

    auroc: float = 0.1
    # the gate's bounds are .7 apart: an interval wider than that can hardly lie between them
    slope: float = 0.4
    ratio: float = 0.4  # of observed to expected events
    net_benefit: float = 0.2  # in units of the prevalence


@dataclass
class Evaluation:
    """How the predictions are judged."""

    resamples: int = 1000  # of the subject-clustered bootstrap
    minimum_events: int = 10  # fewer events or non-events: the group is counted and not judged
    # recordings of validation patients drawn in the report; 0: the report holds nobody's recording
    examples: int = 6
    minimum_auroc: float = 0.6  # a gate: AUROC must surely be above this ...
    slope_low: float = 0.7  # ... the calibration slope surely between these ...
    slope_high: float = 1.4
    intercept_bound: float = (
        0.3  # ... and calibration-in-the-large surely within ± this: odds off by a third
    )
    widths: Widths = field(default_factory=Widths)
    classification: bool = (
        False  # also accuracy and F1, which reward wrong risks: the report warns of them
    )
    refits: int = 200  # stability: samples of patients on which the baselines are made anew


@dataclass
class Deployment:
    """Where models are registered and how they are served."""

    tracking_uri: str = "sqlite:///mlflow.db"
    registered_name: str = ""  # "": the cohort's name
    registry: str = "models"  # directory that serve reads; register fills it


@dataclass
class Config:
    """Everything that a command can be told."""

    seed: int = 0
    runs: str = "runs"
    run: str = ""  # evaluate, register, stability: a run's directory; "": the latest
    input: str = ""  # score: a CSV, Parquet or JSON Lines file ...
    output: str = ""  # ... and where its risks go; recalibrate: where the new package goes
    # score, evaluate elsewhere, recalibrate: a model package, or champion for the registered one
    package: str = ""
    accept: str = ""  # register: "your name: your reason" for a champion whose gate did not pass
    data: Any = MISSING
    split: Split = field(default_factory=Split)
    model: Model = field(default_factory=Model)
    training: Training = field(default_factory=Training)
    evaluation: Evaluation = field(default_factory=Evaluation)
    deployment: Deployment = field(default_factory=Deployment)


SOURCES: dict[str, type[Data]] = {
    "support2": Support2,
    "heart_disease": HeartDisease,
    "diabetes130": Diabetes130,
    "csv": Table,
    "synthetic": Synthetic,
}
NETWORKS: dict[str, Any] = {"mlp": Mlp}

# What a project was made for besides tables stands in a module of its own, with the same two names.
for _modality in ("imaging", "waveform", "text"):
    if find_spec(f"{__name__}.{_modality}"):
        _module = import_module(f"{__name__}.{_modality}")
        SOURCES |= _module.SOURCES
        NETWORKS |= _module.NETWORKS
