"""Images: DICOM, PNG or JPEG as displayed, at one size, without names.

Proportions are kept: the shorter side is padded. Left and right are never exchanged, unless the
header of a DICOM file or a picture's EXIF says that it was stored the other way round. A file entry
may be a folder: one series, of which the middle image is taken.

How an image had to be read is a remark. A model that learnt from no image read so answers none.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from risk_model.core.errors import UserError
from risk_model.core.schema import Features, Field, Signal
from risk_model.signals import Part, Reading, Recording, Remark
from risk_model.signals.image_picture import displayed_picture
from risk_model.signals.long_bytes import from_base64, holds

REQUEST_BYTES = 32 << 20  # a radiograph of 12 million pixels of 16 bits, uncompressed, as base64
REQUEST_VALUES = 1_000
FROM_FILE = True
MOST_PIXELS = 50_000_000  # before decoding: a small file can claim to be a huge image
REQUEST_PIXELS = 1 << 24  # of a request, for which somebody waits
DEFLATED = b"1.2.840.10008.1.2.1.99"  # the transfer syntax of files that are deflated as a whole
GRID = 8  # places a side that are pooled, and that are hidden one at a time
QUANTILES = 16
FIELDS = (
    Field("brightness", "number", "1", 0, 1, description="mean of the pixels, 0 black to 1 white"),
    Field("contrast", "number", "1", 0, 1, description="standard deviation of the pixels"),
    Field("sharpness", "number", "1", 0, 4, description="mean size of the Laplacian"),
    Field("dark", "number", "1", 0, 1, description="share of pixels below .05"),
    Field("bright", "number", "1", 0, 1, description="share of pixels above .95"),
)
GREYED = Remark("note", "colour", "in colour: its luminance was taken")
UNCOLOURED = Remark("note", "colour", "in grey: its one channel was taken for all three")
ENLARGED = Remark("note", "size", "smaller than what is read: enlarged")
# kinds of remarks that say how an image was read: a model may have learnt from none read so
READ_AS = ("colour", "depth", "frames", "size", "window")
SIGNATURES = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG"}
LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # Rec. 601


def read(path: Path, signal: Signal) -> Reading:
    """See Reader; a folder is one series.

    Raises:
        UserError: it holds two patients or two series.
    """
    if path.is_dir():
        return _middle(path, signal)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path}: cannot be opened ({error.strerror}); correct the path in the table"
        ) from None
    return decoded(content, signal, f"{path}: ")


def received(value: object, signal: Signal) -> Recording:
    """See Reader: a file's bytes in base64; a memoryview holds base64's letters and nothing else.

    One is refused that is read as no image was that the model learnt from, in colour, say.
    """
    if not isinstance(value, str | memoryview):
        raise UserError("must be the bytes of a DICOM, PNG or JPEG file in base64")
    try:
        if isinstance(value, str):
            content = base64.b64decode(value, validate=True)
        else:
            content = from_base64(value)
    except (binascii.Error, ValueError):
        raise UserError("is not base64") from None
    if holds(content, DEFLATED):
        raise UserError("is a deflated DICOM file, which may become any size; send it uncompressed")
    return decoded(content, signal, "", REQUEST_PIXELS).recording


def decoded(content: bytes, signal: Signal, where: str, most: int = MOST_PIXELS) -> Reading:
    """The image in a file's bytes; `where` opens every message, `most` limits its pixels.

    Raises:
        UserError: it cannot be read, or only as no image was that the model learnt from.
    """
    remarks: tuple[Remark, ...] = ()
    header: dict[str, Any] = {}
    if content[128:132] == b"DICM":
        from risk_model.signals import image_dicom

        dataset = image_dicom.parse(content, where, most)
        image, remarks = image_dicom.displayed(dataset, where)
        header = image_dicom.header(dataset)
    elif any(content.startswith(signature) for signature in SIGNATURES):
        image, remarks = displayed_picture(content, tuple(SIGNATURES.values()), where, most)
    else:
        raise UserError(
            f"{where}is neither a DICOM file ('DICM' after 128 bytes) nor PNG nor JPEG; convert it"
        )
    fitted, coloured = _channels(image, len(signal.channels))
    enlarged = [ENLARGED] if scale(fitted, signal) > 1 else []
    remarks = (*remarks, *coloured, *enlarged)
    _check_read_as(remarks, signal, where)
    return Reading(resized(fitted, signal), remarks, header)


def read_as(remarks: Iterable[Remark]) -> list[Remark]:
    """Those remarks that say how an image was read, each once, in the order of their kinds."""
    return sorted({remark for remark in remarks if remark.kind in READ_AS}, key=lambda r: r.kind)


def _check_read_as(remarks: Iterable[Remark], signal: Signal, where: str) -> None:
    for remark in read_as(remarks):
        if signal.remark_kinds is not None and remark.kind not in signal.remark_kinds:
            raise UserError(
                f"{where}{remark.message}; the model learnt from no image that was read so: send "
                "one like those, or train with such images"
            )


def _channels(image: Features, number: int) -> tuple[Features, list[Remark]]:
    if len(image) == number:
        return image, [UNCOLOURED] if number > 1 and _grey(image) else []
    if number == 1 and _grey(image):
        return image[:1], []
    if number == 1:
        return np.tensordot(LUMINANCE, image, axes=1)[None].astype(np.float32), [GREYED]
    return np.repeat(image, number, axis=0), [UNCOLOURED]


def _grey(image: Features) -> bool:
    """Whether the channels of a colour image are all the same."""
    return bool((image[1:] == image[0]).all())


def scale(image: Features, signal: Signal) -> float:
    """How many times larger an image [c, h, w] becomes at the size of the signal."""
    height, width = signal.shape[1:]
    return float(min(height / image.shape[1], width / image.shape[2]))


def resized(image: Features, signal: Signal) -> Features:
    """float32[c, h, w] at the size of the signal, centred on black.

    An image that is made smaller is smoothed first.
    """
    from PIL import Image

    height, width = signal.shape[1:]
    times = scale(image, signal)
    rows, columns = max(round(image.shape[1] * times), 1), max(round(image.shape[2] * times), 1)
    if (rows, columns) == image.shape[1:]:
        fitted = image
    else:
        # Pillow's bilinear filter widens its support when it makes an image smaller
        resample = Image.Resampling.BILINEAR
        channels = [
            Image.fromarray(np.ascontiguousarray(c)).resize((columns, rows), resample)
            for c in image
        ]
        fitted = np.stack([np.asarray(channel, dtype=np.float32) for channel in channels])
    padded = np.zeros((len(image), height, width), dtype=np.float32)
    top, left = (height - rows) // 2, (width - columns) // 2
    padded[:, top : top + rows, left : left + columns] = fitted
    return padded


def _middle(folder: Path, signal: Signal) -> Reading:
    """The middle image of a series, by instance number."""
    from risk_model.signals import image_dicom

    files = sorted(
        path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")
    )
    if not files:
        raise UserError(f"{folder}: holds no file; correct the path in the table")
    series = [image_dicom.parse(path.read_bytes(), f"{path}: ") for path in files]
    for tag, word in (("PatientID", "patient"), ("SeriesInstanceUID", "series")):
        if len({str(dataset.get(tag, "")) for dataset in series}) > 1:
            raise UserError(
                f"{folder}: holds images of more than one {word}; give each a folder of its own"
            )
    order = sorted(range(len(series)), key=lambda i: int(series[i].get("InstanceNumber") or 0))
    return read(files[order[len(order) // 2]], signal)


def measure(recording: Recording, signal: Signal) -> dict[str, float | None]:
    """See Reader."""
    grey = recording.mean(axis=0, dtype=np.float64)
    laplacian = (
        4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    )
    return {
        "brightness": float(grey.mean()),
        "contrast": float(grey.std()),
        "sharpness": float(np.abs(laplacian).mean()),
        "dark": float((grey < 0.05).mean()),
        "bright": float((grey > 0.95).mean()),
    }


def count(channels: int) -> int:
    """How many numbers describe an image of so many channels."""
    return channels * (GRID * GRID + QUANTILES)


def describe(recording: Recording, signal: Signal) -> Features:
    """See Reader: means of 8×8 places and 16 quantiles of brightness, per channel.

    No bin stays empty at a new site.
    """
    rows, columns = _edges(signal.shape[1]), _edges(signal.shape[2])
    sums = np.add.reduceat(np.add.reduceat(recording, rows[:-1], axis=1), columns[:-1], axis=2)
    pooled = sums / np.outer(np.diff(rows), np.diff(columns)).astype(np.float32)
    quantiles = np.quantile(
        recording.reshape(len(recording), -1), np.linspace(0, 1, QUANTILES), axis=1
    )
    return np.concatenate([pooled.ravel(), quantiles.T.ravel()]).astype(np.float32)


def _edges(pixels: int) -> Any:
    return np.linspace(0, pixels, GRID + 1).round().astype(np.int64)


def array(recording: Recording, signal: Signal) -> Features:
    """See Reader: the image itself, float32[c, h, w]."""
    return np.asarray(recording, dtype=np.float32)


def parts(recording: Recording, signal: Signal) -> list[Part]:
    """See Reader: 8×8 boxes, in pixels of the resized image, as [left, top, right, bottom]."""
    rows, columns = _edges(signal.shape[1]).tolist(), _edges(signal.shape[2]).tolist()
    return [
        {"box": [columns[j], rows[i], columns[j + 1], rows[i + 1]]}
        for i in range(GRID)
        for j in range(GRID)
    ]


def without(recording: Recording, part: Part, signal: Signal) -> Recording:
    """See Reader: the box at the median of the pixels around it."""
    left, top, right, bottom = part["box"]
    frame = np.s_[:, max(top - 2, 0) : bottom + 2, max(left - 2, 0) : right + 2]
    around = np.ones(signal.shape[1:], dtype=bool)
    around[top:bottom, left:right] = False
    masked = np.array(recording)
    ring = recording[frame][:, around[frame[1:]]]
    masked[:, top:bottom, left:right] = np.median(ring, axis=1)[:, None, None]
    return masked


def neutral(signal: Signal) -> Recording:
    """See Reader: an even grey."""
    return np.full(signal.shape, 0.5, dtype=np.float32)
