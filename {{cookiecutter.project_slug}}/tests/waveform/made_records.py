"""WFDB records to break: three leads of ten seconds with a beat every 0.8 s, written by wfdb
itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import wfdb

from risk_model.config.waveform import Waveforms
from risk_model.data.sources.waveforms import signal_of

NAMES = ("I", "II", "V2")
SIGNAL = signal_of(Waveforms(leads=list(NAMES)))
Leads = npt.NDArray[np.float64]


def beating(rate: float, seconds: float = 10.0, every: float = 0.8, noise: float = 0.01) -> Leads:
    """Three leads in mV: narrow beats, a T wave, noise: float64[3, samples]."""
    time = np.arange(round(seconds * rate)) / rate
    trace = np.zeros_like(time)
    for at in np.arange(0.4, seconds, every):
        trace += np.exp(-0.5 * ((time - at) / 0.012) ** 2) + 0.25 * np.exp(
            -0.5 * ((time - at - 0.27) / 0.045) ** 2
        )
    return np.outer([0.7, 1.0, -0.5], trace) + noise * np.random.default_rng(0).normal(
        size=(3, len(time))
    )


def write(path: Path, leads: Leads, rate: float = 250.0, **changed: Any) -> Path:
    """Writes the leads (in mV unless `units` says otherwise) as a record of format 16, and returns
    its path.
    """
    many = len(leads)
    settings = {
        "fs": rate,
        "units": ["mV"] * many,
        "sig_name": list(NAMES)[:many],
        "p_signal": np.ascontiguousarray(leads.T),
        "fmt": ["16"] * many,
        "adc_gain": [1000.0] * many,
        "baseline": [0] * many,
    }
    wfdb.wrsamp(path.name, write_dir=str(path.parent), **{**settings, **changed})
    return path


def in_header(path: Path, old: str, new: str) -> Path:
    """Replaces text of the record's header."""
    header = path.with_name(f"{path.name}.hea")
    text = header.read_text()
    assert old in text
    header.write_text(text.replace(old, new))
    return path
