"""Is a DICOM file shown as pydicom says, and is a broken one refused in one line that names it and
nobody in it?
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import JPEG2000, ExplicitVRLittleEndian

from risk_model.config.imaging import Pixels
from risk_model.core.errors import UserError
from risk_model.data.sources.images import signal_of
from risk_model.signals import Remark
from risk_model.signals.image import decoded, read
from risk_model.signals.image_dicom import displayed, header, parse
from risk_model.signals.image_window import UNWINDOWED, windowed

from tests.imaging.made_dicom import NAME, RAMP, made, saved, shown

GREY, COLOUR = signal_of(Pixels(size=32)), signal_of(Pixels(size=32, colour=True))


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "RG1_UNCI.dcm", "693_UNCI.dcm"])
def test_real_files_with_a_window_are_shown_as_pydicom_shows_them(name: str) -> None:
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.fail(f"pydicom does not bring {name} any more") if name in (
            "CT_small.dcm",
            "MR_small.dcm",
        ) else None
        return
    image = dcmread(str(path))
    if "WindowWidth" not in image:
        image.WindowCenter, image.WindowWidth = "300", "400"
    reference = np.asarray(
        apply_voi_lut(apply_modality_lut(image.pixel_array, image), image), dtype=np.float64
    )
    reference = (reference - reference.min()) / np.ptp(reference)
    ours = displayed(image, "")[0][0]
    ours = (ours - ours.min()) / np.ptp(ours)
    np.testing.assert_allclose(
        1 - ours if image.PhotometricInterpretation == "MONOCHROME1" else ours, reference, atol=2e-3
    )


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_each_window_function_is_that_of_pydicom(function: str) -> None:
    image = made(
        RAMP, WindowCenter="2500", WindowWidth="3000", VOILUTFunction=function, RescaleSlope="1"
    )
    image.RescaleIntercept = "0"
    reference = np.asarray(apply_voi_lut(RAMP, image), dtype=np.float64) / (2**16 - 1)
    np.testing.assert_allclose(
        windowed(RAMP.astype(float), 2500, 3000, function), reference, atol=1e-6
    )


def test_monochrome1_is_turned_so_that_more_is_brighter_in_every_image() -> None:
    window = {"WindowCenter": "3150", "WindowWidth": "6301"}
    plain = shown(made(RAMP, **window))
    inverted = shown(made(RAMP, PhotometricInterpretation="MONOCHROME1", **window))
    np.testing.assert_allclose(inverted, 1 - plain, atol=1e-6)


def test_signed_values_and_rescaling_reach_the_window() -> None:
    signed = (RAMP.astype(np.int16) - 3_000).astype(np.int16)
    tags = {
        "RescaleSlope": "2",
        "RescaleIntercept": "-10",
        "WindowCenter": "0",
        "WindowWidth": "4001",
    }
    expected = np.clip((signed * 2.0 - 10 + 0.5) / 4000 + 0.5, 0, 1)
    np.testing.assert_allclose(shown(made(signed, **tags))[0], expected, atol=1e-6)


def test_colours_keep_their_order_and_become_grey_where_grey_is_read() -> None:
    pixels = np.zeros((32, 32, 3), dtype=np.uint8)
    pixels[..., 0], pixels[..., 1] = 200, 100
    content = saved(made(pixels))
    colour = decoded(content, COLOUR, "").recording
    np.testing.assert_allclose(colour[:, 5, 5], [200 / 255, 100 / 255, 0], atol=1e-6)
    grey = decoded(content, GREY, "")
    np.testing.assert_allclose(
        grey.recording[0, 5, 5], (0.299 * 200 + 0.587 * 100) / 255, atol=1e-6
    )
    assert any(remark.kind == "colour" for remark in grey.remarks)


def test_an_image_stored_towards_the_patients_right_is_turned_and_others_are_not() -> None:
    window = {"WindowCenter": "3150", "WindowWidth": "6301"}
    usual = shown(made(RAMP, PatientOrientation=["L", "F"], **window))
    np.testing.assert_array_equal(
        shown(made(RAMP, PatientOrientation=["R", "F"], **window)), usual[:, :, ::-1]
    )
    np.testing.assert_array_equal(
        shown(made(RAMP, PatientOrientation=["L", "H"], **window)), usual[:, ::-1]
    )
    np.testing.assert_array_equal(shown(made(RAMP, PatientOrientation=["A", "F"], **window)), usual)
    np.testing.assert_array_equal(shown(made(RAMP, **window)), usual)


def test_of_several_frames_the_middle_one_is_taken_and_told() -> None:
    frames = np.stack([np.full((8, 8), value, dtype=np.uint8) for value in (10, 20, 30)])
    image = made(frames[0], NumberOfFrames=3, PixelData=frames.tobytes())
    pixels, remarks = displayed(parse(saved(image), ""), "")
    np.testing.assert_allclose(pixels, 20 / 255, atol=1e-6)
    assert any(n.kind == "frames" for n in remarks)


def test_without_a_window_bytes_are_shown_whole_and_it_is_told() -> None:
    pixels, remarks = displayed(made(np.full((8, 8), 51, dtype=np.uint8)), "")
    np.testing.assert_allclose(pixels, 0.2, atol=1e-6)
    assert UNWINDOWED in remarks


def test_of_the_header_only_age_and_sex_go_on_and_identity_is_told_without_being_repeated(
    tmp_path: Path,
) -> None:
    path = tmp_path / "one.dcm"
    path.write_bytes(saved(made(RAMP)))
    reading = read(path, GREY)
    assert reading.header == {"age": 63.0, "sex": "F"}
    assert header(made(RAMP, PatientAge="018M"))["age"] == 1.5
    identity = [remark for remark in reading.remarks if remark.kind == "identity"]
    assert len(identity) == 1
    assert NAME not in str(reading.remarks)


def cut(content: bytes) -> bytes:
    return content[: len(content) - 40]


def said_to_be_compressed(content: bytes) -> bytes:
    image = dcmread(io.BytesIO(content))
    image.file_meta.TransferSyntaxUID = JPEG2000
    image["PixelData"].is_undefined_length = True
    file = io.BytesIO()
    try:
        image.save_as(file, enforce_file_format=True)
    except ValueError:
        return content.replace(
            ExplicitVRLittleEndian.encode(), b"1.2.840.10008.1.2.4"[: len(ExplicitVRLittleEndian)]
        )
    return file.getvalue()


def without(tag: str) -> bytes:
    image = made(RAMP)
    delattr(image, tag)
    return saved(image)


BROKEN: dict[str, Callable[[], bytes]] = {
    "cut short": lambda: cut(saved(made(RAMP))),
    "cut in the header": lambda: saved(made(RAMP))[:300],
    "another transfer syntax": lambda: said_to_be_compressed(saved(made(RAMP))),
    "no photometric interpretation": lambda: without("PhotometricInterpretation"),
    "no pixels": lambda: without("PixelData"),
    "no rows": lambda: without("Rows"),
    "a window of no width": lambda: saved(made(RAMP, WindowCenter="1", WindowWidth="0")),
    "not DICOM": lambda: b"patient_id,died\n" * 40,
    "empty": lambda: b"",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_file_gets_one_line_that_names_it_and_no_patient(
    broken: str, tmp_path: Path
) -> None:
    path = tmp_path / "broken.dcm"
    path.write_bytes(BROKEN[broken]())
    with pytest.raises(UserError) as refused:
        read(path, GREY)
    told = str(refused.value)
    assert "broken.dcm" in told
    assert "\n" not in told
    assert NAME not in told
    assert "4711" not in told


def test_a_missing_tag_is_named() -> None:
    with pytest.raises(UserError, match="lacks PhotometricInterpretation"):
        parse(without("PhotometricInterpretation"), "")


@pytest.mark.parametrize(
    ("tag", "word"), [("PatientID", "patient"), ("SeriesInstanceUID", "series")]
)
def test_a_folder_with_two_patients_or_two_series_is_refused_and_names_neither(
    tag: str, word: str, tmp_path: Path
) -> None:
    for number in range(2):
        other = {tag: f"1.2.{number + 1}"}
        same = {"PatientID": "1", "SeriesInstanceUID": "1.2.3"} | other
        (tmp_path / f"{number}.dcm").write_bytes(saved(made(RAMP, InstanceNumber=number, **same)))
    with pytest.raises(UserError, match=f"more than one {word}") as refused:
        read(tmp_path, GREY)
    assert "1.2.1" not in str(refused.value)


def test_of_a_series_the_middle_image_is_taken_by_its_number_not_its_name(tmp_path: Path) -> None:
    for name, number, value in (("a", 3, 30), ("b", 1, 10), ("c", 2, 20)):
        pixels = np.full((32, 32), value, dtype=np.uint8)
        tags = {"InstanceNumber": number, "PatientID": "1", "SeriesInstanceUID": "1.2.3"}
        (tmp_path / f"{name}.dcm").write_bytes(saved(made(pixels, **tags)))
    np.testing.assert_allclose(read(tmp_path, GREY).recording, 20 / 255, atol=1e-6)


def test_an_image_that_claims_to_be_huge_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(UserError, match="more than"):
        parse(saved(made(RAMP, Rows=60_000, Columns=60_000)), "")


def test_said_to_have_text_burned_in_is_a_warning() -> None:
    remarks = displayed(made(RAMP, BurnedInAnnotation="YES"), "")[1]
    assert any(
        isinstance(n, Remark) and n.severity == "warning" and "burned in" in n.message
        for n in remarks
    )


@given(seed=st.integers(0, 2**32), flips=st.integers(1, 20), length=st.floats(0, 1))
@settings(max_examples=80, deadline=None)
def test_whatever_is_damaged_is_either_read_or_refused_in_one_line(
    seed: int, flips: int, length: float
) -> None:
    rng = np.random.default_rng(seed)
    content = bytearray(saved(made(RAMP, WindowCenter="3000", WindowWidth="6000")))
    for place in rng.integers(0, len(content), flips):
        content[place] ^= 1 << int(rng.integers(8))
    damaged = bytes(content) if seed % 2 else bytes(content[: round(length * len(content))])
    told, shape = "", (1, 32, 32)
    try:
        shape = decoded(damaged, GREY, "x.dcm: ").recording.shape
    except UserError as refused:
        told = str(refused)
    assert "\n" not in told
    assert NAME not in told
    assert shape == (1, 32, 32)


def test_nothing_warns_with_a_value_of_the_header(
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
) -> None:
    content = saved(made(RAMP, StudyInstanceUID="1.2.3.4567")).replace(b"1.2.3.4567", NAME.encode())
    recwarn.clear()
    decoded(content, GREY, "")
    assert parse(content, "")["StudyInstanceUID"].value == NAME  # read only when it is asked for
    assert [str(w.message) for w in recwarn] + caplog.messages == []
    assert capfd.readouterr() == ("", "")


def test_reading_a_dicom_file_brings_no_library_that_opens_sockets() -> None:
    program = """
import sys
from risk_model.core.errors import UserError
from risk_model.signals import image_dicom
try:
    image_dicom.parse(b"", "")
except UserError:
    print(*sys.modules)
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "pydicom" in loaded
    assert {"requests", "urllib3"}.isdisjoint(loaded)
