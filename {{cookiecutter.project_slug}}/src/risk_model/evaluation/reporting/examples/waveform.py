"""Which seconds mattered? Each lead's trace, with the seconds that raise the risk and those that lower it shaded.

What raises is vermilion with a plus above, what lowers is blue with a minus, the darker the stronger; so the drawing
can be read without colour.
"""

from __future__ import annotations

from html import escape

import numpy as np
import numpy.typing as npt

from risk_model.evaluation.reporting.examples import LOWERS, RAISES, Explained, signed, strengths

WIDE, LEAD, LEFT, TOP = 760, 46, 40, 20  # pixels: of the seconds, of a lead, of its name, of the signs
POINTS = 760  # of a trace, at most
COVER = 0.4  # opacity of the strongest seconds


def draw(explained: Explained, alternative: str) -> str:
    """The leads and the seconds as one SVG."""
    samples = np.asarray(explained.recording, dtype=np.float64)
    seconds = samples.shape[1] / explained.signal.rate
    tall = TOP + LEAD * len(samples) + 16
    per_second = WIDE / seconds
    shades = "".join(_shades(explained, per_second, tall - 16))
    traces = "".join(
        _trace(name, values, TOP + LEAD * (i + 0.5))
        for i, (name, values) in enumerate(zip(explained.signal.channels, samples, strict=True))
    )
    ticks = "".join(
        f'<text x="{second * per_second:.0f}" y="{tall - 3}">{second} s</text>'
        for second in range(0, int(seconds) + 1, 2)
    )
    label = escape(f"{alternative}: {_strongest(explained)}")
    return (
        f'<svg viewBox="{-LEFT} 0 {WIDE + LEFT + 24} {tall}" role="img" aria-label="{label}" font-size="11" '
        f'fill="currentColor">{shades}{traces}{ticks}</svg>'
    )


def _shades(explained: Explained, per_second: float, tall: float) -> list[str]:
    pieces = []
    for part, strength in zip(explained.parts, strengths(explained.contributions), strict=True):
        start, end = (float(second) * per_second for second in part["seconds"])
        if strength:
            colour, sign = (RAISES, "+") if strength > 0 else (LOWERS, "−")
            box = f'x="{start:.1f}" y="{TOP - 4}" width="{end - start:.1f}" height="{tall - TOP + 4:.0f}"'
            pieces.append(f'<rect {box} fill="{colour}" fill-opacity="{COVER * abs(strength):.2f}"/>')
            pieces.append(f'<text x="{(start + end) / 2 - 3:.1f}" y="{TOP - 8}">{sign}</text>')
    return pieces


def _trace(name: str, values: npt.NDArray[np.float64], middle: float) -> str:
    """A lead around its middle line: its extremes within a step, so that no spike is lost."""
    step = max(2 * len(values) // POINTS, 1)
    cut = values[: len(values) // step * step].reshape(-1, step)
    ends = np.stack([cut.min(axis=1), cut.max(axis=1)], axis=1).ravel() if step > 1 else cut[:, 0]
    reach = float(np.abs(ends - np.median(ends)).max()) or 1.0
    heights = middle - (ends - np.median(ends)) / reach * LEAD * 0.48
    across = np.linspace(0, WIDE, len(ends))
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, heights, strict=True))
    return (
        f'<text x="{4 - LEFT}" y="{middle + 4:.0f}">{escape(name)}</text>'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="0.8"/>'
    )


def _strongest(explained: Explained) -> str:
    """The strongest three pieces of time in words."""
    told = sorted(zip(explained.parts, explained.contributions, strict=True), key=lambda pair: -abs(pair[1]))[:3]
    if not told or not told[0][1]:
        return "no second stands out"
    spans = [f"{part['seconds'][0]:.1f} to {part['seconds'][1]:.1f} s {signed(added)}" for part, added in told]
    return "the strongest are " + "; ".join(spans)
