"""Heartbeats: QRS detection over all leads, then each lead's median beat.

The detector follows Pan and Tompkins (IEEE Trans Biomed Eng 1985;32:230-6): band-pass, slope,
square, moving window, a threshold that follows the signal, a refractory period and a search back.
It sums the squared slopes of all leads and, having the whole recording before it, filters without
delay.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from risk_model.signals.waveform_sampling import Samples, band

QRS_BAND = (5.0, 18.0)  # Hz
WINDOW = 0.12  # seconds over which slopes are summed
REFRACTORY = 0.24  # seconds after a beat in which no other can begin
THRESHOLD = 0.3  # of the energy of a typical beat
SEARCH_BACK = 1.66  # median RR intervals without a beat: look again with half the threshold
BEFORE, AFTER = 0.3, 0.5  # seconds of a beat around its centre
QUIET = 1e-3  # mV of slope energy below which nothing beats


class Beats(NamedTuple):
    """The centres of beats as samples, int[k], and each lead's median beat, float64[c, samples]."""

    centres: npt.NDArray[np.int64]
    median: Samples


def energy(samples: Samples, rate: float) -> Samples:
    """How much steep there is around each sample, in mV: float64[samples], over all leads."""
    slopes = np.gradient(band(samples, rate, *QRS_BAND), axis=1) * (rate / 100)
    # A lead counts by its own scale, limited: a noisy electrode must not drown the others.
    scale = np.maximum(np.percentile(np.abs(slopes), 98, axis=1, keepdims=True), 1e-4)
    squared = np.minimum(np.abs(slopes), 3 * scale) ** 2
    size = max(round(WINDOW * rate), 1)
    smooth = np.convolve(squared.sum(axis=0), np.hanning(size + 2)[1:-1] / (size / 2), mode="same")
    return np.sqrt(smooth)


def detect(samples: Samples, rate: float) -> npt.NDArray[np.int64]:
    """The centre of each QRS complex, in samples, in order; empty where nothing beats."""
    steep = energy(samples, rate)
    peaks = _peaks(steep, round(REFRACTORY * rate))
    if not len(peaks):
        return peaks
    per_second = [
        steep[i : i + round(1.5 * rate)].max() for i in range(0, len(steep), round(1.5 * rate))
    ]
    typical = float(np.median(per_second))
    if typical < QUIET:
        return np.empty(0, dtype=np.int64)
    beats = peaks[steep[peaks] > THRESHOLD * typical]
    return _searched_back(beats, peaks, steep, THRESHOLD * typical / 2)


def _peaks(values: Samples, distance: int) -> npt.NDArray[np.int64]:
    """Local maxima, the higher first, none within `distance` samples of a higher one."""
    inner = (values[1:-1] >= values[:-2]) & (values[1:-1] > values[2:])
    peaks = np.flatnonzero(inner) + 1
    chosen: list[int] = []
    for peak in peaks[np.argsort(-values[peaks])].tolist():
        if all(abs(peak - other) > distance for other in chosen):
            chosen.append(peak)
    return np.array(sorted(chosen), dtype=np.int64)


def _searched_back(
    beats: npt.NDArray[np.int64], peaks: npt.NDArray[np.int64], steep: Samples, threshold: float
) -> npt.NDArray[np.int64]:
    """The beats, and weaker peaks in intervals that are too long to hold none."""
    if len(beats) < 3:
        return beats
    usual = float(np.median(np.diff(beats)))
    missed = []
    for start, end in pairwise(beats):
        inside = peaks[(peaks > start) & (peaks < end)]
        if end - start > SEARCH_BACK * usual and len(inside):
            best = inside[np.argmax(steep[inside])]
            missed += [int(best)] if steep[best] > threshold else []
    return np.sort(np.concatenate([beats, np.array(missed, dtype=np.int64)]))


def beats_of(samples: Samples, rate: float, ecg: npt.NDArray[np.bool_]) -> Beats:
    """The beats, aligned to one another, and their median; a median of zeros where nothing beats.

    They are looked for in the leads that `ecg` marks, and cut out of all. `samples` should be free
    of baseline wander.
    """
    centres = detect(samples[ecg], rate) if ecg.any() else np.empty(0, dtype=np.int64)
    before, after = round(BEFORE * rate), round(AFTER * rate)
    whole = centres[(centres >= before + 5) & (centres < samples.shape[1] - after - 5)]
    if not len(whole):
        return Beats(centres, np.zeros((len(samples), before + after)))
    median = np.median(_cut(samples, whole, before, after), axis=0)
    shift = round(0.05 * rate)
    options = np.arange(-shift, shift + 1)
    likeness = [
        np.einsum(
            "kct,ct->k",
            _cut(samples, np.clip(whole + o, before, samples.shape[1] - after), before, after),
            median,
        )
        for o in options
    ]
    whole = np.clip(whole + options[np.argmax(likeness, axis=0)], before, samples.shape[1] - after)
    return Beats(centres, np.median(_cut(samples, whole, before, after), axis=0))


def _cut(samples: Samples, centres: npt.NDArray[np.int64], before: int, after: int) -> Samples:
    """The samples around each centre: float64[k, channels, before + after]."""
    around = centres[:, None] + np.arange(-before, after)
    return np.moveaxis(samples[:, around], 1, 0)
