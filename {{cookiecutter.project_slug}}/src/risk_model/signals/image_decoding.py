"""The stored pixels of a DICOM file, decoded by pydicom, or the reason why they cannot be.

Which plug-in a transfer syntax needs is pydicom's own knowledge; what pip calls it is said here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from risk_model.core.errors import UserError
from risk_model.signals import Remark

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.uid import UID

# A word of a transfer syntax's name, and the packages that decode it: the first that fits counts.
PLUG_INS = (
    ("JPEG-LS", "pyjpegls"),
    ("JPEG 2000", "pylibjpeg pylibjpeg-openjpeg"),
    ("JPEG", "pylibjpeg pylibjpeg-libjpeg"),
)
FRAMES = Remark("note", "frames", "several frames: the middle one was taken")


def middle_frame(dataset: Dataset, where: str) -> tuple[int, list[Remark]]:
    """The number of the frame that is shown, from 0; UserError for a count that is none."""
    frames = whole_number(dataset, "NumberOfFrames", where) or 1
    return frames // 2, [FRAMES] if frames > 1 else []


def whole_number(dataset: Dataset, name: str, where: str) -> int:
    """An element of the header, 0 where it is absent or empty; UserError when it is no number."""
    try:
        return int(dataset.get(name) or 0)
    except Exception:  # its text may hold anything, so it isn't repeated
        raise UserError(
            f"{where}{name} in its header is no whole number; export it again"
        ) from None


def stored_pixels(dataset: Dataset, frame: int, where: str) -> Any:
    """One frame as stored, [rows, columns] or [rows, columns, 3]; YBR becomes RGB.

    Raises:
        UserError: no installed plug-in decodes it, or the file is short or damaged.
    """
    from pydicom.pixels.utils import pixel_array

    syntax = _syntax(dataset, where)
    if syntax.is_encapsulated:
        _check_plug_in(dataset, syntax, where)
    else:
        _check_length(dataset, where)
    try:
        return pixel_array(dataset, index=frame)
    except Exception as error:  # decoders fail in many ways
        raise UserError(f"{where}{_failure(syntax)} ({type(error).__name__})") from None


def _syntax(dataset: Dataset, where: str) -> UID:
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    # one that DICOM does not list may be anything, a name too: it isn't repeated
    if not syntax or not getattr(syntax, "keyword", "") or not syntax.is_transfer_syntax:
        raise UserError(
            f"{where}names no transfer syntax of DICOM, so its pixels cannot be decoded; export it "
            "again"
        )
    known: UID = syntax
    return known


def _check_plug_in(dataset: Dataset, syntax: UID, where: str) -> None:
    from pydicom.pixels.decoders.base import get_decoder

    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise UserError(
            f"{where}is stored as {syntax.name}, which pydicom does not read; export it "
            "uncompressed, or as single images"
        ) from None
    beyond = decoder.available_plugins == ("pillow",) and _beyond_pillow(dataset, syntax, where)
    if beyond or not decoder.is_available:
        with_bits = f" with {whole_number(dataset, 'BitsStored', where)} bits" if beyond else ""
        raise UserError(
            f"{where}is stored as {syntax.name}{with_bits}, for which a plug-in of pydicom is "
            f"missing: pip install {packages(syntax)}, or export it uncompressed"
        )


def _beyond_pillow(dataset: Dataset, syntax: UID, where: str) -> bool:
    """Whether Pillow, the plug-in that is always here, declines this kind of the syntax.

    It decodes JPEG Extended of 8 bits, and JPEG 2000 of more than 8 bits in grey only.
    """
    deep = whole_number(dataset, "BitsStored", where) > 8
    colour = whole_number(dataset, "SamplesPerPixel", where) > 1
    return deep and ("Extended" in syntax.name or (colour and "JPEG 2000" in syntax.name))


def packages(syntax: UID) -> str:
    """What pip calls the plug-in that decodes a transfer syntax."""
    return next(names for word, names in PLUG_INS if word in syntax.name)


def _check_length(dataset: Dataset, where: str) -> None:
    from pydicom.pixels.utils import get_expected_length

    try:
        expected, held = get_expected_length(dataset), len(dataset.PixelData)
    except Exception:
        raise UserError(f"{where}its header does not say how its pixels are stored") from None
    if held < expected:
        raise UserError(
            f"{where}is cut short: it holds {held:,} of {expected:,} bytes of pixels; export it "
            "again"
        )


def _failure(syntax: UID) -> str:
    if not syntax.is_encapsulated:
        return "its pixels are not what its header says (bits, samples); export it again"
    from pydicom.pixels.decoders.base import get_decoder

    used = " and ".join(get_decoder(syntax).available_plugins)
    other = f", or of a kind that needs another plug-in (pip install {packages(syntax)})"
    missing = any(word in syntax.name for word, _ in PLUG_INS) and used == "pillow"
    return (
        f"its pixels, stored as {syntax.name}, cannot be decoded by {used}: the file is damaged"
        f"{other if missing else ''}; export it again uncompressed"
    )
