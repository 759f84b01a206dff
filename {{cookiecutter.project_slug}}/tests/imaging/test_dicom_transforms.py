"""Is padding no anatomy, an empty element absent, and each frame shown by its own header?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from pydicom import Dataset
from pydicom.pixels.common import CoderBase
from pydicom.pixels.decoders.base import get_decoder
from pydicom.sequence import Sequence
from pydicom.uid import MPEG4HP41, UID, AllTransferSyntaxes

from risk_model.core.errors import UserError
from risk_model.signals.image_decoding import FRAMES, packages
from risk_model.signals.image_dicom import OVERLAYS, displayed, header, parse
from risk_model.signals.image_text import TEXT
from risk_model.signals.image_window import UNWINDOWED

from tests.imaging.made_dicom import NAME, RAMP, made, saved, shown

WINDOW = {"WindowCenter": "3150", "WindowWidth": "6301"}


def bordered(anatomy: np.ndarray, border: int, dtype: str) -> np.ndarray:
    """Anatomy with a border of two pixels."""
    return np.pad(anatomy, 2, constant_values=border).astype(dtype)


# what is stored in a border beside anatomy of 0 to 6,300, and the elements that call it padding
PADDED: dict[str, tuple[int, str, dict[str, Any]]] = {
    "below the anatomy": (-2000, "i2", {"PixelPaddingValue": -2000}),
    "below the anatomy, with a window": (-2000, "i2", {"PixelPaddingValue": -2000, **WINDOW}),
    "above the anatomy": (65_535, "u2", {"PixelPaddingValue": 65_535, **WINDOW}),
    "where less is brighter": (
        0,
        "u2",
        {"PixelPaddingValue": 0, "PhotometricInterpretation": "MONOCHROME1"},
    ),
    "within a range": (
        -2000,
        "i2",
        {"PixelPaddingValue": -3000, "PixelPaddingRangeLimit": -1500},
    ),
    "within a range that begins above": (
        -2000,
        "i2",
        {"PixelPaddingValue": -1500, "PixelPaddingRangeLimit": -3000},
    ),
    "rescaled like all else": (
        -2000,
        "i2",
        {"PixelPaddingValue": -2000, "RescaleSlope": "2", "RescaleIntercept": "-1024"},
    ),
}


@pytest.mark.parametrize("kind", PADDED)
def test_padding_is_black_and_the_anatomy_is_shown_as_if_there_were_none(kind: str) -> None:
    border, dtype, tags = PADDED[kind]
    anatomy = RAMP.astype(dtype) + (1 if border == 0 else 0)
    image = shown(made(bordered(anatomy, border, dtype), **tags))[0]
    plain = {name: value for name, value in tags.items() if not name.startswith("PixelPadding")}
    np.testing.assert_array_equal(image[2:-2, 2:-2], shown(made(anatomy, **plain))[0])
    edge = np.pad(np.zeros(RAMP.shape, dtype=bool), 2, constant_values=True)
    assert (image[edge] == 0).all()


def test_padding_written_as_an_unsigned_number_is_the_same_sixteen_bits() -> None:
    image = made(bordered(RAMP, -2000, "i2"))
    image.add_new("PixelPaddingValue", "US", 63_536)
    np.testing.assert_array_equal(shown(image)[0, 2:-2, 2:-2], shown(made(RAMP.astype("i2")))[0])


def test_an_image_of_nothing_but_padding_is_refused() -> None:
    with pytest.raises(UserError, match="nothing but padding"):
        shown(made(np.full((8, 8), 7, dtype=np.uint16), PixelPaddingValue=7))


def test_text_in_the_value_of_the_padding_does_not_come_back_with_it() -> None:
    drawn = Image.new("L", (240, 120), 0)
    ImageDraw.Draw(drawn).text((20, 50), f"{NAME.upper()} ERIKA 12.08.1954", fill=255)
    noise = np.random.default_rng(0).integers(900, 1_100, (120, 240))
    written = np.where(np.asarray(drawn) > 128, 0, noise).astype(np.uint16)
    image, remarks = displayed(made(written, PixelPaddingValue=0), "")
    assert TEXT in remarks
    assert ((image == 0) & (written[None] == 0)).sum() == 0


EMPTY = ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "PixelPaddingValue")


@pytest.mark.parametrize("names", [EMPTY, *((name,) for name in EMPTY)], ids="+".join)
def test_an_element_that_is_there_but_empty_is_as_one_that_is_absent(
    names: tuple[str, ...],
) -> None:
    empty = made(RAMP, **dict.fromkeys(names, None))
    assert all(name in parse(saved(empty), "") for name in names)
    np.testing.assert_array_equal(shown(empty), shown(made(RAMP)))


def test_an_intercept_without_a_slope_is_added() -> None:
    lone = made(RAMP, RescaleSlope=None, RescaleIntercept="-1024", **WINDOW)
    both = made(RAMP, RescaleSlope="1", RescaleIntercept="-1024", **WINDOW)
    np.testing.assert_array_equal(shown(lone), shown(both))


# elements, and what is said of them
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a window of no width": ({"WindowCenter": "1", "WindowWidth": "0"}, "WindowWidth .* is 0"),
    "a window of a negative width": ({"WindowCenter": "1", "WindowWidth": "-5"}, "WindowWidth"),
    "a slope of 0": ({"RescaleSlope": "0", "RescaleIntercept": "0"}, "RescaleSlope"),
    "a function of no name": ({"VOILUTFunction": "CURVED"}, "VOILUTFunction"),
    "no number of frames": ({"NumberOfFrames": "some"}, "NumberOfFrames .* no whole number"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_an_element_that_cannot_be_used_is_refused_by_its_name(kind: str) -> None:
    tags, reason = REFUSED[kind]
    image = made(RAMP)
    for name, value in tags.items():
        image.add_new(name, "LO", value)
    with pytest.raises(UserError, match=reason) as refused:
        displayed(image, "x.dcm: ")
    assert "cut short" not in str(refused.value)


def enhanced(frames: int = 3) -> Dataset:
    """Frames of one value, 1,000 each, with a slope of their own and a shared window."""
    image = made(RAMP, NumberOfFrames=frames)
    image.PixelData = np.full((frames, *RAMP.shape), 1_000, dtype=np.uint16).tobytes()
    window, own = Dataset(), []
    window.WindowCenter, window.WindowWidth, window.VOILUTFunction = "5000", "10000", "LINEAR_EXACT"
    shared = Dataset()
    shared.FrameVOILUTSequence = Sequence([window])
    for number in range(frames):
        rescale, group = Dataset(), Dataset()
        rescale.RescaleSlope, rescale.RescaleIntercept = str(number + 1), "500"
        group.PixelValueTransformationSequence = Sequence([rescale])
        own.append(group)
    image.SharedFunctionalGroupsSequence = Sequence([shared])
    image.PerFrameFunctionalGroupsSequence = Sequence(own)
    return image


def test_of_several_frames_the_middle_one_is_shown_by_its_own_header() -> None:
    image, remarks = displayed(parse(saved(enhanced()), ""), "")
    np.testing.assert_allclose(image, (2 * 1_000 + 500) / 10_000, atol=1e-6)
    assert FRAMES in remarks
    assert UNWINDOWED not in remarks


def test_a_film_of_many_frames_is_read_by_the_size_of_one() -> None:
    frames = np.zeros((60, 1_000, 1_000), dtype=np.uint8)  # 60 million values in all
    frames[30] = 51
    film = made(frames[0], NumberOfFrames=len(frames), PixelData=frames.tobytes())
    np.testing.assert_allclose(shown(film), 0.2, atol=1e-6)


def test_an_overlay_beside_the_pixels_is_told_and_not_drawn() -> None:
    image = made(RAMP, **WINDOW)
    image.add_new(0x60000010, "US", 8)
    image.add_new(0x60003000, "OW", b"\xff" * 8)
    pixels, remarks = displayed(parse(saved(image), ""), "")
    np.testing.assert_array_equal(pixels, shown(made(RAMP, **WINDOW)))
    assert OVERLAYS in remarks
    assert OVERLAYS not in displayed(made(RAMP), "")[1]


def test_an_overlay_in_the_bits_above_the_image_is_no_part_of_it() -> None:
    low = RAMP // 2
    drawn = low | (np.eye(8, dtype=np.uint16) << 15)
    tags = {"BitsStored": 12, "HighBit": 11, **WINDOW}
    np.testing.assert_array_equal(shown(made(drawn, **tags)), shown(made(low, **tags)))


def palette(bits: int) -> Dataset:
    image = made(
        np.array([[0, 1], [2, 3]], dtype=np.uint8), PhotometricInterpretation="PALETTE COLOR"
    )
    for colour, entries in (("Red", [0, 1, 0, 1]), ("Green", [0, 0, 1, 1]), ("Blue", [0, 0, 0, 1])):
        top = np.array(entries) * (2**bits - 1)
        setattr(image, f"{colour}PaletteColorLookupTableDescriptor", [4, 0, bits])
        kind = "<u2" if bits == 16 else "u1"
        setattr(image, f"{colour}PaletteColorLookupTableData", top.astype(kind).tobytes())
    return image


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_gives_its_colours_whatever_its_depth(bits: int) -> None:
    expected = [[[0, 1], [0, 1]], [[0, 0], [1, 1]], [[0, 0], [0, 1]]]
    np.testing.assert_array_equal(shown(palette(bits)), expected)


def test_a_palette_without_its_table_is_refused_for_that() -> None:
    image = palette(8)
    del image.GreenPaletteColorLookupTableData
    with pytest.raises(UserError, match=r"a lookup table .* not as DICOM asks"):
        shown(image)


# manufacturer, model, and the group
DEVICES = {
    ("Siemens", "Mobilett XP"): "SIEMENS MOBILETT XP",
    ("SIEMENS ", " MOBILETT  XP"): "SIEMENS MOBILETT XP",
    ("GE", None): "GE",
    ("", "DX-D 600"): "DX-D 600",
    ("Agfa\x00", "x" * 80): f"AGFA {'X' * 59}",
    ("Gemäß", "M"): "GEMÄSS M",
}


@pytest.mark.parametrize("said", DEVICES)
def test_the_device_is_its_manufacturer_and_model_however_they_are_spelt(
    said: tuple[str, str | None],
) -> None:
    tags = {"Manufacturer": said[0], "ManufacturerModelName": said[1]}
    image = parse(saved(made(RAMP, SpecificCharacterSet="ISO_IR 192", **tags)), "")
    assert header(image)["device"] == DEVICES[said]


def test_a_header_that_names_no_device_gives_none() -> None:
    assert "device" not in header(parse(saved(made(RAMP, Manufacturer="", StationName="X1")), ""))


def coded(syntax: str, **tags: Any) -> Dataset:
    image = made(RAMP, **tags)
    image.file_meta.TransferSyntaxUID = UID(syntax)
    return image


def decoder(uid: str) -> CoderBase | None:
    try:
        return get_decoder(UID(uid))
    except NotImplementedError:
        return None


COMPRESSED = [u for u in AllTransferSyntaxes if (found := decoder(u)) and found.is_encapsulated]
WITHOUT_A_PLUG_IN = [u for u in COMPRESSED if not get_decoder(UID(u)).is_available]


@pytest.mark.parametrize("uid", WITHOUT_A_PLUG_IN, ids=lambda uid: UID(uid).keyword)
def test_a_missing_plug_in_is_named_as_pydicom_names_it(uid: str) -> None:
    needed = " ".join(get_decoder(UID(uid)).missing_dependencies)
    assert all(f"{name}>=" in needed for name in packages(UID(uid)).split())
    with pytest.raises(UserError) as refused:
        displayed(coded(uid), "")
    assert f"pip install {packages(UID(uid))}" in str(refused.value)
    assert UID(uid).name in str(refused.value)


def test_jpeg_ls_lossless_jpeg_and_jpeg_2000_of_high_throughput_are_among_them() -> None:
    names = " ".join(UID(uid).keyword for uid in WITHOUT_A_PLUG_IN)
    assert all(word in names for word in ("JPEGLSLossless", "JPEGLosslessSV1", "HTJ2K"))


# of a syntax that is no image's, or none at all, and what is said
@pytest.mark.parametrize(
    ("syntax", "reason"),
    [
        (MPEG4HP41, "is stored as MPEG-4 .* which pydicom does not read"),
        (f"1.2.{NAME}", "names no transfer syntax of DICOM"),
        ("1.2.840.10008.5.1.4.1.1.7", "names no transfer syntax of DICOM"),
    ],
)
def test_what_pydicom_cannot_decode_is_refused_for_that(syntax: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason) as refused:
        displayed(coded(syntax), "")
    assert NAME not in str(refused.value)


def test_pixels_cut_short_are_counted() -> None:
    content = saved(made(RAMP))[:-40]
    with pytest.raises(UserError, match="cut short: it holds 88 of 128 bytes of pixels"):
        displayed(parse(content, ""), "")
