"""What a cardiologist measures first: rate, rhythm and quality; beats and spectra.

The first three are fields, the others describe the waveform for the baselines. Beats are looked for
in leads in mV, which are electrocardiograms; other leads are described at these beats.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from risk_model.core.schema import Features, Field, Signal
from risk_model.signals.waveform_beats import BEFORE, beats_of, detect
from risk_model.signals.waveform_sampling import Samples, band

FIELDS = (
    Field(
        "heart_rate",
        "number",
        "/min",
        15,
        350,
        code="LOINC|8867-4",
        description="from the median RR interval",
    ),
    Field(
        "rr_variability",
        "number",
        "1",
        0,
        3,
        description="standard deviation of RR intervals, as a share of the mean",
    ),
    Field(
        "amplitude",
        "number",
        "mV",
        0,
        20,
        description="peak to peak without baseline wander, median of the leads",
    ),
    Field(
        "noise",
        "number",
        "mV",
        0,
        20,
        description="robust standard deviation above 30 Hz, mean of the leads",
    ),
    Field(
        "baseline_wander",
        "number",
        "mV",
        0,
        20,
        description="standard deviation below 0.5 Hz, mean of the leads",
    ),
    Field(
        "lost_share",
        "number",
        "1",
        0,
        1,
        description="share of the samples in flat lines or at a lead's limit",
    ),
)
# a line is flat where samples of half a second differ by no more than so many mV, or, in other
# units, than that share of the lead's range
FLAT_SECONDS, FLAT, FLAT_SHARE = 0.5, 5e-4, 1e-4
# an amplifier's limit holds so long, within that share of the range
CLIPPED_SECONDS, CLIPPED = 0.04, 1e-3
FEWEST = 3  # beats that make a rhythm

EDGES = (0.05, 0.5, 4.0, 8.0, 15.0, 25.0, 40.0, 50.0)  # Hz
BANDS = tuple(pairwise(EDGES))
COARSE = 0.04  # seconds between the samples of a median beat that a baseline sees ...
COARSE_SAMPLES = 20  # ... and how many
PER_LEAD = 12 + len(BANDS) + COARSE_SAMPLES
OVERALL = 8


def measure(samples: Samples, signal: Signal) -> dict[str, float | None]:
    """The value of each of FIELDS for float[channels, samples].

    There is no rate and no rhythm where there are too few beats, and nothing but what is lost where
    no lead is in mV.
    """
    lost = float((flat(samples, signal) | _clipped(samples, signal.rate)).mean())
    ecg = samples[in_mv(signal)]
    measured = _measured(ecg, signal.rate) if len(ecg) else {}
    return {f.name: measured.get(f.name) for f in FIELDS} | {"lost_share": lost}


def in_mv(signal: Signal) -> npt.NDArray[np.bool_]:
    """Which leads are electrocardiograms: bool[channels]."""
    return np.array([unit == "mV" for unit in signal.units])


def _measured(samples: Samples, rate: float) -> dict[str, float | None]:
    level = band(samples, rate, 0.5, 40.0)
    centres = detect(level, rate)
    rr, beating = np.diff(centres) / rate, len(centres) >= FEWEST
    spread = np.percentile(level, [0.5, 99.5], axis=1)
    fast = band(samples, rate, 30.0, rate)
    deviation = np.median(np.abs(fast - np.median(fast, axis=1, keepdims=True)), axis=1)
    return {
        "heart_rate": float(60 / np.median(rr)) if beating else None,
        "rr_variability": float(rr.std() / rr.mean()) if beating else None,
        "amplitude": float(np.median(spread[1] - spread[0])),
        "noise": float(1.4826 * deviation.mean()),
        "baseline_wander": float(band(samples, rate, 0.0, 0.5).std(axis=1).mean()),
    }


def flat(samples: Samples, signal: Signal) -> npt.NDArray[np.bool_]:
    """Which samples lie in a flat line of half a second or more: bool[channels, samples]."""
    most = np.where(in_mv(signal), FLAT, FLAT_SHARE * np.ptp(samples, axis=1))[:, None]
    still = np.abs(np.diff(samples, axis=1)) <= most
    runs = _long_runs(still, max(round(FLAT_SECONDS * signal.rate) - 1, 1))
    return np.pad(runs, ((0, 0), (0, 1))) | np.pad(runs, ((0, 0), (1, 0)))


def _clipped(samples: Samples, rate: float) -> npt.NDArray[np.bool_]:
    """Which samples rest at the largest or the smallest value of their lead.

    Flat leads do not count.
    """
    high, low = samples.max(axis=1, keepdims=True), samples.min(axis=1, keepdims=True)
    near, least = CLIPPED * (high - low), max(round(CLIPPED_SECONDS * rate), 3)
    resting = _long_runs(samples >= high - near, least) | _long_runs(samples <= low + near, least)
    return np.asarray(resting & (high > low))


def _long_runs(mask: npt.NDArray[np.bool_], least: int) -> npt.NDArray[np.bool_]:
    """The marks that stand in a row of at least so many."""
    long = np.zeros_like(mask)
    for channel, marks in zip(long, mask, strict=True):
        edges = np.flatnonzero(np.diff(np.pad(marks, 1).astype(np.int8)))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            channel[start:end] = end - start >= least
    return long


def count(units: Sequence[str]) -> int:
    """How many numbers `describe` gives for leads in these units."""
    return len(units) * PER_LEAD + OVERALL + sum(unit != "mV" for unit in units)


def describe(samples: Samples, signal: Signal) -> Features:
    """Rhythm, QRS width and, of each lead, waves, median beat and band powers: float32[count].

    Amplitudes are in the lead's unit against the PR segment: R, Q, S, J point, ST level 60 ms
    later, largest and smallest of T and P; areas of QRS and T; steepest slope. Powers are
    logarithms of the unit's square in BANDS. Leads that are no electrocardiogram add their median.
    """
    rate, ecg = signal.rate, in_mv(signal)
    beats = beats_of(band(samples, rate, 0.5, 40.0), rate, ecg)
    middle = round(BEFORE * rate)
    level = beats.median[:, middle - round(0.1 * rate) : middle - round(0.05 * rate)]
    beat = beats.median - level.mean(axis=1, keepdims=True)
    coarse = beat[:, (np.arange(COARSE_SAMPLES) * COARSE * rate).astype(np.int64)]
    overall = [*_rhythm(beats.centres, rate), *_extent(beat, middle, rate)]
    waves = _waves(beat, middle, rate)
    medians = np.median(samples[~ecg], axis=1)
    parts = [overall, *waves, coarse.ravel(), _powers(samples, rate).ravel(), medians]
    return np.concatenate(parts).astype(np.float32)


def _rhythm(centres: npt.NDArray[np.int64], rate: float) -> list[float]:
    """Median RR in seconds, its variation, successive differences, extremes, and the beats.

    Extremes are shares of the median.
    """
    rr = np.diff(centres) / rate
    if len(rr) < FEWEST - 1:
        return [0.0, 0.0, 0.0, 1.0, 1.0, float(len(centres))]
    usual = float(np.median(rr))
    successive = float(np.sqrt(np.mean(np.diff(rr) ** 2)) / usual)
    return [
        usual,
        float(rr.std() / usual),
        successive,
        rr.min() / usual,
        rr.max() / usual,
        float(len(centres)),
    ]


def _extent(beat: Samples, middle: int, rate: float) -> list[float]:
    """QRS width and time of the T wave's peak, in seconds, over all leads."""
    steep = np.abs(np.diff(beat, axis=1)).sum(axis=0)
    around = steep[middle - round(0.1 * rate) : middle + round(0.14 * rate)]
    width = float((around > 0.15 * around.max()).sum() / rate) if around.max() > 0 else 0.0
    after = np.abs(beat[:, middle + round(0.14 * rate) :]).sum(axis=0)
    return [width, float(after.argmax() / rate)]


def _waves(beat: Samples, middle: int, rate: float) -> list[Samples]:
    """Of each lead the sizes of its waves.

    R, Q, S, J, ST, T high, T low, P high, P low, areas of QRS and T, steepest slope.
    """

    def between(start: float, end: float) -> Samples:
        first = middle + round(start * rate)
        return beat[:, first : max(middle + round(end * rate), first + 1)]

    qrs, t, p = between(-0.06, 0.08), between(0.14, 0.45), between(-0.26, -0.08)
    sample, peak = np.arange(qrs.shape[1]), qrs.argmax(axis=1)[:, None]
    q = np.where(sample <= peak, qrs, np.inf).min(axis=1)
    s = np.where(sample >= peak, qrs, np.inf).min(axis=1)
    j, st = between(0.08, 0.09), between(0.1, 0.13)
    slope = np.abs(np.diff(beat, axis=1)).max(axis=1) * rate / 100
    heights = [qrs.max(axis=1), q, s, j.mean(axis=1), st.mean(axis=1), t.max(axis=1), t.min(axis=1)]
    return [*heights, p.max(axis=1), p.min(axis=1), qrs.mean(axis=1), t.mean(axis=1), slope]


def _powers(samples: Samples, rate: float) -> Samples:
    """Logarithm of each lead's mean power in BANDS: float64[channels, bands]."""
    size = samples.shape[1]
    centred = (samples - samples.mean(axis=1, keepdims=True)) * np.hanning(size)
    power, frequency = (
        np.abs(np.fft.rfft(centred, axis=1)) ** 2 / size,
        np.fft.rfftfreq(size, 1 / rate),
    )
    inside = [(frequency >= low) & (frequency < high) for low, high in BANDS]
    mean = [
        power[:, in_band].mean(axis=1) if in_band.any() else np.zeros(len(samples))
        for in_band in inside
    ]
    return np.log(np.stack(mean, axis=1) + 1e-9)
