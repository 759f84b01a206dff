"""DICOM files as a radiologist sees them: grey values as displayed, and nobody's name.

Of several frames the middle one is decoded, its grey values go through the transforms of its
header, and overlay planes stay beside it. Of the header only age, sex and the device (manufacturer
and model) go on.
"""

from __future__ import annotations

import io
import logging
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from risk_model.core.errors import UserError
from risk_model.core.schema import Features
from risk_model.signals import Remark
from risk_model.signals.image_decoding import middle_frame, stored_pixels, whole_number
from risk_model.signals.image_text import TEXT, mask_text
from risk_model.signals.image_window import (
    displayed_greys,
    frame_header,
    padded,
    without_padding,
)

if TYPE_CHECKING:
    from pydicom import Dataset

NEEDED = ("PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "PixelData")
DEVICE = ("Manufacturer", "ManufacturerModelName")
DEVICE_LENGTH = 64  # of DICOM's texts of this kind (LO)
IDENTITY = (
    "PatientName PatientID OtherPatientIDs PatientBirthDate PatientAddress PatientTelephoneNumbers "
    "AccessionNumber "
    "ReferringPhysicianName PerformingPhysicianName OperatorsName InstitutionName "
    "PatientMotherBirthName"
).split()
# in one frame's pixels: more is no radiograph but an attempt to fill the memory
MOST_NUMBERS = 50_000_000
IDENTIFIED = Remark("note", "identity", "names or identifiers in the DICOM header: not kept")
BURNED = Remark(
    "warning",
    "identity",
    "said to have text burned in (BurnedInAnnotation)",
    "look at some of them",
)
OVERLAY_GROUPS = range(0x6000, 0x6100)
OVERLAYS = Remark("note", "overlays", "overlay planes beside the pixels: not drawn into the image")
TURNED = Remark(
    "note",
    "orientation",
    "turned so that the patient's left is at the right, as radiographs are shown",
)


def _without_requests() -> ModuleType:
    """Pydicom, which would import requests for downloads that nobody here asks for.

    It has urllib3 bind a socket, to know whether the machine has IPv6.
    """
    absent = "requests" not in sys.modules
    if absent:
        sys.modules["requests"] = None  # type: ignore[assignment]  # an import of it fails
    try:
        return import_module("pydicom")
    finally:
        if absent:
            del sys.modules["requests"]


def parse(content: bytes, where: str, most: int = MOST_NUMBERS) -> Dataset:
    """The data set in a file's bytes.

    Raises:
        UserError: it is not DICOM, not a whole one with pixels, or has more than `most` of them.
    """
    pydicom = _without_requests()
    # Its warnings and its log quote the header's values.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    try:
        dataset: Dataset = pydicom.dcmread(io.BytesIO(content))
        absent = [name for name in NEEDED if name not in dataset]
        kind = _kind(dataset)
    except Exception as error:
        # whatever a broken file provokes in the parser; its text may hold a value
        raise UserError(
            f"{where}is not a readable DICOM file ({type(error).__name__}); export it again"
        ) from None
    if "PixelData" in absent:
        raise UserError(f"{where}holds no pixels{kind}: it is no image, or was cut short")
    if absent:
        raise UserError(f"{where}lacks {', '.join(absent)}; it was cut short, or is no image")
    _check_size(dataset, where, most)
    return dataset


def _check_size(dataset: Dataset, where: str, most: int) -> None:
    rows, columns = (whole_number(dataset, name, where) for name in ("Rows", "Columns"))
    numbers = rows * columns * max(whole_number(dataset, "SamplesPerPixel", where), 1)
    if not 0 < numbers <= MOST_NUMBERS or rows * columns > most:
        raise UserError(f"{where}has no pixels or more than {most:,}; export a smaller image")


def _kind(dataset: Dataset) -> str:
    """What DICOM calls such an object, in brackets; "" where it lists none by that number."""
    kind = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    return f" ({kind.name})" if kind and kind.keyword else ""


def displayed(dataset: Dataset, where: str) -> tuple[Features, tuple[Remark, ...]]:
    """The image as displayed, float32[c, h, w] in 0..1 with 1 or 3 channels, and remarks."""
    number, remarks = middle_frame(dataset, where)
    stored = stored_pixels(dataset, number, where)
    try:
        transform = _colours if _coloured(dataset) else _greys
        image, shown = transform(dataset, stored, number, where)
    except UserError:
        raise
    except Exception as error:  # whatever an element of a wrong kind provokes
        raise UserError(
            f"{where}its pixels cannot be shown ({type(error).__name__}): a lookup table or "
            "another element of its header is not as DICOM asks; export it again"
        ) from None
    turned, orientation = _upright(dataset, image)
    return turned, (*remarks, *shown, *orientation, *_identity(dataset), *_overlays(dataset))


def _identity(dataset: Dataset) -> list[Remark]:
    identified = [IDENTIFIED] if any(dataset.get(name) for name in IDENTITY) else []
    return [*identified, *([BURNED] if dataset.get("BurnedInAnnotation") == "YES" else [])]


def _overlays(dataset: Dataset) -> list[Remark]:
    """Overlay planes lie in the repeating group 60xx, beside the pixels."""
    tags = list(dataset.keys())  # to go through the data set itself would decode its elements
    return [OVERLAYS] if any(tag >> 16 in OVERLAY_GROUPS for tag in tags) else []


def _masked_text(frame: Any) -> tuple[Any, list[Remark]]:
    """Stored values: a window could make tissue as bright as ink."""
    colours = frame.ndim == 3
    masked, lines = mask_text(np.moveaxis(frame, -1, 0) if colours else frame[None])
    return (np.moveaxis(masked, 0, -1) if colours else masked[0]), [TEXT] if lines else []


def _coloured(dataset: Dataset) -> bool:
    return (
        int(dataset.get("SamplesPerPixel", 1)) == 3
        or dataset.PhotometricInterpretation == "PALETTE COLOR"
    )


def _colours(
    dataset: Dataset, stored: Any, number: int, where: str
) -> tuple[Features, list[Remark]]:
    from pydicom.pixels.processing import apply_color_lut

    pixels, text = _masked_text(stored)
    bits = int(dataset.BitsStored)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        pixels, bits = (
            apply_color_lut(pixels, dataset),
            int(dataset.RedPaletteColorLookupTableDescriptor[2]),
        )
    return np.moveaxis(pixels, -1, 0).astype(np.float32) / np.float32(2**bits - 1), text


def _greys(dataset: Dataset, stored: Any, number: int, where: str) -> tuple[Features, list[Remark]]:
    header = frame_header(dataset, number, where)
    padding = padded(header, stored, where)
    anatomy = without_padding(stored, padding, where)
    pixels, text = _masked_text(anatomy)
    # text may have had the value of the padding: where it was masked, the mask is shown
    padding &= pixels == anatomy
    image, remarks = displayed_greys(header, pixels, padding, where)
    return image[None].astype(np.float32), [*remarks, *text]


def _upright(dataset: Dataset, image: Features) -> tuple[Features, list[Remark]]:
    """The image turned so that left and right mean the same in every one.

    Only where the header says which way a frontal one was stored.
    """
    towards = [str(way)[:1] for way in (dataset.get("PatientOrientation") or [])]
    if (
        len(towards) != 2
        or towards[0] not in "LR"
        or towards[1] not in "FH"
        or towards == ["L", "F"]
    ):
        return image, []
    across = image[:, :, ::-1] if towards[0] == "R" else image
    return np.ascontiguousarray(across[:, ::-1] if towards[1] == "H" else across), [TURNED]


def header(dataset: Dataset) -> dict[str, Any]:
    """Age in years, sex and device, where the header tells them."""
    fields: dict[str, Any] = {}
    age, sex = str(dataset.get("PatientAge") or ""), str(dataset.get("PatientSex") or "")
    years = {"Y": 1.0, "M": 12.0, "W": 52.18, "D": 365.25}.get(age[-1:])
    if years and age[:-1].isdigit():
        fields["age"] = int(age[:-1]) / years
    if sex in ("F", "M", "O"):
        fields["sex"] = sex
    if device := _device(dataset):
        fields["device"] = device
    return fields


def _device(dataset: Dataset) -> str:
    """Manufacturer and model in capitals, since one vendor writes its name in several ways."""
    words: list[str] = []
    for name in DEVICE:
        element = dataset.get_item(name)
        value = b"" if element is None else element.value or b""
        # as bytes, where pydicom would warn of a character set that it does not know
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        words += "".join(c if c.isprintable() else " " for c in text).upper().split()
    return " ".join(words)[:DEVICE_LENGTH]
