"""DICOM files as a radiologist sees them: grey values as displayed, and nobody's name.

Stored values go through the modality transform (rescale slope and intercept, or its table), then
the window (or the VOI table), then photometric interpretation, as DICOM PS3.3 C.11.1 and C.11.2
ask. Of the header only age and sex go on.
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
from risk_model.signals.image_text import TEXT, mask_text

if TYPE_CHECKING:
    from pydicom import Dataset

NEEDED = ("PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "PixelData")
IDENTITY = (
    "PatientName PatientID OtherPatientIDs PatientBirthDate PatientAddress PatientTelephoneNumbers "
    "AccessionNumber "
    "ReferringPhysicianName PerformingPhysicianName OperatorsName InstitutionName "
    "PatientMotherBirthName"
).split()
# in one file's pixels: more is no radiograph but an attempt to fill the memory
MOST_NUMBERS = 50_000_000
IDENTIFIED = Remark("note", "identity", "names or identifiers in the DICOM header: not kept")
BURNED = Remark(
    "warning",
    "identity",
    "said to have text burned in (BurnedInAnnotation)",
    "look at some of them",
)
FRAMES = Remark("note", "frames", "several frames: the middle one was taken")
TURNED = Remark(
    "note",
    "orientation",
    "turned so that the patient's left is at the right, as radiographs are shown",
)
UNWINDOWED = Remark(
    "note", "window", "no window: 8 bits shown whole, more from the 1st to the 99th percentile"
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


def parse(content: bytes, where: str) -> Dataset:
    """The data set in a file's bytes.

    Raises:
        UserError: it is not DICOM, or not a whole one with pixels.
    """
    pydicom = _without_requests()
    # Its warnings and its log quote the header's values.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    try:
        dataset: Dataset = pydicom.dcmread(io.BytesIO(content))
        absent = [name for name in NEEDED if name not in dataset]
        numbers = 0 if absent else _numbers(dataset)
    except Exception as error:
        # whatever a broken file provokes in the parser; its text may hold a value
        raise UserError(
            f"{where}is not a readable DICOM file ({type(error).__name__}); export it again"
        ) from None
    if absent:
        raise UserError(f"{where}lacks {', '.join(absent)}; it was cut short, or is no image")
    if not 0 < numbers <= MOST_NUMBERS:
        raise UserError(
            f"{where}has no pixels or more than {MOST_NUMBERS:,}; export a single image"
        )
    return dataset


def _numbers(dataset: Dataset) -> int:
    frames, samples = dataset.get("NumberOfFrames", 1) or 1, dataset.get("SamplesPerPixel", 1)
    return int(dataset.Rows) * int(dataset.Columns) * int(frames) * int(samples)


def displayed(dataset: Dataset, where: str) -> tuple[Features, tuple[Remark, ...]]:
    """The image as displayed, float32[c, h, w] in 0..1 with 1 or 3 channels, and remarks."""
    try:
        frame, remarks = _frame(dataset, dataset.pixel_array)
        pixels, text = _masked_text(frame)
        image, window = _colours(dataset, pixels) if _coloured(dataset) else _greys(dataset, pixels)
    except Exception as error:  # decoders fail in many ways
        syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
        # an unknown one may be anything, a name too
        known_syntax = syntax.name if syntax and syntax.keyword else "unknown"
        raise UserError(
            f"{where}its pixels cannot be decoded ({type(error).__name__}; transfer syntax "
            f"{known_syntax}): the file is cut short, or says another syntax than it has; export "
            "it again uncompressed"
        ) from None
    turned, orientation = _upright(dataset, image)
    identified = [IDENTIFIED] if any(dataset.get(name) for name in IDENTITY) else []
    burned = [BURNED] if dataset.get("BurnedInAnnotation") == "YES" else []
    return turned, (*remarks, *window, *orientation, *identified, *burned, *text)


def _frame(dataset: Dataset, pixels: Any) -> tuple[Any, list[Remark]]:
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    return (pixels[frames // 2], [FRAMES]) if frames > 1 else (pixels, [])


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


def _colours(dataset: Dataset, pixels: Any) -> tuple[Features, list[Remark]]:
    from pydicom.pixels.processing import apply_color_lut

    bits = int(dataset.BitsStored)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        pixels, bits = (
            apply_color_lut(pixels, dataset),
            int(dataset.RedPaletteColorLookupTableDescriptor[2]),
        )
    return np.moveaxis(pixels, -1, 0).astype(np.float32) / np.float32(2**bits - 1), []


def _greys(dataset: Dataset, pixels: Any) -> tuple[Features, list[Remark]]:
    from pydicom.pixels.processing import apply_modality_lut

    values = np.asarray(apply_modality_lut(pixels, dataset), dtype=np.float64)
    remarks: list[Remark] = []
    if dataset.get("VOILUTSequence"):
        image = _by_table(dataset, values)
    elif dataset.get("WindowCenter") is not None and dataset.get("WindowWidth") is not None:
        function = str(dataset.get("VOILUTFunction", "LINEAR"))
        image = windowed(
            values, _first(dataset.WindowCenter), _first(dataset.WindowWidth), function
        )
    else:
        low, high = _range(dataset, values)
        image, remarks = np.clip((values - low) / max(high - low, 1e-9), 0, 1), [UNWINDOWED]
    inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
    return (1 - image if inverted else image)[None].astype(np.float32), remarks


def _range(dataset: Dataset, values: Any) -> tuple[float, float]:
    """What is black and what is white without a window.

    All that 8 bits can hold, else all but the outermost values.
    """
    from pydicom.pixels.processing import apply_modality_lut

    if int(dataset.BitsStored) <= 8 and not dataset.get("PixelRepresentation"):
        ends = np.array([0, 2 ** int(dataset.BitsStored) - 1], dtype=np.uint8)
        low, high = np.asarray(apply_modality_lut(ends, dataset), dtype=np.float64)
    else:
        low, high = np.percentile(values, [1, 99])
    return float(low), float(high)


def _by_table(dataset: Dataset, values: Any) -> Any:
    from pydicom.pixels.processing import apply_voi

    bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
    return np.asarray(apply_voi(values.astype(np.int64), dataset), dtype=np.float64) / (2**bits - 1)


def _first(value: Any) -> float:
    return float(value[0] if hasattr(value, "__len__") and not isinstance(value, str) else value)


def windowed(values: Any, centre: float, width: float, function: str) -> Any:
    """Values through a window, in 0..1; ValueError for a width it does not allow.

    DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3.
    """
    if width <= 0 or (function == "LINEAR" and width < 1):
        raise ValueError("window width")
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -50, 50)))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0, 1)
    if width == 1:
        return (values > centre - 0.5).astype(np.float64)
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


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
    """Age in years and sex, where the header tells them."""
    fields: dict[str, Any] = {}
    age, sex = str(dataset.get("PatientAge") or ""), str(dataset.get("PatientSex") or "")
    years = {"Y": 1.0, "M": 12.0, "W": 52.18, "D": 365.25}.get(age[-1:])
    if years and age[:-1].isdigit():
        fields["age"] = int(age[:-1]) / years
    if sex in ("F", "M", "O"):
        fields["sex"] = sex
    return fields
