"""Are images read one way whatever their file, measured rightly, and is burned-in text found?"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw
from pydicom.uid import DeflatedExplicitVRLittleEndian

from risk_model.config.imaging import Images, Pixels
from risk_model.core.errors import UserError
from risk_model.data.sources import images
from risk_model.data.sources.images import signal_of
from risk_model.signals import image
from risk_model.signals.image_text import mask_text

from tests.imaging.made_dicom import made, saved

SIGNAL = signal_of(Pixels(size=32))


def png(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def noise(seed: int = 0, side: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(20, 200, (side, side)).astype(np.uint8)


def test_a_png_and_its_base64_are_the_same_recording(tmp_path: Path) -> None:
    content = png(noise())
    (tmp_path / "a.png").write_bytes(content)
    from_file = image.read(tmp_path / "a.png", SIGNAL).recording
    asked = image.received(base64.b64encode(content).decode(), SIGNAL)
    assert from_file.tobytes() == asked.tobytes()
    np.testing.assert_allclose(from_file[0], noise() / 255, atol=1e-6)


def test_sixteen_bits_of_grey_keep_their_shades(tmp_path: Path) -> None:
    deep = (noise().astype(np.uint16) * 257).astype(np.uint16)
    read = image.decoded(png(deep), SIGNAL, "").recording
    np.testing.assert_allclose(read[0], noise() / 255, atol=1e-4)


def test_proportions_are_kept_and_the_rest_is_black() -> None:
    wide = np.full((1, 20, 40), 1.0, dtype=np.float32)
    fitted = image.resized(wide, SIGNAL)
    assert fitted.shape == (1, 32, 32)
    assert (fitted[0, 8:24] > 0.99).all()
    assert (fitted[0, :8] == 0).all()
    assert (fitted[0, 24:] == 0).all()


@pytest.mark.parametrize(
    "value", [None, 3, [], "not base64!", base64.b64encode(b"GIF89a....").decode(), "", "AAAA"]
)
def test_what_is_no_image_is_refused_without_being_repeated(value: object) -> None:
    with pytest.raises(UserError) as refused:
        image.received(value, SIGNAL)
    assert str(value) not in str(refused.value) or value in ("", None, 3, [])


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_picture_cut_short_is_refused(kind: str, share: float, tmp_path: Path) -> None:
    content = png(noise(side=200), kind)
    path = tmp_path / "cut.img"
    path.write_bytes(content[: round(len(content) * share)])
    with pytest.raises(UserError, match=r"cut\.img"):
        image.read(path, SIGNAL)


def test_measurements_are_what_they_say() -> None:
    half = np.zeros((1, 32, 32), dtype=np.float32)
    half[0, :, 16:] = 1
    measured = image.measure(half, SIGNAL)
    assert (
        measured["brightness"]
        == measured["contrast"]
        == measured["dark"]
        == measured["bright"]
        == 0.5
    )
    assert measured["sharpness"] == pytest.approx(
        2 / 30
    )  # two columns of 30 differ by 1 from a neighbour


def test_an_image_is_described_by_its_places_and_its_quantiles() -> None:
    dot = np.zeros((1, 32, 32), dtype=np.float32)
    dot[0, 4:8, 8:12] = 1
    described = image.describe(dot, SIGNAL)
    assert len(described) == SIGNAL.described == 80
    assert described[:64].argmax() == 1 * 8 + 2
    assert described[:64].sum() == 1
    np.testing.assert_allclose(described[64:], [*[0] * 15, 1])


def test_hiding_a_place_changes_that_place_alone_and_takes_its_value_from_around() -> None:
    dot = np.full((1, 32, 32), 0.25, dtype=np.float32)
    dot[0, 4:8, 8:12] = 1
    parts = image.parts(dot, SIGNAL)
    assert len(parts) == 64
    (at,) = (part for part in parts if part["box"] == [8, 4, 12, 8])
    hidden = image.without(dot, at, SIGNAL)
    np.testing.assert_array_equal(hidden, np.full_like(dot, 0.25))
    assert (dot[0, 4:8, 8:12] == 1).all()


def radiograph(seed: int, words: str = "") -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:200, 0:240]
    shade = (
        90 + 60 * np.sin(x / 30 + rng.uniform(0, 6)) * np.cos(y / 41) + rng.normal(0, 6, (200, 240))
    )
    drawn = Image.fromarray(shade.clip(0, 245).astype(np.uint8))
    pen = ImageDraw.Draw(drawn)
    pen.fontmode = "1"
    pen.text((220, 100), "R", fill=255)
    if words:
        pen.text((int(rng.integers(2, 60)), int(rng.choice([2, 185]))), words, fill=255)
    return np.asarray(drawn, dtype=np.float32)[None] / 255


def test_burned_in_names_are_found_and_side_markers_are_left(
    record_property: Callable[[str, object], None],
) -> None:
    written = [mask_text(radiograph(seed, "MUSTERMANN ERIKA 12.08.1954")) for seed in range(60)]
    clean = [mask_text(radiograph(seed)) for seed in range(60)]
    recall = sum(lines > 0 for _, lines in written) / 60
    alarms = sum(lines > 0 for _, lines in clean) / 60
    record_property(
        "figures",
        f"burned-in text: found in {recall:.0%} of 60 images, imagined in {alarms:.0%} of 60",
    )
    assert recall >= 0.95
    assert alarms <= 0.02


def test_what_is_masked_holds_no_stroke_of_the_name_any_more() -> None:
    masked, lines = mask_text(radiograph(3, "MUSTERMANN ERIKA 12.08.1954"))
    assert lines == 1
    bright = masked[0] >= 250 / 255
    assert bright[:95].sum() == bright[115:].sum() == 0
    assert bright[95:115].sum() > 0  # the side marker


def test_listed_images_become_a_cohort_and_one_that_is_broken_can_be_set_aside(
    tmp_path: Path,
) -> None:
    names = [f"{i}.png" for i in range(20)]
    for i, name in enumerate(names):
        (tmp_path / name).write_bytes(png(noise(i)) if i != 7 else b"\x89PNG\r\n\x1a\n broken")
    table = pd.DataFrame(
        {"file": names, "patient_id": range(20), "lesion": [i % 2 for i in range(20)]}
    )
    table.to_csv(tmp_path / "labels.csv", index=False)
    settings = Images(path=str(tmp_path / "labels.csv"), outcome="lesion", size=32)
    with pytest.raises(UserError, match=r"7\.png.*data\.set_aside"):
        images.load(settings)
    settings.set_aside = 1
    cohort = images.load(settings)
    assert len(cohort) == 19
    assert cohort.encoded().shape == (19, cohort.schema.width)
    assert any("7.png" in note.message for note in cohort.notes)


@pytest.mark.parametrize("size", [4, 5_000])
def test_an_image_too_small_to_see_or_too_large_to_hold_is_refused(size: int) -> None:
    with pytest.raises(UserError, match=r"data\.size"):
        signal_of(Pixels(size=size))


def test_a_request_may_not_be_a_dicom_file_of_any_size() -> None:
    large = made(np.zeros((4_097, 4_096), np.uint8))
    assert image.decoded(saved(large), SIGNAL, "").recording.shape == SIGNAL.shape
    with pytest.raises(UserError, match="more than 16,777,216"):
        image.received(base64.b64encode(saved(large)).decode(), SIGNAL)
    small = made(np.full((64, 64), 51, np.uint8))
    small.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    np.testing.assert_allclose(image.decoded(saved(small), SIGNAL, "").recording, 0.2, atol=1e-6)
    with pytest.raises(UserError, match="is a deflated DICOM file"):
        image.received(base64.b64encode(saved(small)).decode(), SIGNAL)


def test_a_request_may_not_claim_as_many_pixels_as_a_file_of_ones_own(tmp_path: Path) -> None:
    large = png(np.zeros((4_097, 4_096), np.uint8))
    assert len(large) < 100_000
    with pytest.raises(UserError, match="more than 16,777,216 pixels"):
        image.received(base64.b64encode(large).decode(), SIGNAL)
    (tmp_path / "a.png").write_bytes(large)
    assert image.read(tmp_path / "a.png", SIGNAL).recording.shape == SIGNAL.shape
