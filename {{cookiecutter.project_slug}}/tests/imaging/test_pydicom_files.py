"""Is every file that comes with pydicom read with pydicom's values, or refused for what it is?

The figures of the comparison are pydicom's own: its decoder, its modality transform, its window or
table. What it gives no rule for (no window, padding) is computed here once more.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.data.data_manager import DATA_ROOT
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array

from risk_model.config.imaging import Pixels
from risk_model.core.errors import UserError
from risk_model.data.sources.images import signal_of
from risk_model.signals import image_dicom
from risk_model.signals.image import read
from risk_model.signals.image_dicom import TURNED, displayed, parse

ROOT = Path(DATA_ROOT)
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in ROOT.rglob("*")
    if path.is_file() and path.read_bytes()[128:132] == b"DICM"
)
NO_IMAGE = "holds no pixels"
# the end of a file's name, and why it is refused, where pydicom itself gives no pixels; all others
# of those hold none
REFUSED = {
    "GDCMJ2K_TextGBR.dcm": "cannot be decoded by pillow: the file is damaged, or of a kind that "
    "needs another plug-in (pip install pylibjpeg pylibjpeg-openjpeg)",
    "JPEG2000-embedded-sequence-delimiter.dcm": "cannot be decoded by pillow: the file is damaged",
    "JPEG-lossy.dcm": "with 12 bits, for which a plug-in of pydicom is missing: pip install "
    "pylibjpeg pylibjpeg-libjpeg",
    "JPGExtended.dcm": "with 12 bits, for which a plug-in of pydicom is missing: pip install "
    "pylibjpeg pylibjpeg-libjpeg",
    "SC_rgb_jpeg_gdcm.dcm": "Process 14 [Selection Value 1]), for which a plug-in of pydicom is "
    "missing: pip install pylibjpeg pylibjpeg-libjpeg",
    "JPEGLSNearLossless_08.dcm": "missing: pip install pyjpegls",
    "JPEGLSNearLossless_16.dcm": "missing: pip install pyjpegls",
    "MR_small_jpeg_ls_lossless.dcm": "missing: pip install pyjpegls",
    "SC_rgb_jls_lossy_line.dcm": "missing: pip install pyjpegls",
    "SC_rgb_jls_lossy_sample.dcm": "missing: pip install pyjpegls",
    "MR_truncated.dcm": "cut short: it holds 8,130 of 8,192 bytes of pixels",
    "badVR.dcm": "NumberOfFrames in its header is no whole number",
    "meta_missing_tsyntax.dcm": "lacks PhotometricInterpretation, Rows, Columns, BitsAllocated",
    "nested_priv_SQ.dcm": "lacks PhotometricInterpretation, Rows, Columns, BitsAllocated",
    "reportsi.dcm": f"{NO_IMAGE} (Basic Text SR Storage)",
    "rtplan.dcm": f"{NO_IMAGE} (RT Plan Storage)",
    "waveform_ecg.dcm": f"{NO_IMAGE} (12-lead ECG Waveform Storage)",
    "dicomdirtests/DICOMDIR": f"{NO_IMAGE} (Media Storage Directory Storage)",
    "palettes/pet.dcm": f"{NO_IMAGE} (Color Palette Storage)",
}


def reference(image: Dataset) -> np.ndarray:
    """The middle frame as pydicom shows it, [c, h, w] in 0..1."""
    frame = int(image.get("NumberOfFrames") or 1) // 2
    stored = pixel_array(image, index=frame)
    if image.PhotometricInterpretation == "PALETTE COLOR":
        coloured = apply_color_lut(stored, image)
        return np.asarray(np.moveaxis(coloured / np.iinfo(coloured.dtype).max, -1, 0))
    if stored.ndim == 3:
        return np.asarray(np.moveaxis(stored / (2.0**image.BitsStored - 1), -1, 0))
    shown = grey(image, stored)
    shown = 1 - shown if image.PhotometricInterpretation == "MONOCHROME1" else shown
    if "PixelPaddingValue" in image:
        shown[stored == image.PixelPaddingValue] = 0
    return shown[None]


def grey(image: Dataset, stored: np.ndarray) -> np.ndarray:
    values = np.asarray(apply_modality_lut(stored, image), dtype=np.float64)
    if image.get("VOILUTSequence") or image.get("WindowWidth"):
        return within(image, np.asarray(apply_voi_lut(values, image), dtype=np.float64))
    if image.BitsStored <= 8:
        return np.asarray(values / (2.0**image.BitsStored - 1))
    low, high = np.percentile(values, [1, 99])
    return np.asarray(np.clip((values - low) / (high - low), 0, 1))


def within(image: Dataset, shown: np.ndarray) -> np.ndarray:
    """What `apply_voi_lut` gives lies between the ends of the stored values, transformed."""
    bits, signed = image.BitsStored, image.PixelRepresentation
    ends = np.array([-(2 ** (bits - 1)) * signed, 2 ** (bits - signed) - 1])
    low, high = np.asarray(apply_modality_lut(ends, image), dtype=np.float64)
    return np.asarray((shown - low) / (high - low))


def readable(path: Path) -> bool:
    """Whether pydicom itself gives pixels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dcmread(path).pixel_array  # noqa: B018
        except Exception:
            return False
    return True


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_with_the_values_of_pydicom_or_refused_for_what_it_is(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # three are ultrasound images with text burned in, which pydicom leaves there
    monkeypatch.setattr(image_dicom, "mask_text", lambda image: (image, 0))
    path = ROOT / name
    if not readable(path):
        reason = next((why for end, why in REFUSED.items() if name.endswith(end)), NO_IMAGE)
        with pytest.raises(UserError) as refused:
            displayed(parse(path.read_bytes(), ""), "")
        assert reason in str(refused.value)
        assert "\n" not in str(refused.value)
        return
    ours, remarks = displayed(parse(path.read_bytes(), ""), "")
    assert TURNED not in remarks, "the reference turns none"
    np.testing.assert_allclose(ours, reference(dcmread(path)), atol=1e-6)


def test_the_files_that_come_with_pydicom_are_more_than_a_handful() -> None:
    assert sum(readable(ROOT / name) for name in FILES) >= 80
    assert {end for end in REFUSED if not any(name.endswith(end) for name in FILES)} == set()


def test_what_lacks_the_header_of_a_dicom_file_is_said_to_lack_it() -> None:
    with pytest.raises(UserError, match="neither a DICOM file \\('DICM' after 128 bytes\\)"):
        read(ROOT / "test_files" / "no_meta.dcm", signal_of(Pixels()))
