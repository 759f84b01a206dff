"""The settings, each with its type, its default and its reason; no YAML to keep in step.

`data=heart_disease` chooses a source, `training.epochs=20` sets a value; files in `experiment/` and
`debug/` name whole sets of them.
"""

from __future__ import annotations

from pathlib import Path

from risk_model.config.settings import (
    NETWORKS,
    Config,
    Deployment,
    Evaluation,
    LogisticRegression,
    Mlp,
    Model,
    Split,
    Training,
    Widths,
    XGBoost,
)
from risk_model.config.sources import (
    SOURCES,
    Data,
    HeartDisease,
    Support2,
    Synthetic,
    Table,
)
from risk_model.core.optional import optional_module

__all__ = [
    "FIRST_SOURCE",
    "NETWORKS",
    "SOURCES",
    "Config",
    "Data",
    "Deployment",
    "Evaluation",
    "HeartDisease",
    "LogisticRegression",
    "Mlp",
    "Model",
    "Split",
    "Support2",
    "Synthetic",
    "Table",
    "Training",
    "Widths",
    "XGBoost",
]

# the source that is read when the command line names none
FIRST_SOURCE = Path(__file__).with_name("first_source.txt").read_text(encoding="utf-8").strip()

# A modality besides tables has a module of its own, with two tables of the same names; so has what
# is downloaded.
for _more in ("downloaded", "imaging", "waveform", "text", "events"):
    if _module := optional_module(f"config.{_more}"):
        SOURCES |= _module.SOURCES
        NETWORKS |= _module.NETWORKS
