"""Samples on one grid, nothing invented or folded: gaps, resampling, filters.

A waveform is float32 or float64 [channels, samples]; all functions return new arrays.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

Samples = npt.NDArray[np.floating[Any]]

FINEST = 10_000  # denominator of a ratio of rates: half a millisecond in ten seconds at most


def samples_in(seconds: float, rate: float) -> int:
    """How many samples it takes to last so long."""
    return ceil(round(seconds * rate, 6))


def longest_gap(samples: Samples) -> int:
    """The longest run of NaN in any channel, in samples."""
    missing = np.isnan(samples)
    padded = np.pad(missing, ((0, 0), (1, 1))).astype(np.int8)
    longest = 0
    for channel in np.diff(padded, axis=1):
        starts, ends = np.flatnonzero(channel == 1), np.flatnonzero(channel == -1)
        longest = max(longest, int((ends - starts).max(initial=0)))
    return longest


def bridged(samples: Samples) -> Samples:
    """Every NaN on a straight line between its neighbours; zeros where a channel has nothing."""
    filled, index = np.array(samples, dtype=np.float64), np.arange(samples.shape[1])
    for channel in filled:
        recorded = ~np.isnan(channel)
        channel[~recorded] = (
            np.interp(index[~recorded], index[recorded], channel[recorded])
            if recorded.any()
            else 0.0
        )
    return filled


def resampled(samples: Samples, rate: float, new_rate: float, count: int) -> Samples:
    """The waveform at `count` instants k / new_rate seconds: float64[channels, count].

    The samples come at `rate` Hz, not below `new_rate`, and last as long. What the new rate cannot
    hold is filtered out by scipy's zero-phase FIR filter, which continues each channel by a line
    through its ends. The median is kept apart: the filter's gain at rest is one within 5e-5.
    """
    wide = np.array(samples, dtype=np.float64)
    if rate == new_rate:
        return wide[:, :count]
    ratio = Fraction(new_rate / rate).limit_denominator(FINEST)
    level = np.median(wide, axis=1, keepdims=True)
    new = resample_poly(wide - level, ratio.numerator, ratio.denominator, axis=1, padtype="line")
    return np.asarray(new[:, :count] + level)


def band(samples: Samples, rate: float, low: float, high: float) -> Samples:
    """What lies between `low` and `high` Hz, without delay.

    A Fourier filter with raised-cosine edges.

    The ends are mirrored first, so that the end of the recording does not leak into its beginning.
    """
    count = samples.shape[-1]
    margin = min(count - 1, int(rate))
    padded = np.pad(
        samples,
        [(0, 0)] * (samples.ndim - 1) + [(margin, margin)],
        mode="reflect",
        reflect_type="odd",
    )
    frequency = np.fft.rfftfreq(padded.shape[-1], 1 / rate)
    rise = np.clip((frequency / low - 0.5) / 1.0, 0, 1) if low else np.ones_like(frequency)
    fall = np.clip((1.25 - frequency / high) / 0.5, 0, 1)
    gain = np.sin(np.pi / 2 * rise) ** 2 * np.sin(np.pi / 2 * fall) ** 2
    filtered = np.fft.irfft(np.fft.rfft(padded, axis=-1) * gain, padded.shape[-1], axis=-1)
    return np.asarray(filtered[..., margin : margin + count])
