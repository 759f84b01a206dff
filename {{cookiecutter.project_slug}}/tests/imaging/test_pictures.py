"""Is a PNG or a JPEG shown as a viewer shows it: upright, as deep as its values, and in grey where
it is grey?
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from risk_model.config.imaging import Pixels
from risk_model.core.errors import UserError
from risk_model.data.sources.images import signal_of
from risk_model.signals.image import ENLARGED, GREYED, UNCOLOURED, decoded
from risk_model.signals.image_picture import SHALLOW, displayed_picture

FORMATS = ("PNG", "JPEG")
NOISE = np.random.default_rng(0).integers(0, 4_096, (40, 64)).astype(np.uint16)


def picture(pixels: np.ndarray, kind: str = "PNG", orientation: int = 0) -> bytes:
    file, exif = io.BytesIO(), Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.fromarray(pixels).save(file, kind, exif=exif, quality=100)
    return file.getvalue()


def deep_colours(pixels: np.ndarray) -> bytes:
    """A PNG of 16 bits a colour, [h, w, 3], which Pillow does not write."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    height, width = pixels.shape[:2]
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in pixels)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


# how the image is stored, so that it stands upright once it is turned as the tag says
STORED = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.T,
    6: lambda image: np.rot90(image),
    7: lambda image: np.rot90(image, 2).T,
    8: lambda image: np.rot90(image, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_stands_as_its_exif_says(kind: str, orientation: int) -> None:
    upright = np.zeros((40, 64), dtype=np.uint8)
    upright[:20, :32], upright[:20, 32:] = 200, 100
    stored = np.ascontiguousarray(STORED[orientation](upright))
    shown, _ = displayed_picture(picture(stored, kind, orientation), FORMATS, "", 10_000)
    np.testing.assert_allclose(shown[0], upright / 255, atol=0.02)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_a_picture_of_few_bits_in_sixteen_is_not_black_and_is_told(bits: int) -> None:
    values = (NOISE >> (12 - bits)) if bits < 12 else (NOISE << (bits - 12))
    shown, remarks = displayed_picture(picture(values.astype(np.uint16)), FORMATS, "", 10_000)
    low, high = np.percentile(values, [1, 99])
    np.testing.assert_allclose(shown[0], np.clip((values - low) / (high - low), 0, 1), atol=1e-5)
    assert remarks == (SHALLOW,)


@pytest.mark.parametrize("top", [0.3, 1.0])
def test_a_picture_that_uses_more_than_a_quarter_of_sixteen_bits_keeps_its_shades(
    top: float,
) -> None:
    values = (NOISE * (65_535 * top / 4_095)).astype(np.uint16)
    shown, remarks = displayed_picture(picture(values), FORMATS, "", 10_000)
    np.testing.assert_allclose(shown[0], values / 65_535, atol=1e-6)
    assert remarks == ()


def test_a_dark_picture_of_eight_bits_is_dark() -> None:
    shown, remarks = displayed_picture(
        picture(np.full((8, 8), 9, dtype=np.uint8)), FORMATS, "", 10_000
    )
    np.testing.assert_allclose(shown, 9 / 255, atol=1e-6)
    assert remarks == ()


def test_colours_of_sixteen_bits_are_read_and_dark_ones_refused() -> None:
    bright = np.stack([NOISE * 16, NOISE * 8, NOISE], axis=-1)
    shown, _ = displayed_picture(deep_colours(bright), FORMATS, "", 10_000)
    np.testing.assert_allclose(shown, np.moveaxis(bright, -1, 0) / 65_535, atol=0.005)
    with pytest.raises(UserError, match="16 bits a colour, of which a quarter at most is used"):
        displayed_picture(deep_colours(bright // 16), FORMATS, "", 10_000)


GREY, COLOUR = signal_of(Pixels(size=32)), signal_of(Pixels(size=32, colour=True))
SHADES = np.random.default_rng(1).integers(20, 200, (40, 64)).astype(np.uint8)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
def test_a_grey_picture_is_grey_however_it_is_stored(mode: str) -> None:
    file = io.BytesIO()
    Image.fromarray(SHADES).convert(mode).save(file, "PNG")
    plain, stored = decoded(picture(SHADES), GREY, ""), decoded(file.getvalue(), GREY, "")
    np.testing.assert_allclose(stored.recording, plain.recording, atol=1e-6)
    assert GREYED not in stored.remarks


def test_a_picture_in_black_and_white_is_in_black_and_white() -> None:
    file = io.BytesIO()
    Image.fromarray(SHADES > 100).save(file, "PNG")
    shown, _ = displayed_picture(file.getvalue(), FORMATS, "", 10_000)
    np.testing.assert_array_equal(shown[0], (SHADES > 100).astype(float))


# pixels, what reads them, and the remarks on how
SAID = {
    "grey for grey": (SHADES, GREY, set()),
    "colour for grey": (np.stack([SHADES, SHADES // 2, SHADES], -1), GREY, {GREYED}),
    "grey for colour": (SHADES, COLOUR, {UNCOLOURED}),
    "grey in three channels, for colour": (np.stack([SHADES] * 3, -1), COLOUR, {UNCOLOURED}),
    "colour for colour": (np.stack([SHADES, SHADES // 2, SHADES], -1), COLOUR, set()),
    "smaller than what is read": (SHADES[:20, :24], GREY, {ENLARGED}),
    "as large as what is read": (SHADES[:32, :30], GREY, set()),
}


@pytest.mark.parametrize("kind", SAID)
def test_how_a_picture_had_to_be_read_is_told(kind: str) -> None:
    pixels, signal, remarks = SAID[kind]
    assert set(decoded(picture(pixels), signal, "").remarks) == remarks
