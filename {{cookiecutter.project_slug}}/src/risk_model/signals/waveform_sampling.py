"""Samples on one grid, nothing invented or folded: gaps, resampling, filters, in numpy.

A waveform is float32 or float64 [channels, samples]; all functions return new arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.floating[Any]]

ZEROS = 12  # of the sinc kept on each side
PASSED = 0.9  # of the lower Nyquist frequency lies below the cut


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

    The samples come at `rate` Hz.

    Each value is a sum of neighbours weighted by a Hann-windowed sinc, whose cut at 90 % of the
    lower Nyquist frequency is the anti-aliasing filter (Smith, Digital Audio Resampling, 2002).
    Weights add up to 1, so a constant stays itself; the ends are continued by their last sample.
    """
    if rate == new_rate:
        return np.array(samples[:, :count], dtype=np.float64)
    cutoff = PASSED * min(new_rate / rate, 1.0)
    half = int(np.ceil(ZEROS / cutoff))
    instants = np.arange(count) * (rate / new_rate)
    near = np.floor(instants).astype(np.int64)[:, None] + np.arange(-half, half + 1)
    away = near - instants[:, None]
    weights = np.sinc(cutoff * away) * np.cos(np.pi / 2 * np.clip(away / (half + 1), -1, 1)) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    near = np.clip(near, 0, samples.shape[1] - 1)
    wide = np.asarray(samples, dtype=np.float64)
    return np.stack([np.einsum("ij,ij->i", weights, channel[near]) for channel in wide])


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
