"""The settings of a run and of each command: one dataclass a layer, with defaults and reasons."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING


@dataclass
class Split:
    """Shares of the subjects that are not held out; what is left of 1 is the test split.

    With `folds` the first three are one part, the development: models are stopped, calibrated and
    compared by cross-fitting in it, and then fitted on all of it.
    """

    train: float = 0.6
    validation: float = 0.1  # stops the training
    calibration: float = 0.1  # fits the calibrator, chooses the champion
    # of the cross-fitting, as the network proposes; 1: none, each part does its work once
    folds: int = 5
    # with fewer events or non-events in the test split there is none: its interval would be too
    # wide to judge by (Vergouwe 2005, Collins 2016), and all steps are cross-fitted instead, ...
    test_events: int = 100
    repeats: int = 2  # ... so many times, in other folds


@dataclass
class LogisticRegression:
    """The first baseline."""

    # inverse strength of the L2 penalty, on standardised terms, without splines; 0: it, and whether
    # numbers have splines, is chosen by cross-validation
    c: float = 0.0


@dataclass
class XGBoost:
    """The second baseline; early stopping on the validation split chooses the number of trees."""

    trees: int = 1000
    depth: int = 6
    learning_rate: float = 0.03
    subsample: float = 0.8
    colsample: float = 0.3  # of the columns, drawn anew for each node
    min_child_weight: float = 5.0
    l2: float = 5.0  # penalty on the values of the leaves
    patience: int = 40


@dataclass
class Mlp:
    """The network for tables: a residual MLP over embedded numbers.

    It is an ensemble of members that share weights.
    """

    name: str = "mlp"
    folds: int = 5
    learning_rate: float = 3e-3
    epochs: int = 100
    patience: int = 4
    members: int = 4
    width: int = 64
    blocks: int = 1
    dropout: float = 0.3
    bins: int = 16  # of the piecewise-linear embedding of each number
    embedding: int = 4


NETWORKS: dict[str, type[Any]] = {"mlp": Mlp}


@dataclass
class Model:
    """What is fitted.

    `champion` forces one of the models of `model/table.py`; "auto" lets the data choose.
    """

    champion: str = "auto"
    logistic_regression: LogisticRegression = field(default_factory=LogisticRegression)
    xgboost: XGBoost = field(default_factory=XGBoost)
    network: Any = field(default_factory=Mlp)  # one of NETWORKS: model/network=…


LOSSES = ("bce", "pos_weight", "focal")


@dataclass
class Training:
    """How the models learn.

    Learning rate, epochs and patience are what the network proposes, unless they are set.
    """

    loss: str = "bce"  # bce, pos_weight or focal; the last two are always recalibrated
    focal_gamma: float = 2.0
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    batch_size: int = 0  # 0: by the number of rows, 32 to 256
    epochs: int = 100
    patience: int = 4  # epochs without a better validation log loss
    clip_norm: float = 1.0
    threads: int = 1
    # networks of recordings: auto (a GPU where there is one, else the CPU), cpu, cuda or mps ...
    device: str = "auto"
    amp: bool = False  # ... and whether their forward pass is in bfloat16; tables take neither
    # of the log loss of the prevalence alone: what is surely worse by no more counts as equally
    # good, and the simpler model is taken. One percent is about .004 of AUROC, less than another
    # sample of patients changes, let alone another hospital.
    margin: float = 0.01


@dataclass
class Widths:
    """How wide a 95 % interval may be for the gate to pass: Riley et al., BMJ 2024."""

    auroc: float = 0.1
    # the gate's bounds are .7 apart: an interval wider than that can hardly lie between them
    slope: float = 0.4
    ratio: float = 0.4  # of observed to expected events
    net_benefit: float = 0.2  # in units of the prevalence


@dataclass
class Evaluation:
    """How the predictions are evaluated."""

    resamples: int = 1000  # of the subject-clustered bootstrap
    # with fewer events or non-events a group is counted and not evaluated
    minimum_events: int = 10
    # recordings of validation patients drawn in the report; 0: the report holds nobody's recording
    examples: int = 6
    minimum_auroc: float = 0.6  # a gate: AUROC must surely be above this ...
    slope_low: float = 0.7  # ... the calibration slope surely between these ...
    slope_high: float = 1.4
    # ... and calibration-in-the-large surely within ± this: odds off by a third
    intercept_bound: float = 0.3
    widths: Widths = field(default_factory=Widths)
    # also accuracy and F1, which reward wrong risks: the report warns of them
    classification: bool = False
    refits: int = 200  # stability, optimism: samples of patients on which baselines are made anew


@dataclass
class Deployment:
    """Where models are registered and how they are served."""

    tracking_uri: str = "sqlite:///mlflow.db"
    registered_name: str = ""  # "": the cohort's name
    registry: str = "models"  # directory that serve reads; register fills it
    # PEM files of Ed25519 keys, where packages are signed: register signs, score asks for it
    sign_key: str = ""
    verify_key: str = ""
    # what a record gets that is unlike the training rows (missing values that hardly any of them
    # lacked together, a value beyond nearly all of theirs): warn, in the answer, or refuse
    unusual_inputs: str = "warn"


@dataclass
class Config:
    """The settings of every command."""

    seed: int = 0
    runs: str = "runs"
    # evaluate, register, stability, optimism, learning_curve: its directory; "": the latest
    run: str = ""
    input: str = ""  # score: a CSV, Parquet or JSON Lines file ...
    output: str = ""  # ... and where its risks go; recalibrate: where the new package goes
    units: str = ""  # score: {field: UCUM code} of the file, where its headers do not say them
    # score, evaluate, recalibrate: a model package, or champion for the registered one
    package: str = ""
    accept: str = ""  # register: "your name: your reason" for a champion whose gate did not pass
    data: Any = MISSING
    split: Split = field(default_factory=Split)
    model: Model = field(default_factory=Model)
    training: Training = field(default_factory=Training)
    evaluation: Evaluation = field(default_factory=Evaluation)
    deployment: Deployment = field(default_factory=Deployment)
