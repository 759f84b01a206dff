"""Does the report draw the image that was read, with what mattered laid on the right place,
readable without colour?
"""

from __future__ import annotations

import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from risk_model.core.schema import Signal
from risk_model.reporting.examples import LOWERS, RAISES, RecordingExplanation, draw
from risk_model.signals import reader

GREY = Signal("image", "image", (1, 32, 48), described=80, channels=("grey",))
COLOUR = Signal("image", "image", (3, 32, 32), described=240, channels=("red", "green", "blue"))


def image(signal: Signal) -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).random(signal.shape).astype(np.float32)


def pictures(drawing: str) -> list[npt.NDArray[np.uint8]]:
    """The plain image and the explained one, as pixels."""
    found = re.findall(r'href="data:image/png;base64,([^"]+)"', drawing)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))) for content in found]


@pytest.mark.parametrize("signal", [GREY, COLOUR])
def test_the_plain_image_is_the_recording(signal: Signal) -> None:
    recording = image(signal)
    plain, _ = pictures(
        draw(RecordingExplanation(recording, signal, map=np.zeros((4, 4), np.float32)), "an image")
    )
    wanted = np.broadcast_to(np.moveaxis(recording, 0, -1), (*signal.shape[1:], 3)) * 255
    np.testing.assert_allclose(plain, wanted, atol=1)


def test_only_the_place_that_matters_is_coloured_and_it_is_framed() -> None:
    added = np.zeros((4, 6), np.float32)
    added[1, 4] = 2.0
    drawing = draw(RecordingExplanation(image(GREY), GREY, map=added), "an image")
    plain, laid = pictures(drawing)
    rows, columns = np.nonzero((plain != laid).any(axis=2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 15, 32, 39)
    assert drawing.count(f'stroke="{RAISES}"') == 4  # the four sides of one place
    assert "75 % from the left and 38 % from the top, +2.00" in drawing


def test_touching_places_share_one_outline_and_what_lowers_has_a_broken_one() -> None:
    added = np.zeros((4, 6), np.float32)
    added[1, 2:5] = -1.0
    drawing = draw(RecordingExplanation(image(GREY), GREY, map=added), "an image")
    assert drawing.count(f'stroke="{LOWERS}" stroke-dasharray') == 8  # around three places in a row
    assert RAISES not in drawing


def test_hidden_boxes_are_laid_where_they_were_hidden() -> None:
    parts = tuple(reader(GREY).parts(image(GREY), GREY))
    strongest = 21
    contributions = tuple(1.5 if i == strongest else 0.0 for i in range(len(parts)))
    plain, laid = pictures(
        draw(RecordingExplanation(image(GREY), GREY, parts, contributions), "an image")
    )
    rows, columns = np.nonzero((plain != laid).any(axis=2))
    found = [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]
    assert found == parts[strongest]["box"]


def test_the_drawing_stands_alone_and_tells_what_it_is() -> None:
    drawing = draw(
        RecordingExplanation(image(GREY), GREY, map=np.zeros((4, 4), np.float32)), 'a <b> & "image"'
    )
    svg = ElementTree.fromstring(drawing)  # noqa: S314 - made here
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == 'a <b> & "image": no place stands out'
    assert all(link.startswith("data:") for link in re.findall(r'href="([^"]+)"', drawing))
    assert len(drawing) < 100_000
