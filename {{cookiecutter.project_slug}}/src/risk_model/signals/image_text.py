"""Text burned into pixels: rows of strokes at full brightness, which no tissue makes.

Text that scanners and film digitisers burn in has one constant, brightest (or darkest) value and
many narrow strokes in a line. A side marker is one letter, and stays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from risk_model.signals import Remark

Pixels = npt.NDArray[Any]

WINDOW = 160  # pixels along a row in which ...
STROKES = 8  # ... so many strokes of full brightness begin ...
ROWS = 4  # ... in so many rows in a row
MARGIN = 3  # pixels masked around what was found
NEAR = 4 / 255  # of the range of values: as bright as the brightest
TEXT = Remark(
    "warning",
    "identity",
    "text burned into the pixels: masked",
    "look at some of them: none may be missed",
)
COMMON = 0.2  # a value that so much of the image has is background or saturation, not ink


def mask_text(image: Pixels) -> tuple[Pixels, int]:
    """[c, h, w], as stored, without lines of burned-in text, and their number; a copy if any.

    The mask takes the median of the rows' other pixels.
    """
    grey = image.mean(axis=0, dtype=np.float64)
    boxes = [box for ink in (grey, -grey) for box in _lines(ink)]
    masked = image.copy() if boxes else image
    for top, bottom, left, right in boxes:
        outside = np.ones(image.shape[2], dtype=bool)
        outside[left:right] = False
        rows = image[:, top:bottom]
        fill = np.median(rows[:, :, outside] if outside.any() else rows, axis=(1, 2))
        masked[:, top:bottom, left:right] = fill[:, None, None]
    return masked, len(boxes)


def _lines(grey: npt.NDArray[np.float64]) -> list[tuple[int, int, int, int]]:
    ink = np.asarray(grey >= grey.max() - NEAR * np.ptp(grey))
    if ink.mean() > COMMON:
        return []
    begins = ink.copy()
    begins[:, 1:] &= ~ink[:, :-1]
    # few rows of a large image hold so many strokes at all
    text = begins.sum(axis=1) >= STROKES
    text[text] = (_in_window(begins[text]) >= STROKES).any(axis=1)
    return [_box(ink, *run) for run in _runs(text) if run[1] - run[0] >= ROWS]


def _in_window(begins: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """How many strokes begin in the window that ends at each pixel."""
    totals = np.cumsum(begins, axis=1, dtype=np.int64)
    before = np.pad(totals, ((0, 0), (WINDOW, 0)))[:, : totals.shape[1]]
    return np.asarray(totals - before)


def _runs(rows: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and one past the last of each run of true rows.

    Gaps of two rows, as below a dot, are bridged.
    """
    text_rows = np.flatnonzero(rows)
    cuts = np.flatnonzero(np.diff(text_rows) > 3) + 1
    return [(int(run[0]), int(run[-1]) + 1) for run in np.split(text_rows, cuts) if len(run)]


def _box(ink: npt.NDArray[np.bool_], top: int, bottom: int) -> tuple[int, int, int, int]:
    top, bottom = max(top - 2 * MARGIN, 0), min(bottom + 2 * MARGIN, len(ink))
    columns = np.flatnonzero(ink[top:bottom].any(axis=0))
    return (
        top,
        bottom,
        max(int(columns[0]) - MARGIN, 0),
        min(int(columns[-1]) + 1 + MARGIN, ink.shape[1]),
    )
