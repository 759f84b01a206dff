"""Stored grey values as a display shows them, 0 black to 1 white, and padding as black.

Values go through the modality transform (rescale slope and intercept, or its table), then the
window (or the VOI table), then photometric interpretation: DICOM PS3.3 C.11.1 and C.11.2. Padding
is no image (C.7.5.1.1.2): it passes through none of them. An element that is there but empty is as
one that is absent.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from risk_model.core.errors import UserError
from risk_model.signals import Remark

if TYPE_CHECKING:
    from pydicom import Dataset

Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]

# the elements by which grey values are shown ...
SHOWN_BY = (
    "PhotometricInterpretation BitsStored PixelRepresentation PixelPaddingValue "
    "PixelPaddingRangeLimit ModalityLUTSequence RescaleSlope RescaleIntercept VOILUTSequence "
    "WindowCenter WindowWidth VOILUTFunction"
).split()
# ... and where an image of several frames keeps those of each frame
OF_FRAMES = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
FRAME_TRANSFORMS = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
UNWINDOWED = Remark(
    "note", "window", "no window: 8 bits shown whole, more from the 1st to the 99th percentile"
)


def frame_header(dataset: Dataset, number: int, where: str) -> Dataset:
    """The elements by which one frame is shown; those of its own stand before shared ones.

    UserError, naming the element, for a value that is none.
    """
    from pydicom import Dataset as Header

    header = Header()
    if hasattr(dataset, "file_meta"):
        header.file_meta = dataset.file_meta  # tells the byte order of tables
    for source in (dataset, *_of_frame(dataset, number)):
        for name in SHOWN_BY:
            try:
                if name in source:
                    header.add(source[name])
            except Exception:  # a text where a number should be
                raise UserError(f"{where}{_refused(name)}") from None
    return header


def _of_frame(dataset: Dataset, number: int) -> list[Dataset]:
    shared, each = (dataset.get(name) or [] for name in OF_FRAMES)
    groups = [*shared[:1], *each[number : number + 1]]
    return [item for g in groups for name in FRAME_TRANSFORMS for item in g.get(name) or []]


def _refused(name: str) -> str:
    return f"{name} in its header is not as DICOM asks; correct it, or export the file again"


def _number(header: Dataset, name: str, where: str) -> float | None:
    """The first value of an element, None where it is absent or empty."""
    value = header.get(name)
    if value is not None and not isinstance(value, str) and hasattr(value, "__len__"):
        value = value[0] if len(value) else None
    if value in (None, ""):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise UserError(f"{where}{_refused(name)}")
    return number


def padded(header: Dataset, stored: npt.NDArray[Any], where: str) -> Mask:
    """Where the image is padding: PixelPaddingValue, to PixelPaddingRangeLimit if that is given."""
    value = _number(header, "PixelPaddingValue", where)
    if value is None:
        return np.zeros(stored.shape, dtype=bool)
    limit = _number(header, "PixelPaddingRangeLimit", where)
    ends = np.array([value, value if limit is None else limit])
    # -2000 is also written as 63536, the same sixteen bits
    low, high = np.sort(ends.astype(np.int64).astype(stored.dtype))
    return np.asarray((stored >= low) & (stored <= high))


def without_padding(stored: npt.NDArray[Any], padding: Mask, where: str) -> npt.NDArray[Any]:
    """Stored values with the padding at the nearest value of the rest.

    Padding far outside would make all else look alike. UserError when nothing else is there.
    """
    if not padding.any():
        return stored
    if padding.all():
        raise UserError(f"{where}holds nothing but padding (PixelPaddingValue)")
    rest = stored[~padding]
    return np.asarray(np.clip(stored, rest.min(), rest.max()))


def displayed_greys(
    header: Dataset, pixels: npt.NDArray[Any], padding: Mask, where: str
) -> tuple[Values, list[Remark]]:
    """Stored values [h, w] as displayed, 0 black to 1 white, and remarks; padding is black."""
    values = rescaled(header, pixels, where)
    function = _function(header, where)
    window, remarks = _window(header, function, where)
    if header.get("VOILUTSequence"):
        image, remarks = _by_table(header, values), []
    elif window:
        image = windowed(values, *window, function)
    else:
        image = _whole_range(header, values, padding, where)
    inverted = header.PhotometricInterpretation == "MONOCHROME1"
    image = 1 - image if inverted else image
    image[padding] = 0
    return image, remarks


def rescaled(header: Dataset, stored: npt.NDArray[Any], where: str) -> Values:
    """Stored values through the modality transform; UserError for a slope of 0."""
    from pydicom.pixels.processing import apply_modality_lut

    if header.get("ModalityLUTSequence"):
        return np.asarray(apply_modality_lut(stored, header), dtype=np.float64)
    slope, intercept = (_number(header, f"Rescale{name}", where) for name in ("Slope", "Intercept"))
    if slope == 0:
        raise UserError(f"{where}{_refused('RescaleSlope')}")
    return np.asarray(stored, dtype=np.float64) * (slope or 1.0) + (intercept or 0.0)


def _function(header: Dataset, where: str) -> str:
    function = str(header.get("VOILUTFunction") or FUNCTIONS[0]).upper()
    if function not in FUNCTIONS:
        raise UserError(f"{where}{_refused('VOILUTFunction')}")
    return function


def _window(
    header: Dataset, function: str, where: str
) -> tuple[tuple[float, float] | None, list[Remark]]:
    """The first window's centre and width, or None and a remark where there is none.

    UserError for a width that DICOM does not allow: below 1, or with other functions 0 and less.
    """
    centre, width = (_number(header, f"Window{name}", where) for name in ("Center", "Width"))
    if centre is None or width is None:
        return None, [UNWINDOWED]
    if width <= 0 or (width < 1 and function == "LINEAR"):
        raise UserError(
            f"{where}WindowWidth in its header is {width:g}, which DICOM does not allow; correct "
            "it, or remove WindowCenter and WindowWidth"
        )
    return (centre, width), []


def _whole_range(header: Dataset, values: Values, padding: Mask, where: str) -> Values:
    """Values without a window: all that 8 bits can hold, else all but the outermost values."""
    bits = int(header.BitsStored)
    if bits <= 8 and not header.get("PixelRepresentation"):
        low, high = rescaled(header, np.array([0, 2**bits - 1], dtype=np.uint8), where)
    else:
        low, high = np.percentile(values[~padding] if padding.any() else values, [1, 99])
    return np.asarray(between(values, float(low), float(high)))


def between(values: Any, low: float, high: float) -> Any:
    """Floats from `low`, black, to `high`, white, in 0..1 and as precise as they were."""
    spread = (values - low) / max(high - low, 1e-9)
    return np.clip(spread, 0, 1, out=spread)


def _by_table(header: Dataset, values: Values) -> Values:
    from pydicom.pixels.processing import apply_voi

    bits = int(header.VOILUTSequence[0].LUTDescriptor[2])
    shown = np.asarray(apply_voi(values.astype(np.int64), header), dtype=np.float64)
    return np.asarray(shown / (2**bits - 1))


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
