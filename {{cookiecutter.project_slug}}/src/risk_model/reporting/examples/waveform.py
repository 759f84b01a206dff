"""The drawing of a waveform: each lead's trace, with the seconds that mattered shaded.

What raises is vermilion with a plus above, what lowers is blue with a minus, the darker the
stronger; so the drawing can be read without colour. All leads in one unit share a scale, as on
paper, and a bar shows it.
"""

from __future__ import annotations

from html import escape
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from risk_model.reporting.examples import LOWERS, RAISES, RecordingExplanation, signed, strengths

WIDE, LEAD = 760, 46  # pixels: of the seconds, of a lead
LEFT, RIGHT, TOP, BOTTOM = 40, 46, 20, 16  # around them: names of leads, the bar, signs, seconds
POINTS = 760  # of a trace, at most
COVER = 0.4  # opacity of the strongest seconds
# of a lead's height that the largest lead's usual swing takes; its spikes may reach into the next
ROOM = 0.8

Numbers = npt.NDArray[np.float64]
Span = tuple[float, float]


def draw(explanation: RecordingExplanation, alternative: str) -> str:
    """The leads and the seconds as one SVG."""
    samples = np.asarray(explanation.recording, dtype=np.float64)
    seconds = samples.shape[1] / explanation.signal.rate
    tall = TOP + LEAD * len(samples) + BOTTOM
    spans, added = _contributions(explanation, seconds)
    units, names = explanation.signal.units, explanation.signal.channels
    scales = {unit: _scale(samples[[u == unit for u in units]]) for unit in units}
    middles = [TOP + LEAD * (place + 0.5) for place in range(len(samples))]
    last = dict(zip(units, middles, strict=True))  # where a unit's last lead is drawn
    traces = [
        _trace(name, values, middle, scales[unit])
        for name, values, middle, unit in zip(names, samples, middles, units, strict=True)
    ]
    bars = [_bar(unit, scale, last[unit]) for unit, scale in scales.items()]
    drawing = [*_shades(spans, added, WIDE / seconds, tall), *_ticks(seconds, tall), *traces, *bars]
    label = escape(f"{alternative}: {_strongest(spans, added)}")
    return (
        f'<svg viewBox="{-LEFT} 0 {WIDE + LEFT + RIGHT} {tall}" role="img" aria-label="{label}" '
        f'font-size="11" fill="currentColor">{"".join(drawing)}</svg>'
    )


def _contributions(
    explanation: RecordingExplanation, seconds: float
) -> tuple[list[Span], tuple[float, ...]]:
    """Pieces of time and what each adds; a map is laid evenly over the recording."""
    if explanation.map is None:
        spans = [
            (float(part["seconds"][0]), float(part["seconds"][1])) for part in explanation.parts
        ]
        return spans, explanation.contributions
    columns = np.asarray(explanation.map, dtype=np.float64).sum(axis=0)
    return list(pairwise(np.linspace(0, seconds, len(columns) + 1).tolist())), tuple(
        columns.tolist()
    )


def _scale(samples: Numbers) -> float:
    """Pixels of one unit: the largest lead's usual swing fills its share of a lead's height."""
    usual = np.percentile(np.ptp(_swings(samples), axis=2), 95, axis=1)
    return ROOM * LEAD / (float(usual.max()) or 1.0)


def _swings(samples: Numbers) -> Numbers:
    """Each lead in ten pieces or fewer: float64[leads, pieces, samples of a piece]."""
    pieces = min(10, samples.shape[1])
    size = samples.shape[1] // pieces
    return samples[:, : pieces * size].reshape(len(samples), pieces, size)


def _shades(spans: list[Span], added: tuple[float, ...], per_second: float, tall: int) -> list[str]:
    shades = []
    for span, strength in zip(spans, strengths(added), strict=True):
        start, end = (second * per_second for second in span)
        if strength:
            colour, sign = (RAISES, "+") if strength > 0 else (LOWERS, "−")
            box = (
                f'x="{start:.1f}" y="{TOP - 4}" width="{end - start:.1f}" '
                f'height="{tall - TOP - BOTTOM + 4}"'
            )
            shades.append(
                f'<rect {box} fill="{colour}" fill-opacity="{COVER * abs(strength):.2f}"/>'
            )
            shades.append(
                f'<text x="{(start + end) / 2:.1f}" y="{TOP - 8}" '
                f'text-anchor="middle">{sign}</text>'
            )
    return shades


def _ticks(seconds: float, tall: int) -> list[str]:
    """A faint line a second, ten or so, and the number of every other."""
    step = max(round(seconds / 10), 1)
    at = [
        (i, second, second * WIDE / seconds)
        for i, second in enumerate(range(0, int(seconds) + 1, step))
    ]
    lines = [
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 4}" y2="{tall - BOTTOM}" '
        'stroke="currentColor" opacity="0.15"/>'
        for _, _, x in at
    ]
    numbers = [
        f'<text x="{x:.1f}" y="{tall - 3}" text-anchor="middle">{second} s</text>'
        for i, second, x in at
        if i % 2 == 0
    ]
    return lines + numbers


def _trace(name: str, values: Numbers, middle: float, per_unit: float) -> str:
    """A lead around its middle line: its extremes within a step, so that no spike is lost."""
    step = max(2 * len(values) // POINTS, 1)
    cut = values[: len(values) // step * step].reshape(-1, step)
    ends = np.stack([cut.min(axis=1), cut.max(axis=1)], axis=1).ravel() if step > 1 else cut[:, 0]
    heights = middle - (ends - np.median(ends)) * per_unit
    across = np.linspace(0, WIDE * cut.size / len(values), len(ends))
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, heights, strict=True))
    return (
        f'<text x="{4 - LEFT}" y="{middle + 4:.0f}">{escape(name)}</text>'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="0.8"/>'
    )


def _bar(unit: str, per_unit: float, y: float) -> str:
    """An upright bar of a round amplitude on `y`, about half a lead high, with its size."""
    amplitude = 10 ** np.floor(np.log10(LEAD / per_unit))
    high = amplitude * per_unit
    x = WIDE + 8
    return (
        f'<line x1="{x}" x2="{x}" y1="{y - high:.1f}" y2="{y}" stroke="currentColor" '
        'stroke-width="2"/>'
        f'<text x="{x + 4}" y="{y - high / 2 + 4:.1f}">{amplitude:g} {escape(unit)}</text>'
    )


def _strongest(spans: list[Span], added: tuple[float, ...]) -> str:
    """The strongest three pieces of time in words."""
    strongest = sorted(zip(spans, added, strict=True), key=lambda pair: -abs(pair[1]))[:3]
    if not strongest or not strongest[0][1]:
        return "no second stands out"
    texts = [f"{start:.1f} to {end:.1f} s {signed(value)}" for (start, end), value in strongest]
    return "the strongest are " + "; ".join(texts)
