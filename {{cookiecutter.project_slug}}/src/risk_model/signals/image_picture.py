"""PNG and JPEG as a viewer shows them: turned as their EXIF says, and as deep as their values.

A picture of 16 bits that uses a quarter of their range or less is as a rule of a device of 14 bits
or fewer: it is shown from the 1st to the 99th percentile, as a DICOM file without a window is.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from risk_model.core.errors import UserError
from risk_model.core.schema import Features
from risk_model.signals import Remark
from risk_model.signals.image_text import TEXT, mask_text
from risk_model.signals.image_window import between

PART_OF_DEPTH = 0.25
SHALLOW = Remark(
    "warning",
    "depth",
    "16 bits of which a quarter at most is used: shown from the 1st to the 99th percentile",
    "look at some of them; save pictures as deep as the device's values are",
)
DEEP_COLOURS = (2, 4, 6)  # PNG's colour types beside grey, of which Pillow keeps 8 bits of 16


def displayed_picture(
    content: bytes, formats: Sequence[str], where: str, most: int
) -> tuple[Features, tuple[Remark, ...]]:
    """A picture as displayed, float32[c, h, w] in 0..1 with 1 or 3 channels, and remarks.

    Raises:
        UserError: it has more than `most` pixels, is damaged, or is dark colour of 16 bits.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(content), formats=list(formats)) as picture:
            if picture.width * picture.height > most:
                raise UserError(f"{where}has more than {most:,} pixels; make it smaller")
            picture.load()
            ImageOps.exif_transpose(picture, in_place=True)
            deep = picture.mode.startswith(("I", "F"))
            mode = "L" if picture.mode in ("1", "L", "LA", "La") else "RGB"
            as_it_is = deep or picture.mode == mode
            shown = picture if as_it_is else picture.convert(mode)
            pixels = np.asarray(shown, dtype=np.float32)
    except UserError:
        raise
    except Exception as error:  # whatever a broken file provokes in the decoder
        raise UserError(
            f"{where}cannot be decoded ({type(error).__name__}); it was cut short or damaged"
        ) from None
    # as stored: a percentile could make tissue as bright as ink
    masked, lines = mask_text(pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0))
    image, remarks = _scaled(masked, deep, _deep_colour(content), where)
    return image, (*remarks, *((TEXT,) if lines else ()))


def _deep_colour(content: bytes) -> bool:
    """Whether a PNG has 16 bits a colour; its first chunk says so at bytes 24 and 25."""
    return content.startswith(b"\x89PNG") and content[24] == 16 and content[25] in DEEP_COLOURS


def _scaled(
    image: Features, deep: bool, deep_colour: bool, where: str
) -> tuple[Features, tuple[Remark, ...]]:
    full = 65_535 if deep else 255
    dark = image.max() <= PART_OF_DEPTH * full
    if deep_colour and dark:
        raise UserError(
            f"{where}has 16 bits a colour, of which a quarter at most is used; save it with 8"
        )
    if deep and dark:
        low, high = np.percentile(image, [1, 99])
        return between(image, float(low), float(high)), (SHALLOW,)
    image = image / np.float32(full)
    return np.clip(image, 0, 1, out=image), ()
