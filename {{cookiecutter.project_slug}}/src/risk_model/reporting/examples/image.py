"""The drawing of an image: the image, and beside it the same with what mattered laid on.

What raises is vermilion and framed by a full line, what lowers is blue and framed by a dashed one,
from half of the strongest place on; so the drawing can be read without colour.
"""

from __future__ import annotations

import base64
import io
from html import escape

import numpy as np
import numpy.typing as npt

from risk_model.reporting.examples import LOWERS, RAISES, RecordingExplanation, signed

SIDE = 256  # pixels of a drawn image
STRONG = 0.5  # of the strongest place: framed
COVER = 0.45  # of the image below, at the strongest place

Map = npt.NDArray[np.float64]


def draw(explanation: RecordingExplanation, alternative: str) -> str:
    """The image, plain and explained, as one SVG with its pixels inside."""
    places = _places(explanation)
    height, width = explanation.signal.shape[1:]
    tall = round(SIDE * height / width)
    plain, laid = _pixels(explanation), _overlay(explanation, places)
    label = escape(f"{alternative}: {_strongest(places)}")
    frames = "".join(_frames(places, SIDE / places.shape[1], tall / places.shape[0]))
    picture = '<image x="{x}" width="{w}" height="{h}" href="{href}"/>'
    return (
        f'<svg viewBox="0 0 {2 * SIDE + 12} {tall}" role="img" aria-label="{label}" '
        'style="max-width: 540px">'
        + picture.format(x=0, w=SIDE, h=tall, href=_png(plain))
        + picture.format(x=SIDE + 12, w=SIDE, h=tall, href=_png(laid))
        + f'<g transform="translate({SIDE + 12} 0)" fill="none" stroke-width="2">{frames}</g></svg>'
    )


def _places(explanation: RecordingExplanation) -> Map:
    """What each place of a grid adds: float64[rows, columns]."""
    if explanation.map is not None:
        return np.asarray(explanation.map, dtype=np.float64)
    boxes = [tuple(part["box"]) for part in explanation.parts]
    lefts, tops = sorted({box[0] for box in boxes}), sorted({box[1] for box in boxes})
    places = np.zeros((len(tops), len(lefts)))
    for box, added in zip(boxes, explanation.contributions, strict=True):
        places[tops.index(box[1]), lefts.index(box[0])] = added
    return places


def _pixels(explanation: RecordingExplanation) -> npt.NDArray[np.float64]:
    """The image as colours in 0..1: [h, w, 3]."""
    channels = np.moveaxis(np.asarray(explanation.recording, dtype=np.float64), 0, -1)
    return np.repeat(channels, 3, axis=2) if channels.shape[2] == 1 else channels


def _overlay(explanation: RecordingExplanation, places: Map) -> npt.NDArray[np.float64]:
    pixels = _pixels(explanation)
    rows, columns = (
        np.arange(n) * m // n for n, m in zip(pixels.shape[:2], places.shape, strict=True)
    )
    strength = (places / (np.abs(places).max() or 1.0))[rows][:, columns, None]
    colour = np.where(strength > 0, _colour(RAISES), _colour(LOWERS))
    cover = COVER * np.abs(strength)
    return np.asarray(pixels * (1 - cover) + colour * cover)


def _colour(name: str) -> npt.NDArray[np.float64]:
    return np.array([int(name[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def _frames(places: Map, wide: float, tall: float) -> list[str]:
    """The outlines of the strong places, those that touch each other in one."""
    pieces = []
    for sign, look in (
        (1, f'stroke="{RAISES}"'),
        (-1, f'stroke="{LOWERS}" stroke-dasharray="4 3"'),
    ):
        strong = np.pad(sign * places >= STRONG * (np.abs(places).max() or np.inf), 1)
        for i, j in np.argwhere(strong[1:] != strong[:-1]):  # between a place and the one below it
            pieces.append(_line((j - 1) * wide, i * tall, wide, 0, look))
        for i, j in np.argwhere(strong[:, 1:] != strong[:, :-1]):
            pieces.append(_line(j * wide, (i - 1) * tall, 0, tall, look))
    return pieces


def _line(x: float, y: float, across: float, down: float, look: str) -> str:
    return f'<path d="M{x:.1f} {y:.1f}l{across:.1f} {down:.1f}" {look}/>'


def _strongest(places: Map) -> str:
    """The strongest place in words."""
    i, j = np.unravel_index(int(np.abs(places).argmax()), places.shape)
    if not places[i, j]:
        return "no place stands out"
    down, across = (100 * (k + 0.5) / n for k, n in zip((i, j), places.shape, strict=True))
    return (
        f"the strongest place is {across:.0f} % from the left and {down:.0f} % from the top, "
        f"{signed(places[i, j])}"
    )


def _png(pixels: npt.NDArray[np.float64]) -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8)).save(
        file, "PNG", optimize=True
    )
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
